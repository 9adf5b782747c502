//! `cancel/1`: whether the user wants the work to stop.
#![allow(unsafe_code)] // `StableAbi` derives an unsafe impl

use abi_stable::StableAbi;

use crate::{InterfaceModule, host::HostObject};

/// The functions of `cancel/1`.
#[repr(C)]
#[derive(StableAbi)]
pub struct CancelService {
    /// Polled once per batch; once true it stays true.
    pub cancelled: extern "C" fn(&HostObject) -> bool,
}

impl InterfaceModule for CancelService {
    const ID: &'static str = "cancel/1";
}
