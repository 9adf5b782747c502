//! The error that every interface returns.
#![allow(unsafe_code)] // `StableAbi` derives an unsafe impl

use abi_stable::StableAbi;
use abi_stable::std_types::RString;

/// What went wrong in a plugin and what to do about it.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct AbiError {
    /// One of `config`, `input`, `model`, `runtime`, `cancelled`, `panic`, `internal`.
    pub kind: RString,
    /// What and where, one line.
    pub message: RString,
    /// What the user can do; empty when nothing helps.
    pub hint: RString,
}
