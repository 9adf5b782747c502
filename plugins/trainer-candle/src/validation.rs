//! Validation during a fit: embeddings of queries and documents for the host to score.

use clirbench_candle::Model;
use clirbench_model::TextModel;
use clirbench_plugin::{Error, FitData, Result, Role, Session};
use rayon::ThreadPool;

use crate::checkpoint::Best;
use crate::inputs::Inputs;
use crate::network::infer;

/// Queries and documents, tokenized.
pub(crate) struct Validation {
    queries: Inputs,
    documents: Inputs,
    greater_is_better: bool,
}

impl Validation {
    /// Tokenizes the texts with the prompts of their roles.
    ///
    /// # Errors
    /// `input` for a text that the tokenizer refuses.
    pub(crate) fn new(text: &TextModel, data: &FitData<'_>, greater_is_better: bool) -> Result<Self> {
        let inputs = |texts: &[&str], role| Inputs::of_texts(texts, role, &text.tokenizer, &text.prompts);
        Ok(Validation {
            queries: inputs(&data.validation_queries, Role::Query)?,
            documents: inputs(&data.validation_documents, Role::Document)?,
            greater_is_better,
        })
    }

    /// The score of the model as it is.
    ///
    /// # Errors
    /// Those of session, `poll` and runtime; `runtime` for a score that is not finite.
    pub(crate) fn score(
        &self,
        model: &Model,
        budget: usize,
        threads: &ThreadPool,
        session: &mut dyn Session,
        mut poll: impl FnMut() -> Result<()>,
    ) -> Result<f64> {
        let queries = infer(model, &self.queries, budget, threads, &mut poll)?;
        let documents = infer(model, &self.documents, budget, threads, &mut poll)?;
        let score = session.validate(&queries, &documents)?;
        if score.is_finite() {
            return Ok(score);
        }
        Err(Error::runtime(format!("the validation score is {score}")).hint(
            "the model has diverged, or the validation has nothing to score; try a smaller `learning_rate`",
        ))
    }

    /// Whether a score beats the best so far; an equal one does not.
    pub(crate) fn improves(&self, score: f64, best: Option<Best>) -> bool {
        best.is_none_or(|best| if self.greater_is_better { score > best.score } else { score < best.score })
    }
}
