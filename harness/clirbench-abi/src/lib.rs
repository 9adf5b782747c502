//! The frozen types that cross the boundary between the harness and its plugins.
//!
//! One root, [`PluginRoot`], never changes. Everything else is an *interface* with an id such as
//! `encoder/1`: a module of functions that is asked for by id and whose layout is checked alone.
//! A released id is immutable; a change gets the next number and the old one stays. The host's
//! services (`log/1`, `cancel/1`, ...) are interfaces too, asked for by the plugin.
//!
//! So an old harness loads a new plugin and a new harness an old plugin, and an interface that
//! does not match is refused by name while the rest of the plugin works.
//!
//! `abi_stable` is used here and nowhere else; plugin authors use `clirbench-plugin`, the harness
//! `clirbench-host`. What is structured but not hot (configs, dataset views, tasks) crosses as
//! JSON, whose types are here as well.

mod check;
mod device;
pub mod encoder;
mod error;
pub mod fisher;
pub mod host;
mod interface;
pub mod loss;
mod manifest;
pub mod merger;
mod root;
pub mod scenario;
pub mod services;
pub mod trainer;

pub use abi_stable::std_types::{RBox, ROption, RResult, RSlice, RSliceMut, RStr, RString};
pub use check::Unfit;
pub use device::{Device, UnknownDevice};
pub use error::AbiError;
pub use interface::{Interface, InterfaceModule, LayoutMismatch};
pub use manifest::{MAGIC, MANIFEST_HEADER, SECTION, SectionError, manifest_records};
pub use root::{LoadError, Root, load_root};
#[doc(hidden)]
pub use root::{PluginRoot, PluginRoot_Ref, export};

/// Version of this crate: the ABI that a plugin was built against. Recorded, never enforced:
/// what counts is the layout of each interface.
pub const ABI_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The target triple that this crate was compiled for.
pub const TARGET: &str = env!("CLIRBENCH_TARGET");

/// The compiler that compiled this crate. Recorded, never enforced.
pub const RUSTC: &str = env!("CLIRBENCH_RUSTC");
