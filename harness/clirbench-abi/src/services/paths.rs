//! `paths/1`: directories that a plugin may write to.
#![allow(unsafe_code)] // `StableAbi` derives an unsafe impl

use abi_stable::StableAbi;
use abi_stable::std_types::RString;

use crate::{InterfaceModule, host::HostObject};

/// The functions of `paths/1`.
#[repr(C)]
#[derive(StableAbi)]
pub struct PathsService {
    /// A directory for caches and scratch files; exists, and may be emptied between runs.
    pub scratch: extern "C" fn(&HostObject) -> RString,
}

impl InterfaceModule for PathsService {
    const ID: &'static str = "paths/1";
}
