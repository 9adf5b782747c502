//! Where a network computes.

use candle_core::Device as Candle;
use clirbench_plugin::{Device, Error, Result};

/// A device that the host asked for, opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// `Cpu` or `Cuda`.
    pub kind: Device,
    /// The same for candle.
    pub device: Candle,
}

impl Opened {
    fn cpu() -> Self {
        Opened { kind: Device::Cpu, device: Candle::Cpu }
    }

    /// Opens a device for the plugin `plugin`; `auto` is a CUDA device where this library is built for
    /// it and finds one.
    ///
    /// # Errors
    /// `config` for CUDA in a build without it, `runtime` where there is no such device.
    pub fn open(wanted: Device, plugin: &str) -> Result<Self> {
        match wanted {
            Device::Cpu => Ok(Opened::cpu()),
            Device::Auto => Ok(cuda(plugin).unwrap_or_else(|_| Opened::cpu())),
            Device::Cuda => cuda(plugin),
        }
    }
}

fn cuda(plugin: &str) -> Result<Opened> {
    if !cfg!(feature = "cuda") {
        return Err(Error::config(format!("this build of {plugin} has no CUDA")).hint(format!(
            "build it with `cargo build --release -p {plugin} --features cuda`, or set `device` to `cpu`"
        )));
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
        assert_eq!(Opened::open(Device::Cpu, "x").expect("a CPU").kind, Device::Cpu);
        if !cfg!(feature = "cuda") {
            assert_eq!(Opened::open(Device::Auto, "x").expect("a CPU").kind, Device::Cpu);
            let error = Opened::open(Device::Cuda, "trainer-x").expect_err("not built for it");
            assert!(
                error.kind == "config" && error.hint.contains("-p trainer-x --features cuda"),
                "{error:?}"
            );
        }
    }
}
