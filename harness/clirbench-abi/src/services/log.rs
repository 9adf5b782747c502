//! `log/1`: a plugin's log records, since its `log` crate is not the host's.
#![allow(unsafe_code)] // `StableAbi` derives unsafe impls

use abi_stable::StableAbi;
use abi_stable::std_types::RStr;

use crate::{InterfaceModule, host::HostObject};

/// Severity; the numbers are those of the `log` crate.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, StableAbi)]
pub enum LogLevel {
    /// The call fails.
    Error = 1,
    /// The result is not what the user may expect.
    Warn = 2,
    /// Worth a line.
    Info = 3,
    /// For whoever looks for a fault.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

/// The functions of `log/1`.
#[repr(C)]
#[derive(StableAbi)]
pub struct LogService {
    /// The least severe level that the host keeps: plugins need not format the others.
    pub max_level: extern "C" fn(&HostObject) -> LogLevel,
    /// One record; `target` is the module that logs.
    pub log: extern "C" fn(&HostObject, level: LogLevel, target: RStr<'_>, message: RStr<'_>),
}

impl InterfaceModule for LogService {
    const ID: &'static str = "log/1";
}
