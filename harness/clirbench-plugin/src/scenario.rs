//! The scenario interface: which queries meet which pool, and what is relevant, in indices.

pub use clirbench_abi::scenario::{DatasetView, PoolDocument, Task};

use crate::{Host, Result};

/// A way to lay queries against pools.
pub trait Scenario: Send + Sized + 'static {
    /// Opens the scenario with its options (checked against the manifest's schema).
    fn open(config: &serde_json::Value, host: Host) -> Result<Self>;

    /// Every cell of the leaderboard that the scenario has on this dataset, in a fixed order.
    fn tasks(&self, view: &DatasetView) -> Result<Vec<Task>>;
}

/// What `export_plugin!` needs of this interface.
#[doc(hidden)]
pub mod exported {
    use clirbench_abi::host::HostObject;
    use clirbench_abi::scenario::{Scenario1, ScenarioBox, ScenarioModule, scenario_box};
    use clirbench_abi::{AbiError, Interface, InterfaceModule, RResult, RStr, RString};

    use super::Scenario;
    use crate::guard::{Checked, open};
    use crate::manifest::InterfaceSource;
    use crate::wire;

    /// Id of the interface.
    pub const ID: &str = ScenarioModule::ID;

    /// The manifest's entry of a scenario without options.
    #[must_use]
    pub const fn source() -> InterfaceSource {
        InterfaceSource::new(ID)
    }

    /// The interface that opens `S`.
    #[must_use]
    pub fn interface<S: Scenario>() -> Interface {
        Interface::new(const { &ScenarioModule { open: opened::<S> } })
    }

    extern "C" fn opened<S: Scenario>(config: RStr<'_>, host: HostObject) -> RResult<ScenarioBox, AbiError> {
        open(config, host, S::open).map(|scenario| scenario_box(Exported(scenario)))
    }

    struct Exported<S>(Checked<S>);

    impl<S: Scenario> Scenario1 for Exported<S> {
        fn tasks(&self, view: RStr<'_>) -> RResult<RString, AbiError> {
            self.0.call(|scenario| wire::to_json(&scenario.tasks(&wire::from_json("dataset view", &view)?)?))
        }
    }
}
