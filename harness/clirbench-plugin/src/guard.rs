//! Keeps panics inside the plugin: at the boundary they would end the process.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use clirbench_abi::host::HostObject;
use clirbench_abi::{AbiError, RResult, RStr};
use serde_json::Value;

use crate::{Error, Host, Result, logging, wire};

thread_local! {
    /// Where the panic in progress came from; the payload that `catch_unwind` gives does not say.
    static ORIGIN: RefCell<Option<String>> = const { RefCell::new(None) };
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `call`; a panic becomes an error of kind `panic` that names its place in the source.
pub(crate) fn guard<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    note_origins();
    let outer = GUARDED.replace(true);
    // What a panic leaves half-changed is not used again: see `Checked`.
    let outcome = catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(outer);
    outcome.unwrap_or_else(|payload| Err(described(payload)))
}

/// Opens what `open` makes of a config and a host that came over the boundary.
pub(crate) fn open<T>(
    config: RStr<'_>,
    host: HostObject,
    open: fn(&Value, Host) -> Result<T>,
) -> RResult<Checked<T>, AbiError> {
    let opened = guard(|| {
        let host = Host::attach(host)?;
        logging::bridge(&host);
        open(&wire::from_json("config", &config)?, host)
    });
    opened.map(Checked::new).map_err(AbiError::from).into()
}

/// A value from the plugin's author, and whether a call on it has panicked.
pub(crate) struct Checked<T> {
    value: Option<T>,
    broken: Cell<bool>,
}

impl<T> Checked<T> {
    pub(crate) fn new(value: T) -> Self {
        Checked { value: Some(value), broken: Cell::new(false) }
    }

    /// Runs `call` on the value.
    pub(crate) fn call<R>(&self, call: impl FnOnce(&T) -> Result<R>) -> RResult<R, AbiError> {
        let outcome = self.usable(self.value.as_ref()).and_then(|value| guard(|| call(value)));
        self.remember(outcome)
    }

    /// Runs `call` on the value.
    pub(crate) fn call_mut<R>(&mut self, call: impl FnOnce(&mut T) -> Result<R>) -> RResult<R, AbiError> {
        let mut value = self.value.take();
        let outcome = self.usable(value.as_mut()).and_then(|value| guard(|| call(value)));
        self.value = value;
        self.remember(outcome)
    }

    fn usable<V>(&self, value: Option<V>) -> Result<V> {
        value.filter(|_| !self.broken.get()).ok_or_else(|| {
            Error::panic("an earlier call panicked, so the plugin's state cannot be trusted")
                .hint("open the plugin again")
        })
    }

    fn remember<R>(&self, outcome: Result<R>) -> RResult<R, AbiError> {
        match outcome {
            Ok(value) => RResult::ROk(value),
            Err(error) => {
                self.broken.set(self.broken.get() || error.kind == "panic");
                RResult::RErr(error.into())
            }
        }
    }
}

impl<T> Drop for Checked<T> {
    fn drop(&mut self) {
        let value = self.value.take();
        if let Err(error) = guard(|| {
            drop(value);
            Ok(())
        }) {
            log::warn!("while closing the plugin: {error}");
        }
    }
}

fn described(payload: Box<dyn Any + Send>) -> Error {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    // A payload may panic when it is dropped; leaking it is the safe choice.
    std::mem::forget(payload);
    let place = ORIGIN.take().map(|origin| format!(" at {origin}")).unwrap_or_default();
    Error::panic(format!("the plugin panicked{place}: {text}"))
        .hint("this is a fault of the plugin: report it to its author")
}

/// Makes panics of guarded calls leave their place here instead of a message on stderr.
fn note_origins() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if GUARDED.try_with(Cell::get) == Ok(true) {
                ORIGIN.set(info.location().map(ToString::to_string));
            } else {
                default(info);
            }
        }));
    });
}
