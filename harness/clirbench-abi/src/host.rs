//! The host as a plugin sees it: one function that hands out services by id.
#![allow(unsafe_code)] // `sabi_trait` derives unsafe impls
#![allow(missing_docs, non_local_definitions, unreachable_pub)] // items that `sabi_trait` generates

use abi_stable::sabi_trait;
use abi_stable::std_types::{RArc, ROption, RStr};
use abi_stable::type_level::downcasting::TD_CanDowncast;

use crate::{Interface, InterfaceModule, LayoutMismatch};

/// What a plugin can ask the host for. Frozen for ever: services grow by id, this trait does not.
#[sabi_trait]
pub trait Services: Send + Sync + Clone {
    /// The service with this id (see [`crate::services`]), if this host has it.
    #[sabi(last_prefix_field)]
    fn service(&self, id: RStr<'_>) -> ROption<Interface>;
}

/// The host, shared by reference count; every function of a service takes it back as its context.
pub type HostObject = Services_TO<'static, RArc<()>>;

/// Wraps the host's own state; [`state`] finds it again inside a service's functions.
pub fn host_object<S: Services + Send + Sync + Clone + 'static>(state: S) -> HostObject {
    Services_TO::from_ptr(RArc::new(state), TD_CanDowncast)
}

/// The state that `host` was made of; `None` if it was made of another type.
#[must_use]
pub fn state<S: 'static>(host: &HostObject) -> Option<&S> {
    host.obj.downcast_as::<S>().ok()
}

/// The service `T`, its layout checked; `None` when the host does not have it.
///
/// # Errors
/// [`LayoutMismatch`] when host and plugin were built against different layouts of it.
pub fn service<T: InterfaceModule>(host: &HostObject) -> Result<Option<&'static T>, LayoutMismatch> {
    host.service(RStr::from(T::ID)).into_option().map(|s| s.get::<T>()).transpose()
}
