//! `scenario/1`: which queries meet which pool, and what is relevant, in indices.
#![allow(unsafe_code)] // `StableAbi` and `sabi_trait` derive unsafe impls
#![allow(missing_docs, non_local_definitions, unreachable_pub)] // items that `sabi_trait` generates

use abi_stable::std_types::{RBox, RResult, RStr, RString};
use abi_stable::type_level::downcasting::TD_Opaque;
use abi_stable::{StableAbi, sabi_trait};
use serde::{Deserialize, Serialize};

use crate::{AbiError, InterfaceModule, host::HostObject};

/// A collection without its texts, as a scenario sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DatasetView {
    /// Language codes; everything else refers to them by index.
    pub languages: Vec<String>,
    /// `query_present[language]` lists the queries (ascending) that have a text in it.
    pub query_present: Vec<Vec<u32>>,
    /// `document_present[language]` lists the documents (ascending) that have a text in it.
    pub document_present: Vec<Vec<u32>>,
    /// `text_group[language][document]`: the first document with an equal text in that language
    /// (a document with no equal is its own group); parallel to all documents, `u32::MAX` where absent.
    pub text_group: Vec<Vec<u32>>,
    /// Per query, `(document, grade)`.
    pub qrels: Vec<Vec<(u32, i32)>>,
    /// `unique` or `per-question`.
    pub documents: String,
}

/// A document of the pool: `(language, document)` indices.
pub type PoolDocument = (u32, u32);

/// One cell of a leaderboard: the JSON twin of the harness's task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Scenario name as in `scores.csv`.
    pub scenario: String,
    /// Index of the queries' language.
    pub query_lang: u32,
    /// Languages of the pool, ascending; the pool holds every document present in them.
    pub pool_langs: Vec<u32>,
    /// Query indices, ascending.
    pub queries: Vec<u32>,
    /// Per query, judged documents of the pool with their grades.
    pub relevant: Vec<Vec<(PoolDocument, i32)>>,
    /// Per query, documents taken out of its pool; empty when nothing is.
    pub excluded: Vec<Vec<PoolDocument>>,
    /// Metric names (`ndcg@10`, `mrr`, `complete@10`, `max@r`, ...).
    pub metrics: Vec<String>,
    /// What a reader of the numbers has to know.
    pub notes: Vec<String>,
}

/// An opened scenario, as it crosses the boundary.
#[sabi_trait]
pub trait Scenario1: Send {
    /// Takes a [`DatasetView`], returns a list of [`Task`]s, both as JSON.
    #[sabi(last_prefix_field)]
    fn tasks(&self, view: RStr<'_>) -> RResult<RString, AbiError>;
}

/// An owned [`Scenario1`], freed by the plugin that made it.
pub type ScenarioBox = Scenario1_TO<'static, RBox<()>>;

/// Erases the type of an opened scenario.
pub fn scenario_box<S: Scenario1 + 'static>(scenario: S) -> ScenarioBox {
    Scenario1_TO::from_value(scenario, TD_Opaque)
}

/// The functions of `scenario/1`.
#[repr(C)]
#[derive(StableAbi)]
pub struct ScenarioModule {
    /// Opens a scenario with its config (JSON), which the host has checked against the schema.
    pub open: extern "C" fn(config: RStr<'_>, host: HostObject) -> RResult<ScenarioBox, AbiError>,
}

impl InterfaceModule for ScenarioModule {
    const ID: &'static str = "scenario/1";
}
