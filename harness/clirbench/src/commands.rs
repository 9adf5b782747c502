//! One file per command.

pub(crate) mod audit;
pub(crate) mod cache;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod compose;
pub(crate) mod data;
pub(crate) mod dedup;
pub(crate) mod eval;
pub(crate) mod fisher;
pub(crate) mod leaderboard;
pub(crate) mod merge;
pub(crate) mod mine;
pub(crate) mod model;
pub(crate) mod pairs;
pub(crate) mod plan;
pub(crate) mod plugin;
pub(crate) mod published;
pub(crate) mod run;
pub(crate) mod split;
pub(crate) mod sweep;
pub(crate) mod synth;
pub(crate) mod train;
pub(crate) mod work;
