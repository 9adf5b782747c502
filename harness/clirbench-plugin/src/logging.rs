//! A bridge from the `log` crate to `log/1`: the library's copy of `log` is not the host's.

use std::sync::{PoisonError, RwLock};

use crate::Host;

struct Bridge {
    host: RwLock<Option<Host>>,
}

static BRIDGE: Bridge = Bridge { host: RwLock::new(None) };

/// Sends the library's log records to `host` from now on; the last host that opened it wins.
pub(crate) fn bridge(host: &Host) {
    *BRIDGE.host.write().unwrap_or_else(PoisonError::into_inner) = Some(host.clone());
    // Fails only where a logger is installed already: ours, or that of a test that links the rlib.
    if log::set_logger(&BRIDGE).is_ok() || std::ptr::addr_eq(log::logger(), &BRIDGE) {
        log::set_max_level(host.max_level());
    }
}

impl log::Log for Bridge {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let host = self.host.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(host) = host {
            host.log_from(record.level(), record.target(), &record.args().to_string());
        }
    }

    fn flush(&self) {}
}
