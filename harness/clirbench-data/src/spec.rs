//! What a user writes about a dataset: in a bench file's `[[datasets]]`, or in a manifest.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use clirbench_core::dataset::{Copies, Documents};
use serde::{Deserialize, Deserializer, Serialize, de};

/// A dataset as TOML describes it. Everything that a `manifest` says can be left out here, and
/// what is said here counts.
///
/// ```
/// let spec: clirbench_data::DatasetSpec = toml::from_str(
///     r#"
///     name = "xquad"
///     format = "xquad"
///     path = "path/to/xquad"
///     languages = ["en", "es", "de", "vi"]
///     documents = "unique"
///     "#,
/// )?;
/// assert_eq!(spec.languages.len(), 4);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatasetSpec {
    /// Name in results.
    pub name: String,
    /// A dataset manifest (TOML) to start from; relative to the file that names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<PathBuf>,
    /// How the files are laid out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// The folder that holds the files (or the one file); relative to the file that names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Language codes, in the order of pools and tables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// How paragraphs that serve several questions enter the pool; not applied by the readers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<Documents>,
    /// Which copies answer a question in per-question pools; not applied by the readers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copies: Option<Copies>,
    /// The scenarios of a run that it takes part in (none: all); not applied by the readers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<String>,
    /// Split: `qrels/<split>.tsv` of BEIR (default `test`), and `{split}` in `files`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// Where each language's file (BEIR: folder) is under `path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Files>,
    /// What the dataset's own files call a language where it is not the code in `languages`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: BTreeMap<String, String>,
    /// Column of each language in a table that holds all languages (default: its code).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, String>,
    /// Column of the text in tables of one language each (default `text`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_column: Option<String>,
    /// Column of the id that aligns tables; without it row i of every table is the same sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_column: Option<String>,
    /// Whether an id may be missing in some languages (default: that is an error).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Pinned checksums: file under `path` (with `/`) to sha256 in hex.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sha256: BTreeMap<String, String>,
    /// What the dataset is, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// SPDX expression of the data's licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// How the texts of the other languages came about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub translation: Option<Translation>,
    /// Where to get the files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Revision at the source: a commit, a version, a date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

/// Layouts that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// SQuAD 1.1 JSON, `xquad.<language>.json` per language (Artetxe et al. 2020).
    Xquad,
    /// SQuAD 1.1 JSON, `<language>.json` per language (Rajpurkar et al. 2016).
    Squad,
    /// Belebele's JSON lines, `<language>.jsonl` per language (Bandarkar et al. 2023).
    Belebele,
    /// `corpus.jsonl`, `queries.jsonl`, `qrels/<split>.tsv` (Thakur et al. 2021).
    Beir,
    /// Parallel sentences: line-aligned text files, or `.tsv` tables with a header row.
    Bitext,
}

impl Format {
    /// The name as it is written in TOML.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Xquad => "xquad",
            Format::Squad => "squad",
            Format::Belebele => "belebele",
            Format::Beir => "beir",
            Format::Bitext => "bitext",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How the languages of a dataset came to be parallel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Translation {
    /// People translated one language into the others.
    Human,
    /// A machine translated one language into the others.
    Machine,
    /// Every language was written for the dataset; none is a translation.
    Original,
}

impl fmt::Display for Translation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Translation::Human => "human",
            Translation::Machine => "machine",
            Translation::Original => "original",
        })
    }
}

/// Where each language's file is, relative to `path`.
///
/// In a template `{lang}` is the language's code, `{split}` the split and `{pair}` the two
/// languages' codes joined by `-`, in the order in which the file exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Files {
    /// Templates; for each language the first that exists counts. TOML: a string or a list.
    Templates(Vec<String>),
    /// A file per language. TOML: a table.
    PerLanguage(BTreeMap<String, String>),
}

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Files;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a template such as \"xquad.{lang}.json\", a list of them, or a table of files")
            }

            fn visit_str<E: de::Error>(self, template: &str) -> Result<Files, E> {
                Ok(Files::Templates(vec![template.to_owned()]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Files, A::Error> {
                Deserialize::deserialize(de::value::SeqAccessDeserializer::new(list)).map(Files::Templates)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, table: A) -> Result<Files, A::Error> {
                Deserialize::deserialize(de::value::MapAccessDeserializer::new(table)).map(Files::PerLanguage)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
