//! What the harness does for the plugins that it loads.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use clirbench_abi::host::{HostObject, Services, host_object, state};
use clirbench_abi::services::{
    CancelService, DeviceService, LogLevel, LogService, OrtService, PathsService, ProgressService,
    ThreadsService, WeightsService,
};
use clirbench_abi::{
    AbiError, Device, Interface, InterfaceModule, ROption, RResult, RSliceMut, RStr, RString,
};

use crate::{Error, Result};

/// One log record of a plugin.
#[derive(Clone, Copy, Debug)]
pub struct LogRecord<'a> {
    /// Plugin id.
    pub plugin: &'a str,
    /// Severity.
    pub level: log::Level,
    /// The module that logs.
    pub target: &'a str,
    /// The message.
    pub message: &'a str,
}

/// Weights in place of those in a model's files, made when an encoder asks for them.
pub trait Weights: Send {
    /// Overwrites `values` with the tensor `name` (row-major; names as in `weights/1`), and returns
    /// whether there is one.
    ///
    /// # Errors
    /// When the tensor has another length or cannot be made.
    fn read(&mut self, name: &str, values: &mut [f32]) -> std::result::Result<bool, String>;
}

/// What the harness offers to a plugin. The callbacks are called from any thread of the plugin.
#[derive(Clone)]
pub struct HostServices {
    /// Takes the plugin's log records.
    pub log: Arc<dyn Fn(&LogRecord<'_>) + Send + Sync>,
    /// The least severe level that `log` wants.
    pub max_level: log::Level,
    /// Takes `(done, total)` of the call in progress, in the call's units (texts).
    pub progress: Arc<dyn Fn(u64, u64) + Send + Sync>,
    /// Set it to make the plugin stop at its next batch.
    pub cancel: Arc<AtomicBool>,
    /// How many threads the plugin may keep busy; at least 1.
    pub threads: usize,
    /// Where to compute.
    pub device: Device,
    /// A directory that the plugin may write to.
    pub scratch: PathBuf,
    /// The one ONNX Runtime library of the process.
    pub ort: Option<PathBuf>,
    /// Weights of the model that is opened, where they are not those of its files.
    pub weights: Option<Arc<Mutex<dyn Weights>>>,
}

impl HostServices {
    /// Services for one thread on the CPU: log records go to the `log` crate, progress nowhere.
    #[must_use]
    pub fn new(scratch: PathBuf) -> Self {
        HostServices {
            log: Arc::new(|r| log::log!(target: r.target, r.level, "{}: {}", r.plugin, r.message)),
            max_level: log::Level::Info,
            progress: Arc::new(|_, _| {}),
            cancel: Arc::default(),
            threads: 1,
            device: Device::Cpu,
            scratch,
            ort: None,
            weights: None,
        }
    }

    /// The object that crosses the boundary, for the plugin `id`.
    pub(crate) fn object(self, id: &str) -> Result<HostObject> {
        let scratch = text(&self.scratch)?;
        let ort = self.ort.as_deref().map(text).transpose()?;
        Ok(host_object(State(Arc::new(Inner { plugin: id.to_owned(), services: self, scratch, ort }))))
    }
}

impl fmt::Debug for HostServices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostServices")
            .field("max_level", &self.max_level)
            .field("cancel", &self.cancel)
            .field("threads", &self.threads)
            .field("device", &self.device)
            .field("scratch", &self.scratch)
            .field("ort", &self.ort)
            .field("weights", &self.weights.is_some())
            .finish_non_exhaustive()
    }
}

fn text(path: &Path) -> Result<RString> {
    path.to_str().map(RString::from).ok_or_else(|| {
        Error::Usage(format!("`{}` is not UTF-8, so it cannot be handed to a plugin", path.display()))
    })
}

/// What the functions below find behind the host object.
#[derive(Clone)]
struct State(Arc<Inner>);

struct Inner {
    plugin: String,
    services: HostServices,
    scratch: RString,
    ort: Option<RString>,
}

impl Services for State {
    fn service(&self, id: RStr<'_>) -> ROption<Interface> {
        let interface = match id.as_str() {
            LogService::ID => Interface::new(const { &LogService { max_level, log: record } }),
            ProgressService::ID => Interface::new(const { &ProgressService { progress } }),
            CancelService::ID => Interface::new(const { &CancelService { cancelled } }),
            ThreadsService::ID => Interface::new(const { &ThreadsService { budget } }),
            DeviceService::ID => Interface::new(const { &DeviceService { device } }),
            PathsService::ID => Interface::new(const { &PathsService { scratch } }),
            OrtService::ID => Interface::new(const { &OrtService { library } }),
            WeightsService::ID => Interface::new(const { &WeightsService { replaced, read } }),
            _ => return ROption::RNone,
        };
        ROption::RSome(interface)
    }
}

/// Runs `call` on the state. A panic of a callback must not cross into the plugin; it is left to
/// the panic hook's message, and the plugin gets `instead`.
fn with<T>(host: &HostObject, instead: T, call: impl FnOnce(&Inner) -> T) -> T {
    match state::<State>(host) {
        Some(state) => catch_unwind(AssertUnwindSafe(|| call(&state.0))).unwrap_or(instead),
        None => instead,
    }
}

extern "C" fn max_level(host: &HostObject) -> LogLevel {
    with(host, LogLevel::Error, |inner| match inner.services.max_level {
        log::Level::Error => LogLevel::Error,
        log::Level::Warn => LogLevel::Warn,
        log::Level::Info => LogLevel::Info,
        log::Level::Debug => LogLevel::Debug,
        log::Level::Trace => LogLevel::Trace,
    })
}

extern "C" fn record(host: &HostObject, level: LogLevel, target: RStr<'_>, message: RStr<'_>) {
    let level = match level {
        LogLevel::Error => log::Level::Error,
        LogLevel::Warn => log::Level::Warn,
        LogLevel::Info => log::Level::Info,
        LogLevel::Debug => log::Level::Debug,
        LogLevel::Trace => log::Level::Trace,
    };
    with(host, (), |inner| {
        let (target, message) = (target.as_str(), message.as_str());
        (inner.services.log)(&LogRecord { plugin: &inner.plugin, level, target, message });
    });
}

extern "C" fn progress(host: &HostObject, done: u64, total: u64) {
    with(host, (), |inner| (inner.services.progress)(done, total));
}

extern "C" fn cancelled(host: &HostObject) -> bool {
    with(host, true, |inner| inner.services.cancel.load(Ordering::Relaxed))
}

extern "C" fn budget(host: &HostObject) -> usize {
    with(host, 1, |inner| inner.services.threads.max(1))
}

extern "C" fn device(host: &HostObject) -> RString {
    with(host, RString::new(), |inner| inner.services.device.as_str().into())
}

extern "C" fn scratch(host: &HostObject) -> RString {
    with(host, RString::new(), |inner| inner.scratch.clone())
}

extern "C" fn library(host: &HostObject) -> ROption<RString> {
    with(host, ROption::RNone, |inner| inner.ort.clone().into())
}

extern "C" fn replaced(host: &HostObject) -> bool {
    with(host, false, |inner| inner.services.weights.is_some())
}

extern "C" fn read(host: &HostObject, name: RStr<'_>, values: RSliceMut<'_, f32>) -> RResult<bool, AbiError> {
    let failed = |message: String| AbiError {
        kind: "model".into(),
        message: message.into(),
        hint: "write the merge with `clirbench merge` to see what is wrong with it".into(),
    };
    let panicked = Err("the harness panicked while it made a tensor".to_owned());
    let made = with(host, panicked, |inner| {
        let Some(weights) = &inner.services.weights else { return Ok(false) };
        let mut weights = weights.lock().unwrap_or_else(PoisonError::into_inner);
        weights.read(name.as_str(), values.into_mut_slice())
    });
    made.map_err(failed).into()
}
