//! `progress/1`: how far the call in progress has come.
#![allow(unsafe_code)] // `StableAbi` derives an unsafe impl

use abi_stable::StableAbi;

use crate::{InterfaceModule, host::HostObject};

/// The functions of `progress/1`.
#[repr(C)]
#[derive(StableAbi)]
pub struct ProgressService {
    /// `done` of `total` units (texts, for an encoder).
    pub progress: extern "C" fn(&HostObject, done: u64, total: u64),
}

impl InterfaceModule for ProgressService {
    const ID: &'static str = "progress/1";
}
