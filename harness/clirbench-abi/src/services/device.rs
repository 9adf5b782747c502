//! `device/1`: where to compute.
#![allow(unsafe_code)] // `StableAbi` derives an unsafe impl

use abi_stable::StableAbi;
use abi_stable::std_types::RString;

use crate::{InterfaceModule, host::HostObject};

/// The functions of `device/1`.
#[repr(C)]
#[derive(StableAbi)]
pub struct DeviceService {
    /// `cpu`, `cuda` or `auto`.
    pub device: extern "C" fn(&HostObject) -> RString,
}

impl InterfaceModule for DeviceService {
    const ID: &'static str = "device/1";
}
