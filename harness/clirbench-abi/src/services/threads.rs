//! `threads/1`: how many threads a plugin may keep busy.
#![allow(unsafe_code)] // `StableAbi` derives an unsafe impl

use abi_stable::StableAbi;

use crate::{InterfaceModule, host::HostObject};

/// The functions of `threads/1`.
#[repr(C)]
#[derive(StableAbi)]
pub struct ThreadsService {
    /// At least 1; the calling thread counts.
    pub budget: extern "C" fn(&HostObject) -> usize,
}

impl InterfaceModule for ThreadsService {
    const ID: &'static str = "threads/1";
}
