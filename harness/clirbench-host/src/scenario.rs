//! A scenario whose every index resolves.

use clirbench_abi::RStr;
use clirbench_abi::scenario::{DatasetView, ScenarioBox, Task};

use crate::{Error, Result};

/// An opened scenario.
pub struct ScenarioHandle {
    plugin: String,
    scenario: ScenarioBox,
}

impl ScenarioHandle {
    pub(crate) fn new(plugin: &str, scenario: ScenarioBox) -> Self {
        ScenarioHandle { plugin: plugin.to_owned(), scenario }
    }

    /// Every cell of the leaderboard that the scenario has on this dataset.
    ///
    /// # Errors
    /// What the plugin returned, or the first task that does not fit the dataset.
    pub fn tasks(&self, view: &DatasetView) -> Result<Vec<Task>> {
        let view_json = serde_json::to_string(view)
            .map_err(|e| Error::Usage(format!("a dataset view that is not JSON: {e}")))?;
        let tasks = self.scenario.tasks(RStr::from(view_json.as_str())).into_result();
        let tasks = tasks.map_err(|e| Error::from_plugin(&self.plugin, e))?;
        let tasks: Vec<Task> = serde_json::from_str(&tasks)
            .map_err(|e| Error::contract(&self.plugin, format!("its tasks are not tasks: {e}")))?;
        for task in &tasks {
            task.check(view).map_err(|unfit| Error::contract(&self.plugin, unfit.to_string()))?;
        }
        Ok(tasks)
    }
}
