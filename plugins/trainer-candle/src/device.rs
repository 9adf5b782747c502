//! Where a fit computes.

use candle_core::Device as Candle;
use clirbench_plugin::{Device, Error, Result};

/// A device that the host asked for, opened.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    /// `Cpu` or `Cuda`.
    pub(crate) kind: Device,
    pub(crate) device: Candle,
}

impl Opened {
    fn cpu() -> Self {
        Opened { kind: Device::Cpu, device: Candle::Cpu }
    }
}

/// Opens a device; `auto` is a CUDA device where this plugin is built for it and finds one.
///
/// # Errors
/// `config` for CUDA in a build without it, `runtime` where there is no such device.
pub(crate) fn open(wanted: Device) -> Result<Opened> {
    match wanted {
        Device::Cpu => Ok(Opened::cpu()),
        Device::Auto => Ok(cuda().unwrap_or_else(|_| Opened::cpu())),
        Device::Cuda => cuda(),
    }
}

fn cuda() -> Result<Opened> {
    if !cfg!(feature = "cuda") {
        return Err(Error::config("this build of trainer-candle has no CUDA").hint(
            "build it with `cargo build --release -p trainer-candle --features cuda`, or set `device` to \
             `cpu`",
        ));
    }
    let device = Candle::new_cuda(0).map_err(|e| {
        Error::runtime(format!("no CUDA device can be used: {e}"))
            .hint("check the driver with `nvidia-smi`, or set `device` to `cpu`")
    })?;
    Ok(Opened { kind: Device::Cuda, device })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_is_the_cpu_where_there_is_no_cuda() {
        assert_eq!(open(Device::Cpu).expect("a CPU").kind, Device::Cpu);
        if !cfg!(feature = "cuda") {
            assert_eq!(open(Device::Auto).expect("a CPU").kind, Device::Cpu);
            let error = open(Device::Cuda).expect_err("not built for it");
            assert!(error.kind == "config" && error.hint.contains("--features cuda"), "{error:?}");
        }
    }
}
