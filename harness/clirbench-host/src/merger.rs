//! A merger that is called in order and whose every weight is finite.

use clirbench_abi::merger::{MergeModels, MergePlan, MergerBox, TensorJob};
use clirbench_abi::{RSlice, RSliceMut, RStr};
use serde_json::{Map, Value};

use crate::{Error, Result};

/// An opened merger.
///
/// [`MergerHandle::plan`] comes first and says what the chunks of every tensor hold. A tensor is
/// [`MergerHandle::start`], then each pass of [`MergerHandle::observe`], then [`MergerHandle::merge`],
/// both chunk by chunk in order, then [`MergerHandle::note`].
pub struct MergerHandle {
    plugin: String,
    merger: MergerBox,
    planned: Option<(MergeModels, MergePlan)>,
    job: TensorJob,
    /// Where in the tensor the next chunk has to begin: its pass ([`MergePlan::passes`] once it is
    /// merged) and its first element.
    next: (usize, usize),
}

impl MergerHandle {
    pub(crate) fn new(plugin: &str, merger: MergerBox) -> Self {
        MergerHandle {
            plugin: plugin.to_owned(),
            merger,
            planned: None,
            job: TensorJob::default(),
            next: (0, 0),
        }
    }

    /// Id of the plugin.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// What the merger needs to merge `models`.
    ///
    /// # Errors
    /// What the plugin returned; or, with what to do about it, that there are too few or too many
    /// models, no base or no importances.
    pub fn plan(&mut self, models: &MergeModels) -> Result<MergePlan> {
        let given = serde_json::to_string(models)
            .map_err(|e| Error::Usage(format!("models that are not JSON: {e}")))?;
        let plan = self.merger.plan(RStr::from(given.as_str())).into_result();
        let plan = plan.map_err(|e| Error::from_plugin(&self.plugin, e))?;
        let plan: MergePlan = serde_json::from_str(&plan)
            .map_err(|e| Error::contract(&self.plugin, format!("its plan is not that of a merge: {e}")))?;
        if let Some((message, hint)) = lacking(models, &plan) {
            let (plugin, kind, hint) = (self.plugin.clone(), "config".to_owned(), hint.to_owned());
            return Err(Error::Plugin { plugin, kind, message, hint });
        }
        self.planned = Some((*models, plan));
        Ok(plan)
    }

    /// Starts a tensor.
    ///
    /// # Errors
    /// What the plugin returned, or a job that does not fit what was planned.
    pub fn start(&mut self, job: TensorJob) -> Result<()> {
        let fits = self.planned.as_ref().is_some_and(|(models, plan)| {
            job.weights.len() == models.models && (job.base, job.importances) == (plan.base, plan.importances)
        });
        if !fits || job.shape.iter().product::<usize>() != job.elements {
            return Err(Error::Usage(format!("tensor `{}` does not fit what was planned", job.name)));
        }
        let json = serde_json::to_string(&job)
            .map_err(|e| Error::Usage(format!("a tensor that is not JSON: {e}")))?;
        let started = self.merger.tensor(RStr::from(json.as_str())).into_result();
        started.map_err(|e| Error::from_plugin(&self.plugin, e))?;
        (self.job, self.next) = (job, (0, 0));
        Ok(())
    }

    /// Shows a chunk that begins at element `offset`, in pass `pass`. `columns` are those of the plan.
    ///
    /// # Errors
    /// What the plugin returned, or a chunk out of order.
    pub fn observe(&mut self, pass: usize, offset: usize, columns: &[&[f32]]) -> Result<()> {
        if pass >= self.passes() {
            return Err(Error::Usage(format!("pass {pass} of a merger that wants {}", self.passes())));
        }
        self.advance(pass, offset, columns)?;
        let columns: Vec<RSlice<'_, f32>> = columns.iter().map(|c| RSlice::from_slice(c)).collect();
        let seen = self.merger.observe(pass, offset, RSlice::from_slice(&columns)).into_result();
        seen.map_err(|e| Error::from_plugin(&self.plugin, e))
    }

    /// Merges a chunk that begins at element `offset` into `out`, as long as a column. On success
    /// every element is finite.
    ///
    /// # Errors
    /// What the plugin returned, a chunk out of order, or a result that is not finite.
    pub fn merge(&mut self, offset: usize, columns: &[&[f32]], out: &mut [f32]) -> Result<()> {
        if columns.first().map_or(0, |column| column.len()) != out.len() {
            return Err(Error::Usage(format!("{} elements to merge a chunk into", out.len())));
        }
        self.advance(self.passes(), offset, columns)?;
        out.fill(f32::NAN);
        let columns: Vec<RSlice<'_, f32>> = columns.iter().map(|c| RSlice::from_slice(c)).collect();
        let merged = self.merger.merge(offset, RSlice::from_slice(&columns), RSliceMut::from_mut_slice(out));
        merged.into_result().map_err(|e| Error::from_plugin(&self.plugin, e))?;
        // Counted, not searched for: that is a loop of vector instructions.
        if out.iter().filter(|x| !x.is_finite()).count() == 0 {
            return Ok(());
        }
        let at = out.iter().position(|x| !x.is_finite()).unwrap_or_default();
        let element = offset + at;
        Err(Error::Plugin {
            plugin: self.plugin.clone(),
            kind: "input".to_owned(),
            message: format!("element {element} of the merged tensor `{}` is {}", self.job.name, out[at]),
            hint: "a weight or lambda is too large for f32, or the plugin is at fault".to_owned(),
        })
    }

    /// What the merger says of the tensor that was just merged; an object.
    ///
    /// # Errors
    /// What the plugin returned.
    pub fn note(&self) -> Result<Map<String, Value>> {
        let note = self.merger.note().into_result().map_err(|e| Error::from_plugin(&self.plugin, e))?;
        serde_json::from_str(&note)
            .map_err(|e| Error::contract(&self.plugin, format!("its note is no object: {e}")))
    }

    fn passes(&self) -> usize {
        self.planned.as_ref().map_or(0, |(_, plan)| plan.passes)
    }

    /// Takes note of a chunk, which has to be the next one.
    fn advance(&mut self, pass: usize, offset: usize, columns: &[&[f32]]) -> Result<()> {
        let wanted = self.planned.as_ref().map_or(0, |(models, plan)| plan.columns(models.models));
        let length = columns.first().map_or(0, |column| column.len());
        if columns.len() != wanted || columns.iter().any(|column| column.len() != length) {
            return Err(Error::Usage(format!("{} columns, not {wanted} of one length", columns.len())));
        }
        if self.next.1 == self.job.elements && self.next.0 < pass {
            self.next = (self.next.0 + 1, 0);
        }
        if self.next != (pass, offset) || offset + length > self.job.elements {
            let name = &self.job.name;
            return Err(Error::Usage(format!("{length} elements at {offset} of `{name}`, pass {pass}")));
        }
        self.next.1 += length;
        Ok(())
    }
}

/// What a plan needs and the models do not have, and what to do about it.
fn lacking(models: &MergeModels, plan: &MergePlan) -> Option<(String, &'static str)> {
    let count = models.models;
    if count < plan.fewest {
        let message = format!("it merges {} models or more, {count} given", plan.fewest);
        return Some((message, "name more models"));
    }
    if let Some(most) = plan.most.filter(|&most| count > most) {
        let message = format!("it merges {most} models at most, {count} given");
        return Some((message, "name fewer models, or merge what was merged once more"));
    }
    if plan.base && !models.base {
        let message = "it merges what models have learned since their base, and none is given".to_owned();
        return Some((message, "name the model that all were trained from: `base`, or --base"));
    }
    if plan.importances && !models.importances {
        let message = "it weighs every weight by its importance, and not every model has them".to_owned();
        return Some((message, "estimate them with `clirbench fisher`, and name the file as `importance`"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_is_named() {
        let plan = |fewest, most, base, importances| MergePlan { fewest, most, base, importances, passes: 0 };
        let given = |models, base, importances| MergeModels { models, base, importances };
        let said = |models: MergeModels, plan: MergePlan| lacking(&models, &plan).map(|(message, _)| message);
        assert_eq!(said(given(2, false, false), plan(2, None, false, false)), None);
        assert_eq!(said(given(3, true, true), plan(1, Some(3), true, true)), None);
        for (models, plan, part) in [
            (given(1, false, false), plan(2, None, false, false), "2 models or more, 1 given"),
            (given(3, false, false), plan(2, Some(2), false, false), "2 models at most, 3 given"),
            (given(2, false, true), plan(1, None, true, false), "base"),
            (given(2, true, false), plan(1, None, false, true), "importance"),
        ] {
            let message = said(models, plan).unwrap_or_default();
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}
