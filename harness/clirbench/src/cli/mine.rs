//! The command line of `clirbench mine`.

use std::path::PathBuf;

use clap::{
    Args, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use clirbench_curation::mining::{Incomplete, RankSemantics, Sampling};

use super::ComputeArgs;

#[derive(Debug, Args)]
pub(crate) struct MineArgs {
    /// Parallel triples or training rows, JSON lines; `-` is standard input
    pub(crate) data: PathBuf,
    /// The file to write, JSON lines; `-`: standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// The language to mine in, for triples
    #[arg(long, value_name = "LANG")]
    pub(crate) language: Option<String>,
    #[command(flatten)]
    pub(crate) vectors: VectorArgs,
    /// Negatives of the rows are candidates for other rows
    #[arg(long)]
    pub(crate) with_negatives: bool,
    /// More candidates: a .jsonl file of `{"id": .., "text": ..}` with texts as in the data, or the documents of
    /// a dataset: a manifest, a bench file, or the name of a manifest in datasets/; with DIR the folder of its
    /// files
    #[arg(long, value_name = "FILE|DATASET[=DIR]")]
    pub(crate) corpus: Option<String>,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    /// One row with all negatives, or a row per negative
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: MinedFormat,
    /// Write what was dropped and why, and what it was made from, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write each row's negatives with their ranks, scores and origins, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) explain: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// What ranks the candidates: a model, or vectors that are there.
#[derive(Debug, Args)]
pub(crate) struct VectorArgs {
    /// The model's directory
    #[arg(long, value_name = "DIR", required_unless_present_any = ["encoder", "query_vectors"])]
    pub(crate) model: Option<PathBuf>,
    /// The encoder plugin [default: the one that opens the directory]
    #[arg(long, value_name = "NAME")]
    pub(crate) encoder: Option<String>,
    /// An option of the encoder
    #[arg(long = "option", value_name = "KEY=VALUE")]
    pub(crate) options: Vec<String>,
    /// In place of a model: a vector per row of the data, in its order (float32 or float16, .npy)
    #[arg(long, value_name = "FILE", requires = "passage_vectors", conflicts_with_all = ["model", "encoder", "options"])]
    pub(crate) query_vectors: Option<PathBuf>,
    /// With it: a vector per positive in the order of the rows, then per negative of --with-negatives, then
    /// per passage of the corpus
    #[arg(long, value_name = "FILE", requires = "query_vectors")]
    pub(crate) passage_vectors: Option<PathBuf>,
    /// How such vectors are compared
    #[arg(long, value_name = "NAME", default_value = "cosine", value_parser = ["cosine", "dot"], requires = "query_vectors")]
    pub(crate) similarity: String,
}

/// Which candidates are taken.
#[derive(Debug, Args)]
pub(crate) struct ChoiceArgs {
    /// Negatives per row
    #[arg(long, value_name = "K", default_value_t = 5)]
    pub(crate) count: usize,
    /// Skip so many ranks
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) range_min: usize,
    /// The last rank [default: --range-min and 10 times --count]
    #[arg(long, value_name = "N")]
    pub(crate) range_max: Option<usize>,
    /// Drop candidates above this score
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    pub(crate) max_score: Option<f64>,
    /// Drop candidates below this score
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    pub(crate) min_score: Option<f64>,
    /// Drop candidates above p - MARGIN, where p is the query's lowest positive score
    #[arg(long, value_name = "MARGIN", allow_negative_numbers = true)]
    pub(crate) absolute_margin: Option<f64>,
    /// Drop candidates above p - |p| * MARGIN
    #[arg(long, value_name = "MARGIN", allow_negative_numbers = true)]
    pub(crate) relative_margin: Option<f64>,
    /// What a rank counts: all documents but own positives, or only those that no other option drops, as in
    /// sentence-transformers
    #[arg(long, value_name = "WHICH", default_value = "raw",
          value_parser = PossibleValuesParser::new(["raw", "survivors"]).map(rank_semantics))]
    pub(crate) rank_semantics: RankSemantics,
    /// Which candidates of the window are taken
    #[arg(long, value_name = "WHICH", default_value = "top",
          value_parser = PossibleValuesParser::new(["top", "random"]).map(sampling))]
    pub(crate) sampling: Sampling,
    /// What becomes of rows with fewer negatives
    #[arg(long, value_name = "WHAT", default_value = "drop",
          value_parser = PossibleValuesParser::new(["drop", "keep"]).map(incomplete))]
    pub(crate) incomplete: Incomplete,
    /// Seed of random sampling
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub(crate) seed: u64,
}

/// How mined rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum MinedFormat {
    /// A row with its own negatives, then the mined ones
    #[default]
    NTuple,
    /// A row per negative, with the id ID#1, ID#2, ...
    Triplet,
}

fn rank_semantics(name: String) -> RankSemantics {
    if name == "raw" { RankSemantics::Raw } else { RankSemantics::Survivors }
}

fn sampling(name: String) -> Sampling {
    if name == "top" { Sampling::Top } else { Sampling::Random }
}

fn incomplete(name: String) -> Incomplete {
    if name == "drop" { Incomplete::Drop } else { Incomplete::Keep }
}
