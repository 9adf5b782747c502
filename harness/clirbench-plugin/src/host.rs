//! The host as a plugin sees it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use clirbench_abi::Device;
use clirbench_abi::InterfaceModule;
use clirbench_abi::host::{HostObject, service};
use clirbench_abi::services::{
    CancelService, DeviceService, LogLevel, LogService, OrtService, PathsService, ProgressService,
    ThreadsService, WeightsService,
};
use clirbench_abi::{RSliceMut, RStr};

use crate::{Error, Result};

/// The host's services. Cheap to clone; usable from any thread.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

/// Takes a record's level, target and message.
type LogSink = dyn Fn(log::Level, &str, &str) + Send + Sync;

/// Overwrites a tensor, given its name, and says whether there is one to overwrite it with.
type WeightsSource = dyn Fn(&str, &mut [f32]) -> Result<bool> + Send + Sync;

#[derive(Clone)]
struct Inner {
    log: Arc<LogSink>,
    max_level: log::LevelFilter,
    progress: Arc<dyn Fn(usize, usize) + Send + Sync>,
    cancelled: Arc<dyn Fn() -> bool + Send + Sync>,
    threads: usize,
    device: Device,
    scratch: PathBuf,
    ort_library: Option<PathBuf>,
    weights: Option<Arc<WeightsSource>>,
}

impl Host {
    /// A host that stands alone, for tests that call a plugin in the same process: it keeps no log
    /// and no progress, never cancels, and offers every core, the CPU and the temporary directory.
    #[must_use]
    pub fn detached() -> Self {
        Host(Arc::new(Inner {
            log: Arc::new(|_, _, _| {}),
            max_level: log::LevelFilter::Off,
            progress: Arc::new(|_, _| {}),
            cancelled: Arc::new(|| false),
            threads: std::thread::available_parallelism().map_or(1, Into::into),
            device: Device::Cpu,
            scratch: std::env::temp_dir(),
            ort_library: None,
            weights: None,
        }))
    }

    /// The same host with another thread budget.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        Arc::make_mut(&mut self.0).threads = threads.max(1);
        self
    }

    /// The same host with another device.
    #[must_use]
    pub fn with_device(mut self, device: Device) -> Self {
        Arc::make_mut(&mut self.0).device = device;
        self
    }

    /// The same host with another scratch directory.
    #[must_use]
    pub fn with_scratch(mut self, directory: impl Into<PathBuf>) -> Self {
        Arc::make_mut(&mut self.0).scratch = directory.into();
        self
    }

    /// The same host with an ONNX Runtime library.
    #[must_use]
    pub fn with_ort_library(mut self, library: impl Into<PathBuf>) -> Self {
        Arc::make_mut(&mut self.0).ort_library = Some(library.into());
        self
    }

    /// The same host, cancelled as soon as `flag` is set.
    #[must_use]
    pub fn with_cancel(mut self, flag: Arc<AtomicBool>) -> Self {
        Arc::make_mut(&mut self.0).cancelled = Arc::new(move || flag.load(Ordering::Relaxed));
        self
    }

    /// The same host, telling `report` of progress.
    #[must_use]
    pub fn with_progress(mut self, report: impl Fn(usize, usize) + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.0).progress = Arc::new(report);
        self
    }

    /// The same host, with weights in place of those in a model's files: see [`Host::weights`].
    #[must_use]
    pub fn with_weights(
        mut self,
        read: impl Fn(&str, &mut [f32]) -> Result<bool> + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.0).weights = Some(Arc::new(read));
        self
    }

    /// Sends one record to the host's log. The macros of the [`log`] crate do the same.
    pub fn log(&self, level: log::Level, message: &str) {
        self.log_from(level, "plugin", message);
    }

    pub(crate) fn log_from(&self, level: log::Level, target: &str, message: &str) {
        if level <= self.0.max_level {
            (self.0.log)(level, target, message);
        }
    }

    pub(crate) fn max_level(&self) -> log::LevelFilter {
        self.0.max_level
    }

    /// Reports that `done` of `total` units (texts, for an encoder) are finished.
    pub fn progress(&self, done: usize, total: usize) {
        (self.0.progress)(done, total);
    }

    /// Whether to stop: poll it once per batch and return [`Error::cancelled`].
    #[must_use]
    pub fn cancelled(&self) -> bool {
        (self.0.cancelled)()
    }

    /// How many threads the plugin may keep busy, the calling one included; at least 1.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.0.threads
    }

    /// Where to compute.
    #[must_use]
    pub fn device(&self) -> Device {
        self.0.device
    }

    /// A directory that the plugin may write to.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        &self.0.scratch
    }

    /// The ONNX Runtime library that every plugin of the process shares, where one is set up.
    #[must_use]
    pub fn ort_library(&self) -> Option<PathBuf> {
        self.0.ort_library.clone()
    }

    /// Whether the model that is opened has other weights than its files: those of a merge that
    /// nobody has written. An encoder then asks for every tensor with [`Host::weights`].
    #[must_use]
    pub fn replaces_weights(&self) -> bool {
        self.0.weights.is_some()
    }

    /// Overwrites `values` (a whole tensor, row-major) with the host's tensor of this name, and
    /// returns whether there is one. Names are those of the transformer's files; those of another
    /// module have its folder before them (`2_Dense/linear.weight`).
    ///
    /// # Errors
    /// When the host's tensor has another length, or cannot be made.
    pub fn weights(&self, name: &str, values: &mut [f32]) -> Result<bool> {
        self.0.weights.as_ref().map_or(Ok(false), |read| read(name, values))
    }

    /// The host behind `object`. A service that it does not have keeps the detached behaviour, so
    /// that new plugins run under old hosts.
    pub(crate) fn attach(object: HostObject) -> Result<Self> {
        let detached = Self::detached();
        let mut inner = Inner::clone(&detached.0);
        if let Some(service) = find::<LogService>(&object)? {
            inner.max_level = filter((service.max_level)(&object));
            let host = object.clone();
            inner.log = Arc::new(move |level, target, message| {
                (service.log)(&host, wire_level(level), RStr::from(target), RStr::from(message));
            });
        }
        if let Some(service) = find::<ProgressService>(&object)? {
            let host = object.clone();
            inner.progress =
                Arc::new(move |done, total| (service.progress)(&host, done as u64, total as u64));
        }
        if let Some(service) = find::<ThreadsService>(&object)? {
            inner.threads = (service.budget)(&object).max(1);
        }
        if let Some(service) = find::<DeviceService>(&object)? {
            inner.device = (service.device)(&object)
                .parse()
                .map_err(|e| Error::config(format!("{e}")).hint("set `device` to `cpu`"))?;
        }
        if let Some(service) = find::<PathsService>(&object)? {
            inner.scratch = PathBuf::from((service.scratch)(&object).into_string());
        }
        if let Some(service) = find::<OrtService>(&object)? {
            let library = (service.library)(&object).into_option();
            inner.ort_library = library.map(|path| PathBuf::from(path.into_string()));
        }
        if let Some(service) = find::<WeightsService>(&object)?
            && (service.replaced)(&object)
        {
            let host = object.clone();
            inner.weights = Some(Arc::new(move |name, values| {
                let read = (service.read)(&host, RStr::from(name), RSliceMut::from_mut_slice(values));
                read.into_result().map_err(Error::from)
            }));
        }
        if let Some(service) = find::<CancelService>(&object)? {
            inner.cancelled = Arc::new(move || (service.cancelled)(&object));
        }
        Ok(Host(Arc::new(inner)))
    }
}

fn find<T: InterfaceModule>(object: &HostObject) -> Result<Option<&'static T>> {
    service::<T>(object).map_err(|mismatch| {
        log::debug!("{}", mismatch.report);
        Error::internal(format!("the harness's service {mismatch}"))
            .hint("build the plugin with the `clirbench-plugin` of this harness")
    })
}

fn wire_level(level: log::Level) -> LogLevel {
    match level {
        log::Level::Error => LogLevel::Error,
        log::Level::Warn => LogLevel::Warn,
        log::Level::Info => LogLevel::Info,
        log::Level::Debug => LogLevel::Debug,
        log::Level::Trace => LogLevel::Trace,
    }
}

fn filter(level: LogLevel) -> log::LevelFilter {
    match level {
        LogLevel::Error => log::LevelFilter::Error,
        LogLevel::Warn => log::LevelFilter::Warn,
        LogLevel::Info => log::LevelFilter::Info,
        LogLevel::Debug => log::LevelFilter::Debug,
        LogLevel::Trace => log::LevelFilter::Trace,
    }
}

#[cfg(test)]
mod tests {
    use clirbench_abi::host::{Services, host_object};
    use clirbench_abi::{Interface, ROption};

    use super::*;

    /// A host with one service, under the id that it is asked for.
    #[derive(Clone)]
    struct Only(&'static str, Interface);

    impl Services for Only {
        fn service(&self, id: RStr<'_>) -> ROption<Interface> {
            if id.as_str() == self.0 { ROption::RSome(self.1) } else { ROption::RNone }
        }
    }

    extern "C" fn five(_: &HostObject) -> usize {
        5
    }

    extern "C" fn tpu(_: &HostObject) -> clirbench_abi::RString {
        "tpu".into()
    }

    fn attach(id: &'static str, service: Interface) -> Result<Host> {
        Host::attach(host_object(Only(id, service)))
    }

    #[test]
    fn a_service_that_the_host_lacks_keeps_the_detached_behaviour() {
        let threads = Interface::new(const { &ThreadsService { budget: five } });
        let host = attach(ThreadsService::ID, threads).expect("a host of one service is a host");
        assert_eq!(host.threads(), 5);
        let detached = Host::detached();
        assert_eq!((host.device(), host.scratch()), (detached.device(), detached.scratch()));
        assert_eq!((host.cancelled(), host.ort_library()), (false, None));
        host.progress(1, 2);
        host.log(log::Level::Error, "nobody listens");
    }

    #[test]
    fn a_service_of_another_layout_is_refused_in_one_line() {
        let other = Interface::new(const { &DeviceService { device: tpu } });
        let error = attach(ThreadsService::ID, other).err().expect("another layout");
        assert_eq!(error.kind, "internal");
        assert!(error.message.starts_with("the harness's service `threads/1` has another layout"), "{error}");
        assert!(!error.message.contains('\n') && !error.hint.is_empty());
    }

    #[test]
    fn a_device_of_the_future_is_a_config_error() {
        let device = Interface::new(const { &DeviceService { device: tpu } });
        let error = attach(DeviceService::ID, device).err().expect("no such device");
        assert_eq!(error.message, "unknown device `tpu`: expected `cpu`, `cuda` or `auto`");
        assert_eq!((&error.kind[..], &error.hint[..]), ("config", "set `device` to `cpu`"));
    }

    #[test]
    fn a_detached_host_is_what_a_test_makes_it() {
        let flag = Arc::new(AtomicBool::new(false));
        let host = Host::detached()
            .with_threads(0)
            .with_device(Device::Cuda)
            .with_scratch("somewhere")
            .with_ort_library("libonnxruntime.so")
            .with_cancel(Arc::clone(&flag));
        assert_eq!((host.threads(), host.device()), (1, Device::Cuda));
        assert_eq!(host.scratch(), Path::new("somewhere"));
        assert_eq!(host.ort_library(), Some(PathBuf::from("libonnxruntime.so")));
        assert!(!host.cancelled());
        flag.store(true, Ordering::Relaxed);
        assert!(host.clone().cancelled());
    }
}
