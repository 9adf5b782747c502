//! `weights/1`: weights in place of those in a model's files, so that a merge can be measured
//! without being written.
#![allow(unsafe_code)] // `StableAbi` derives an unsafe impl

use abi_stable::StableAbi;
use abi_stable::std_types::{RResult, RSliceMut, RStr};

use crate::{AbiError, InterfaceModule, host::HostObject};

/// The functions of `weights/1`.
#[repr(C)]
#[derive(StableAbi)]
pub struct WeightsService {
    /// Whether the model that is opened has other weights than its files.
    pub replaced: extern "C" fn(&HostObject) -> bool,
    /// Overwrites `values` (a whole tensor, row-major) with the tensor `name`, and returns whether
    /// there is one. Names are those of the transformer's files; those of another module have its
    /// folder before them (`2_Dense/linear.weight`).
    pub read:
        extern "C" fn(&HostObject, name: RStr<'_>, values: RSliceMut<'_, f32>) -> RResult<bool, AbiError>,
}

impl InterfaceModule for WeightsService {
    const ID: &'static str = "weights/1";
}
