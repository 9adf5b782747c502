//! Synthetic parallel triples from an OpenAI-compatible chat endpoint, as Jang et al. 2025
//! (section 2, appendix B) make them.
//!
//! A [`Recipe`] draws categories of the Korean Decimal Classification at three levels, has task
//! descriptions brainstormed for each, has a query, a positive and a hard negative written for each
//! task, and has all three translated. The [`Plan`] says every request of that before the first is
//! sent.
//!
//! The key decision is what a restart may rely on. Every reply is put into a journal before
//! anything is done with it, under the hash of the request that it answers; everything else (which
//! replies are accepted, what is asked next, the triples) is computed from recipe and journal by
//! pure functions. So a run can end at any moment and another goes on, a larger recipe asks for
//! what is new only, and the triples do not depend on the order in which replies came.
//!
//! ```
//! use clirbench_synth::{Job, Recipe};
//!
//! let recipe = Recipe::parse(
//!     r#"
//!     name = "kdc"
//!     languages = ["en", "ko"]
//!     triples = 100
//!     [endpoint]
//!     base_url = "http://localhost:8000/v1"
//!     model = "local"
//!     "#,
//! )?;
//! let job = Job::new(recipe, std::path::Path::new("."))?;
//! let [_, tasks, triples, translations] = job.plan().counts();
//! assert_eq!((tasks, triples, translations), (5, 100, 100));
//! # Ok::<(), clirbench_synth::Error>(())
//! ```

mod assembly;
mod board;
mod classification;
mod draw;
mod endpoint;
mod error;
mod estimate;
mod fault;
mod job;
mod journal;
mod language;
mod ledger;
mod made;
mod pace;
mod plan;
mod prompts;
mod recipe;
mod rejection;
mod reply;
mod report;
mod request;
mod retry_after;
mod run;
mod secret;
mod validation;

pub use classification::{Classification, Subject};
pub use draw::{Category, Draw, Level, Manner};
pub use error::Error;
pub use estimate::{Estimate, StageEstimate};
pub use job::{Job, Outcome};
pub use ledger::Spending;
pub use plan::{Plan, PlannedTriple, Step, StepKind};
pub use prompts::Prompts;
pub use recipe::{
    BudgetSpec, EndpointSpec, GenerationSpec, LimitsSpec, MaxTokensField, PriceSpec, Recipe, SamplingSpec,
};
pub use rejection::Reason;
pub use report::{Cost, Report};
pub use request::Tokens;
pub use run::{Ending, Progress};
pub use secret::ApiKey;
