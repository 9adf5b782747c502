//! `ort/1`: the one ONNX Runtime library of the process.
#![allow(unsafe_code)] // `StableAbi` derives an unsafe impl

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RString};

use crate::{InterfaceModule, host::HostObject};

/// The functions of `ort/1`.
#[repr(C)]
#[derive(StableAbi)]
pub struct OrtService {
    /// Path of `libonnxruntime`, where one is set up.
    pub library: extern "C" fn(&HostObject) -> ROption<RString>,
}

impl InterfaceModule for OrtService {
    const ID: &'static str = "ort/1";
}
