//! The one symbol that a plugin exports, and how the host gets hold of it.
#![allow(unsafe_code)] // `StableAbi` derives unsafe impls; building a `LibHeader` is unsafe
#![allow(missing_docs)] // items that the derive generates

use std::fmt;
use std::path::Path;

use abi_stable::StableAbi;
use abi_stable::library::{LibraryError, RootModule, lib_header_from_path};
use abi_stable::package_version_strings;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{ROption, RStr, RString};

use crate::Interface;

/// What a plugin's library exports. Frozen for ever: no field is added, changed or removed.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix))]
#[sabi(missing_field(panic))]
pub struct PluginRoot {
    /// The manifest as JSON: equal to the one in the library's section, or the plugin is refused.
    pub manifest: extern "C" fn() -> RString,
    /// The interface with this id, if the plugin has it.
    #[sabi(last_prefix_field)]
    pub interface: extern "C" fn(RStr<'_>) -> ROption<Interface>,
}

impl RootModule for PluginRoot_Ref {
    abi_stable::declare_root_module_statics! {PluginRoot_Ref}
    const BASE_NAME: &'static str = "clirbench-plugin";
    const NAME: &'static str = "clirbench-plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

/// The root of a loaded plugin. The library stays loaded until the process ends.
#[derive(Clone, Copy)]
pub struct Root(PluginRoot_Ref);

impl Root {
    /// The manifest as the code says it.
    #[must_use]
    pub fn manifest(&self) -> String {
        (self.0.manifest())().into_string()
    }

    /// The interface with this id, its layout not checked yet.
    #[must_use]
    pub fn interface(&self, id: &str) -> Option<Interface> {
        (self.0.interface())(RStr::from(id)).into_option()
    }
}

/// Loads the library at `path` and returns its root. This executes the library's constructors.
///
/// The library is never unloaded: threads, thread-locals and `'static` references of a plugin
/// outlive anything that the host could wait for.
///
/// # Errors
/// [`LoadError`] when the dynamic loader refuses the file, when it exports no root, or when root
/// or `abi_stable` are of another major version.
pub fn load_root(path: &Path) -> Result<Root, LoadError> {
    // Not `RootModule::load_from_file`: that is a singleton per root type, so the second plugin
    // of a process would get the first one's root.
    let header = lib_header_from_path(path).map_err(LoadError::new)?;
    header.init_root_module::<PluginRoot_Ref>().map(Root).map_err(LoadError::new)
}

/// Why a library did not load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// One line.
    pub summary: String,
    /// Everything that the loader said.
    pub report: String,
}

impl LoadError {
    #[allow(clippy::needless_pass_by_value)] // a `map_err` target
    fn new(error: LibraryError) -> Self {
        let summary = match &error {
            LibraryError::OpenError { err, .. } => format!("the dynamic loader refused it: {err}"),
            LibraryError::GetSymbolError { .. } => "it exports no plugin root".to_owned(),
            LibraryError::InvalidAbiHeader(header) => format!(
                "it was built with version {}.{} of the ABI layer",
                header.abi_major, header.abi_minor
            ),
            LibraryError::IncompatibleVersionNumber { expected_version, actual_version, .. } => {
                format!("it was built for ABI {actual_version}, this harness has ABI {expected_version}")
            }
            LibraryError::AbiInstability(_) => "its plugin root has another layout".to_owned(),
            LibraryError::InvalidCAbi { .. } => "it was built for another C ABI".to_owned(),
            _ => "its root could not be initialised".to_owned(),
        };
        LoadError { summary: summary.lines().collect::<Vec<_>>().join(" "), report: error.to_string() }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)
    }
}

impl std::error::Error for LoadError {}

/// What `export_plugin!` expands to. `abi_stable`'s own `#[export_root_module]` names the crate
/// `::abi_stable`, which plugin crates do not depend on.
#[doc(hidden)]
pub mod export {
    use std::panic::catch_unwind;

    pub use abi_stable::library::LibHeader;
    use abi_stable::library::{__call_root_module_loader, CheckTypeLayout, RootModuleResult};
    use abi_stable::prefix_type::PrefixTypeTrait;
    use abi_stable::std_types::{RNone, ROption, RStr, RString};

    use super::{PluginRoot, PluginRoot_Ref};
    use crate::Interface;

    /// A plugin as its library exports it.
    pub trait Plugin: 'static {
        /// The manifest as JSON.
        fn manifest() -> String;
        /// The interface with this id.
        fn interface(id: &str) -> Option<Interface>;
    }

    /// The value of the exported symbol.
    #[must_use]
    pub const fn header<P: Plugin>() -> LibHeader {
        // SAFETY: `construct` returns an erased `PluginRoot_Ref`.
        unsafe { LibHeader::from_constructor::<PluginRoot_Ref>(construct::<P>, CheckTypeLayout::Yes) }
    }

    extern "C" fn construct<P: Plugin>() -> RootModuleResult {
        __call_root_module_loader(|| {
            PluginRoot { manifest: manifest::<P>, interface: interface::<P> }.leak_into_prefix()
        })
    }

    extern "C" fn manifest<P: Plugin>() -> RString {
        catch_unwind(P::manifest).unwrap_or_default().into()
    }

    extern "C" fn interface<P: Plugin>(id: RStr<'_>) -> ROption<Interface> {
        catch_unwind(|| P::interface(id.as_str())).ok().flatten().map_or(RNone, ROption::RSome)
    }
}
