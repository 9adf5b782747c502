//! Arguments of the commands that make training data.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clirbench_curation::{Composition, Field, Shingles};

use crate::named::Named;

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub(crate) struct ComposeArgs {
    /// Parallel triples, JSON lines; `-` is standard input
    pub(crate) triples: PathBuf,
    /// Write all compositions of these languages
    #[arg(long, value_name = "LANG,LANG", value_delimiter = ',', group = "what")]
    pub(crate) languages: Vec<String>,
    /// Write this composition: languages of query, positive and negatives, such as ko-en-ko (with commas where a
    /// code has a hyphen); may be given several times
    #[arg(long = "composition", value_name = "Q-P-N", group = "what", conflicts_with = "languages")]
    pub(crate) compositions: Vec<Composition>,
    /// Folder for koenko.jsonl and so on; of one --composition the file [default then: `-`, standard output]
    #[arg(long, value_name = "DIR|FILE", required_unless_present = "compositions")]
    pub(crate) out: Option<PathBuf>,
    /// Take only the first so many negatives of a triple
    #[arg(long, value_name = "K")]
    pub(crate) negatives: Option<usize>,
    /// What becomes of a triple that lacks one of the languages
    #[arg(long, value_enum, default_value_t)]
    pub(crate) incomplete: Incomplete,
}

/// What becomes of triples that lack a language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Incomplete {
    /// The first one is an error
    #[default]
    Refuse,
    /// They are left out of every composition, and counted
    Drop,
}

/// What near duplicates are.
#[derive(Debug, Args)]
pub(crate) struct NearArgs {
    /// Least Jaccard similarity of near duplicates
    #[arg(long, value_name = "J", default_value_t = 0.8, value_parser = similarity)]
    pub(crate) threshold: f64,
    /// What texts are cut into for it: runs of N characters or words
    #[arg(long, value_name = "chars-N|words-N", default_value_t = Shingles::CHARS_5)]
    pub(crate) shingles: Shingles,
}

/// How near duplicates are found.
#[derive(Debug, Args)]
pub(crate) struct MinHashArgs {
    #[command(flatten)]
    pub(crate) near: NearArgs,
    /// Length of a MinHash signature
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) permutations: u16,
    /// Bands of a signature; with --rows [default: those with the least weighted error at the threshold]
    #[arg(long, value_name = "B", requires = "rows", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) bands: Option<u16>,
    /// Rows of a band; with --bands
    #[arg(long, value_name = "R", requires = "bands", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) rows: Option<u16>,
    /// How much a missed pair weighs in the choice of bands, a false candidate weighing the rest of 1
    #[arg(long, value_name = "W", default_value_t = 0.9, value_parser = similarity)]
    pub(crate) false_negative_weight: f64,
    /// Take every candidate for a duplicate [default: those whose shingles are as similar as the threshold]
    #[arg(long)]
    pub(crate) unverified: bool,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub(crate) seed: u64,
}

fn similarity(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number > 0.0 && *number <= 1.0);
    number.ok_or_else(|| "expected a number above 0, at most 1".to_owned())
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FieldArg {
    /// Queries with queries
    Query,
    /// Positives with positives
    Positive,
    /// Either of both
    Both,
}

impl From<FieldArg> for Field {
    fn from(field: FieldArg) -> Field {
        match field {
            FieldArg::Query => Field::Query,
            FieldArg::Positive => Field::Positive,
            FieldArg::Both => Field::Both,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct DedupArgs {
    /// Parallel triples or training rows, JSON lines; `-` is standard input
    pub(crate) file: PathBuf,
    /// The language that triples are compared in
    #[arg(long, value_name = "LANG")]
    pub(crate) language: Option<String>,
    /// What is compared
    #[arg(long, value_enum, default_value = "query")]
    pub(crate) on: FieldArg,
    /// File for the rows that stay [default: `-`, standard output]
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) out: PathBuf,
    /// File for the rows that are left out, each with the one that it duplicates, JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) minhash: MinHashArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SplitArgs {
    /// Parallel triples, JSON lines; `-` is standard input
    pub(crate) triples: PathBuf,
    /// Folder for train.jsonl and so on
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Names and shares of the parts
    #[arg(
        long,
        value_name = "NAME=SHARE,..",
        value_delimiter = ',',
        default_value = "train=0.8,dev=0.1,test=0.1",
        value_parser = share
    )]
    pub(crate) parts: Vec<(String, f64)>,
    /// Near duplicates of what stay in one part
    #[arg(long, value_enum, default_value = "both")]
    pub(crate) on: FieldArg,
    /// An evaluation set that no triple may give away: a manifest or bench file, or the name of a manifest in
    /// datasets/, with the folder of its files where it does not say; may be given several times
    #[arg(long, value_name = "DATASET[=DIR]")]
    pub(crate) against: Vec<Named>,
    /// What becomes of triples that do
    #[arg(long, value_enum, default_value = "refuse", requires = "against")]
    pub(crate) leaks: OnLeak,
    /// File for the leaks, JSON lines
    #[arg(long, value_name = "FILE", requires = "against")]
    pub(crate) report: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) near: NearArgs,
    /// Seed of the split
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub(crate) seed: u64,
}

fn share(text: &str) -> Result<(String, f64), String> {
    let share = text.split_once('=').and_then(|(name, share)| Some((name.to_owned(), share.parse().ok()?)));
    share.ok_or_else(|| "expected NAME=SHARE, such as train=0.8".to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnLeak {
    /// Nothing is written; exit status 5
    Refuse,
    /// They are left out
    Drop,
}

#[derive(Debug, Args)]
pub(crate) struct LeaksArgs {
    /// Training data: triples or training rows (.jsonl), or texts, one a line (.txt)
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// An evaluation set: a manifest or bench file, or the name of a manifest in datasets/, with the folder of
    /// its files where it does not say; may be given several times
    #[arg(long, value_name = "DATASET[=DIR]", required = true)]
    pub(crate) against: Vec<Named>,
    /// Language of texts whose file does not say it [default: they are compared with every language]
    #[arg(long, value_name = "LANG")]
    pub(crate) language: Option<String>,
    /// Compare across languages too
    #[arg(long)]
    pub(crate) any_language: bool,
    #[command(flatten)]
    pub(crate) near: NearArgs,
    /// Least length of a text that is looked for within others, in columns: most Chinese, Japanese and Korean
    /// characters take two
    #[arg(long, value_name = "COLUMNS", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) part_columns: u32,
    /// File for every leak with the ids of both texts, JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PairLevel {
    /// Words and their translations
    Words,
    /// Sentences of a bitext and their translations
    Phrases,
    /// Queries and their relevant documents
    QueryDocuments,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("source").required(true))]
pub(crate) struct PairsArgs {
    /// What is paired
    #[arg(value_enum)]
    pub(crate) level: PairLevel,
    /// The dataset: a manifest, or the name of a manifest in datasets/, with the folder of its files where it
    /// does not say
    #[arg(value_name = "DATASET[=DIR]", group = "source")]
    pub(crate) dataset: Option<Named>,
    /// Line-aligned text files in place of a dataset, one for each language
    #[arg(long = "lines", value_name = "LANG=FILE", group = "source", value_parser = language_file)]
    pub(crate) lines: Vec<(String, PathBuf)>,
    /// A dictionary in place of a dataset, for words: a table (.tsv) with a column for each language
    #[arg(long, value_name = "FILE", group = "source")]
    pub(crate) dictionary: Option<PathBuf>,
    /// The languages; all pairs of them are made
    #[arg(long, value_name = "LANG,LANG", value_delimiter = ',', required = true)]
    pub(crate) languages: Vec<String>,
    /// Only pairs with this language
    #[arg(long, value_name = "LANG")]
    pub(crate) pivot: Option<String>,
    /// Words and phrases also from the later to the earlier language; queries and documents always are
    #[arg(long)]
    pub(crate) both_directions: bool,
    /// At most so many rows of a pair of languages, a seeded sample
    #[arg(long, value_name = "N")]
    pub(crate) cap: Option<usize>,
    /// At most so many negatives of a row: documents judged not relevant, or other words; phrases have none
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub(crate) negatives: usize,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub(crate) seed: u64,
    /// Iterations of IBM Model 1, by which words are learnt from bitext
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) iterations: u32,
    /// Least probability of a word given its translation, in both directions
    #[arg(long, value_name = "P", default_value_t = 0.3, value_parser = similarity)]
    pub(crate) floor: f64,
    /// Least number of sentence pairs that have both words
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) min_count: u32,
    /// File for the rows [default: `-`, standard output]
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) out: PathBuf,
}

fn language_file(text: &str) -> Result<(String, PathBuf), String> {
    let pair = text.split_once('=').filter(|(language, file)| !language.is_empty() && !file.is_empty());
    let pair = pair.map(|(language, file)| (language.to_owned(), PathBuf::from(file)));
    pair.ok_or_else(|| "expected LANG=FILE, such as en=news.en.txt".to_owned())
}
