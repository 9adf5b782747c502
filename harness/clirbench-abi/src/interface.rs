//! An interface as it crosses the boundary: a module whose type is erased, and its layout.
#![allow(unsafe_code)] // the cast from the erased module, guarded by the layout check

use std::fmt;

use abi_stable::StableAbi;
use abi_stable::abi_stability::abi_checking::check_layout_compatibility;
use abi_stable::marker_type::ErasedObject;
use abi_stable::sabi_types::RRef;
use abi_stable::type_layout::TypeLayout;

/// A module of functions that is asked for by id.
pub trait InterfaceModule: StableAbi + Sync + 'static {
    /// Name and number, such as `encoder/1`. Immutable once released.
    const ID: &'static str;
}

/// One interface of a plugin, or one service of the host.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Interface {
    layout: &'static TypeLayout,
    module: RRef<'static, ErasedObject>,
}

impl Interface {
    /// Erases the type of `module` and keeps its layout.
    #[must_use]
    pub fn new<T: InterfaceModule>(module: &'static T) -> Self {
        // SAFETY: `ErasedObject` is a zero-sized marker; it is only cast back in `get`, after
        // the layout check.
        let module = unsafe { RRef::new(module).transmute::<ErasedObject>() };
        Interface { layout: T::LAYOUT, module }
    }

    /// The module, if the other side's layout of it is ours.
    ///
    /// # Errors
    /// [`LayoutMismatch`] when the two sides were built against different layouts.
    pub fn get<T: InterfaceModule>(&self) -> Result<&'static T, LayoutMismatch> {
        check_layout_compatibility(T::LAYOUT, self.layout).map_err(|errors| LayoutMismatch {
            id: T::ID,
            differences: errors.errors.iter().map(|e| e.errs.len()).sum(),
            report: errors.to_string(),
        })?;
        // SAFETY: `new` is the only constructor, so `layout` describes the type behind `module`;
        // that layout has just been found equal to `T`'s.
        Ok(unsafe { self.module.transmute_into_ref::<T>() })
    }
}

/// The two sides of an interface were built against different layouts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutMismatch {
    /// Id of the interface.
    pub id: &'static str,
    /// Number of differences found.
    pub differences: usize,
    /// Every difference, often hundreds of lines.
    pub report: String,
}

impl fmt::Display for LayoutMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.differences;
        write!(f, "`{}` has another layout on the other side ({n} differences)", self.id)
    }
}

impl std::error::Error for LayoutMismatch {}
