//! The command line.

mod mine;
mod training_data;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use mine::{ChoiceArgs, MineArgs, MinedFormat, VectorArgs};
pub(crate) use training_data::{
    ComposeArgs, DedupArgs, Incomplete, LeaksArgs, MinHashArgs, NearArgs, OnLeak, PairLevel, PairsArgs,
    SplitArgs,
};

/// Measure cross-lingual retrieval: from a bench file to leaderboards.
///
/// Exit status: 0 done; 1 an error, nothing was measured; 2 wrong usage; 3 some cells failed (the others are
/// written); 4 `compare --fail-on` found what it names; 5 a check found something: `audit`, `leaderboard verify`,
/// `leaderboard build --check`, `data leaks`, `split --against`; 130 stopped by Ctrl-C (run again to continue).
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where a leaderboard lies unless it is named.
const LEADERBOARD: &str = "results/leaderboard";

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Say nothing but results and errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Print results as JSON on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Show what plugins log, and more
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// The store of committed results
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "CLIRBENCH_STORE",
        default_value = ".clirbench/store"
    )]
    pub(crate) store: PathBuf,
    /// A plugin library, or a folder of them; before all other places
    #[arg(long = "plugin", global = true, value_name = "PATH")]
    pub(crate) plugins: Vec<PathBuf>,
    /// The ONNX Runtime library (libonnxruntime.so); default: the one that `cargo xtask setup` installed
    #[arg(long, global = true, value_name = "FILE", env = "ORT_DYLIB_PATH")]
    pub(crate) ort: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure the models of a bench file and write leaderboards
    Run(RunArgs),
    /// Show what a run would do: jobs, texts to encode, cells to score, what is in the store
    Plan(BenchArgs),
    /// Train a model by a recipe
    Train(TrainArgs),
    /// Estimate the Fisher information of a model's weights by a recipe, for merging
    Fisher(FisherArgs),
    /// Merge models: a recipe, or --method and the models' directories
    Merge(MergeArgs),
    /// Measure all pairwise merges of some checkpoints, choose winners, write only those
    Sweep(SweepArgs),
    /// Compare results: two for what changed, several for ranks, a merged model with its parents
    Compare(CompareArgs),
    /// Check results files for values that are impossible or contradict each other
    Audit(AuditArgs),
    /// List published figures, or print those of one source as CSV
    Published(PublishedArgs),
    /// Keep a leaderboard in version control: add rows, make its tables, measure rows again
    #[command(subcommand)]
    Leaderboard(LeaderboardCommand),
    /// Measure a TREC run file against qrels, as trec_eval does
    Eval(EvalArgs),
    /// List and inspect plugins without executing them
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Show what a model directory holds, write its ONNX graph
    #[command(subcommand)]
    Model(ModelCommand),
    /// List, show and check datasets
    #[command(subcommand)]
    Data(DataCommand),
    /// Write parallel triples in language compositions query-positive-negative, as training rows
    Compose(ComposeArgs),
    /// Leave out near duplicates of training data: MinHash, the first stays
    Dedup(DedupArgs),
    /// Cut parallel triples into parts that do not leak into each other
    Split(SplitArgs),
    /// Mine hard negatives: passages that a model ranks high for a query and that do not answer it
    Mine(Box<MineArgs>),
    /// Make training pairs of words, phrases, or queries and documents
    Pairs(PairsArgs),
    /// Write synthetic parallel triples with a chat model, by a recipe
    Synth(SynthArgs),
    /// Look after the store
    #[command(subcommand)]
    Cache(CacheCommand),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Run one job, or serve jobs from standard input
    #[command(hide = true)]
    Work(WorkArgs),
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// The bench file (TOML)
    pub(crate) bench: PathBuf,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// How much of the machine to use, and which part.
#[derive(Debug, Args)]
pub(crate) struct ComputeArgs {
    /// Threads to use; results do not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// Where models compute: cpu, cuda or auto [default: the file's, else cpu]
    #[arg(long, value_name = "DEVICE", value_parser = ["cpu", "cuda", "auto"])]
    pub(crate) device: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// The recipe (TOML)
    pub(crate) recipe: PathBuf,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    /// The model to start from [default: the recipe's]
    #[arg(long, value_name = "DIR")]
    pub(crate) base: Option<PathBuf>,
    /// The training data, JSON lines [default: the recipe's]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Directory for the trained model [default: the recipe's, else the recipe's name]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replace what is in the output directory, whoever wrote it
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// The recipe (TOML); with --method, the directories of the models
    #[arg(required = true, value_name = "RECIPE|DIR")]
    pub(crate) inputs: Vec<PathBuf>,
    /// How to merge: uniform, weighted, slerp, task-arithmetic, ties, dare-linear, dare-ties, fisher, or a
    /// merger plugin
    #[arg(long, value_name = "METHOD")]
    pub(crate) method: Option<String>,
    /// A weight per model, separated by commas
    #[arg(
        long,
        value_name = "W,W",
        value_delimiter = ',',
        requires = "method",
        allow_negative_numbers = true
    )]
    pub(crate) weights: Vec<f64>,
    /// The model that all were trained from, for task arithmetic, ties and dare
    #[arg(long, value_name = "DIR", requires = "method")]
    pub(crate) base: Option<PathBuf>,
    /// An option of the method
    #[arg(long = "option", value_name = "KEY=VALUE", requires = "method")]
    pub(crate) options: Vec<String>,
    /// Type of the merged weights: f32, f16 or bf16 [default: the first model's]
    #[arg(long, value_name = "TYPE", value_parser = ["f32", "f16", "bf16"], requires = "method")]
    pub(crate) dtype: Option<String>,
    /// Seed of everything random
    #[arg(long, value_name = "N", requires = "method")]
    pub(crate) seed: Option<u64>,
    /// Directory for the merged model [default: the recipe's]
    #[arg(long, short, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replace what is in the output directory
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FisherArgs {
    /// The recipe (TOML): base, data, guide, loss and the trainer's options are used
    pub(crate) recipe: PathBuf,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    /// The model whose weights are estimated [default: the recipe's]
    #[arg(long, value_name = "DIR")]
    pub(crate) base: Option<PathBuf>,
    /// The data, JSON lines [default: the recipe's]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// The safetensors file to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Use a random sample of at most so many rows [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rows: Option<u32>,
    /// Rows of a batch, whose gradients are squared together; in place of the recipe's
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch_size: u32,
    /// Replace the output file
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) bench: BenchArgs,
    /// Folder for the results [default: results of BENCH.toml go to BENCH-results]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Also write TREC runs and qrels, a pair per cell
    #[arg(long)]
    pub(crate) trec: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    /// The sweep file (TOML)
    pub(crate) sweep: PathBuf,
    /// Folder for the results [default: those of SWEEP.toml go to SWEEP-results]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Results folders, scores.csv files, git:REV or git:REV:PATH. Two: what changed from the first (BASE) to
    /// the second (HEAD); BASE may be published:NAME, see `clirbench published`. One, or more than two: their
    /// models, ranked
    #[arg(required = true, value_name = "RESULTS")]
    pub(crate) sources: Vec<String>,
    /// The results folder of git:REV, from the root of the repository
    #[arg(long, value_name = "DIR", default_value = "results/leaderboard")]
    pub(crate) path: String,
    /// Compare a merged model with its parents, all models of one result
    #[arg(long, value_name = "MERGED")]
    pub(crate) parents: Option<String>,
    /// A parent of the merged model [default: what run.json says]
    #[arg(long, value_name = "NAME", requires = "parents")]
    pub(crate) parent: Vec<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: CompareFormat,
    /// Metrics to compare: `main`, `all` or names separated by commas
    #[arg(long, default_value = "main")]
    pub(crate) metrics: String,
    /// Compare this model only, or a model of BASE with one of another name in HEAD
    #[arg(long = "model", value_name = "NAME|BASE=HEAD")]
    pub(crate) models: Vec<String>,
    /// Compare a published dataset with one of another name (with `published:NAME`)
    #[arg(long = "dataset", value_name = "PUBLISHED=RUN")]
    pub(crate) datasets: Vec<String>,
    /// How far from a published figure is still the same: a fraction, 0.003 is 0.3 points [default: what
    /// rounds to the printed digits; 0.003 for mteb]
    #[arg(long, value_name = "FRACTION")]
    pub(crate) tolerance: Option<f64>,
    /// Exit with status 4 when a cell is significantly worse (by at least POINTS on the 0-100 scale), when HEAD
    /// lacks a cell of BASE, or, with `published:NAME`, on any difference outside the tolerance
    #[arg(long, value_name = "regression[=POINTS]|missing|difference")]
    pub(crate) fail_on: Vec<String>,
    /// Significance level after Holm's correction
    #[arg(long, default_value_t = 0.05, value_parser = level)]
    pub(crate) alpha: f64,
    /// Compare although the datasets differ
    #[arg(long)]
    pub(crate) force: bool,
}

fn level(text: &str) -> Result<f64, String> {
    let level = text.parse::<f64>().ok().filter(|level| (0.0..1.0).contains(level) && *level > 0.0);
    level.ok_or_else(|| "expected a number between 0 and 1".to_owned())
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum CompareFormat {
    /// A table for the terminal
    #[default]
    Text,
    /// For a pull request comment
    Markdown,
    /// One row per cell and metric
    Csv,
    /// Everything
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LeaderboardCommand {
    /// Make the tables of a leaderboard from its records
    Build(LeaderboardBuildArgs),
    /// Add what a run measured to a leaderboard, and make its tables
    Add(LeaderboardAddArgs),
    /// Measure the records of a leaderboard again, and compare
    Verify(LeaderboardVerifyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct LeaderboardBuildArgs {
    /// The leaderboard's folder
    #[arg(default_value = LEADERBOARD)]
    pub(crate) dir: PathBuf,
    /// Write nothing; exit with status 5 when a file is not what the records give
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LeaderboardAddArgs {
    /// The results folder of a run
    pub(crate) run: PathBuf,
    /// The leaderboard's folder
    #[arg(long, value_name = "DIR", default_value = LEADERBOARD)]
    pub(crate) to: PathBuf,
    /// Add only this model of the run; may be given several times
    #[arg(long = "model", value_name = "NAME")]
    pub(crate) models: Vec<String>,
    /// Replace records of other data or another configuration
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LeaderboardVerifyArgs {
    /// The leaderboard's folder
    #[arg(default_value = LEADERBOARD)]
    pub(crate) dir: PathBuf,
    /// Verify only this model; may be given several times
    #[arg(long = "model", value_name = "NAME")]
    pub(crate) models: Vec<String>,
    /// Fail also when a record cannot be verified because its model or data are not at hand
    #[arg(long)]
    pub(crate) all: bool,
    /// Largest difference that is accepted, on the 0-100 scale; the last bits of an encoder depend on the
    /// machine
    #[arg(long, value_name = "POINTS", default_value_t = 0.1)]
    pub(crate) tolerance: f64,
    /// Where the files of a dataset are
    #[arg(long, value_name = "NAME=DIR")]
    pub(crate) data: Vec<String>,
    /// Where the directory of a model is
    #[arg(long, value_name = "NAME=DIR")]
    pub(crate) model_path: Vec<String>,
    /// Take vectors and scores that are in the store [default: measure in a new one]
    #[arg(long)]
    pub(crate) from_store: bool,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// scores.csv, bias.csv, run.json, a table of published figures, MTEB results JSON, a folder of them, or
    /// `published:NAME`
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: AuditFormat,
    /// Take printed numbers as rounded to the nearest, and datasets to have the queries they are known to have
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum AuditFormat {
    /// For the terminal
    #[default]
    Text,
    /// For a pull request comment
    Markdown,
    /// Everything
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct PublishedArgs {
    /// The source; without it, all are listed
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// Judgements: `qid 0 docid rel`
    pub(crate) qrels: PathBuf,
    /// The run: `qid Q0 docid rank score tag`
    pub(crate) run: PathBuf,
    /// Metrics, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "ndcg@10,mrr,recall@10,recall@100,map")]
    pub(crate) metrics: Vec<String>,
    /// Documents that were searched, for max@r of documents that the run lacks
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) collection_size: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// List the plugins that are found, and what is shadowed or refused
    List,
    /// Show a plugin's manifest: interfaces, config schema
    Inspect {
        /// A plugin id or a library file
        plugin: String,
    },
    /// Write plugins.lock: from then on a plugin whose checksum differs is refused
    Lock {
        /// The lock file
        #[arg(long, default_value = "plugins.lock")]
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Make a model that has learned nothing, to be trained from scratch: a unigram vocabulary and random
    /// weights
    New(NewModelArgs),
    /// Show what a model directory holds and what it lacks
    Info {
        /// The model directory
        dir: PathBuf,
    },
    /// Write the ONNX graph of a BERT, RoBERTa, XLM-R or ModernBERT encoder from its safetensors weights
    ExportOnnx(ExportOnnxArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NewModelArgs {
    /// What it is made of (TOML): name, seed, [vocabulary] and [network]
    pub(crate) spec: PathBuf,
    /// Training rows (JSON lines) whose texts the vocabulary is trained on
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub(crate) data: Vec<PathBuf>,
    /// The model directory
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ExportOnnxArgs {
    /// The model directory
    pub(crate) dir: PathBuf,
    /// The ONNX file [default: DIR/onnx/model.onnx]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Keep the weights in a file of their own (FILE_data); above 2 GB they are in any case
    #[arg(long)]
    pub(crate) external_data: bool,
    /// Replace files that exist
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// List dataset manifests
    List {
        /// Folder of manifests
        #[arg(default_value = "datasets")]
        dir: PathBuf,
    },
    /// Show what a dataset holds
    Info(DataArgs),
    /// Check a dataset's files, or a file of training data, and report everything that is wrong
    Validate(DataArgs),
    /// Look for texts of evaluation sets in training data; exit status 5 when there are any
    Leaks(LeaksArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DataArgs {
    /// A dataset manifest (TOML), or a bench file: then all its datasets; `validate` also takes triples and
    /// training rows (.jsonl)
    pub(crate) file: PathBuf,
    /// The folder that holds the data, where the manifest does not say
    #[arg(long, value_name = "DIR")]
    pub(crate) path: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SynthArgs {
    /// The recipe (TOML)
    pub(crate) recipe: PathBuf,
    /// The file to write, JSON lines; what was answered is kept in FILE.work beside it
    #[arg(long, value_name = "FILE", required_unless_present = "dry_run")]
    pub(crate) out: Option<PathBuf>,
    /// Show categories, requests and what they will about cost; ask nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Count objects and bytes
    Info,
    /// Check every object against its checksums
    Verify {
        /// Remove damaged objects; the next run makes them again
        #[arg(long)]
        repair: bool,
    },
    /// Remove committed results and what broken-off runs left behind
    Prune {
        /// Only results older than this many days
        #[arg(long, value_name = "DAYS", required_unless_present = "all")]
        older_than: Option<u32>,
        /// Everything
        #[arg(long)]
        all: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct WorkArgs {
    /// A job document; without it, jobs come from standard input
    pub(crate) job: Option<PathBuf>,
    /// Threads to use
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: usize,
    /// Where encoders compute
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
}
