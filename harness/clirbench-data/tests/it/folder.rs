//! A temporary folder with a dataset in it.

use std::{fs, path::Path};

use clirbench_data::{DatasetSpec, Loaded, Report, load, validate};
use tempfile::TempDir;

pub(crate) struct Folder(TempDir);

impl Folder {
    /// A folder with these files (name, content).
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Folder(tempfile::tempdir().expect("a temporary folder can be made"));
        for (name, content) in files {
            folder.write(name, content.as_bytes());
        }
        folder
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        let file = self.path().join(name);
        fs::create_dir_all(file.parent().expect("a file has a folder")).expect("the folder can be made");
        fs::write(file, content).expect("the file can be written");
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Loads the entry (TOML) with `path = "."`.
    pub(crate) fn load(&self, entry: &str) -> Loaded {
        load(&self.entry(entry), self.path()).unwrap_or_else(|e| panic!("{e}"))
    }

    pub(crate) fn validate(&self, entry: &str) -> Report {
        validate(&self.entry(entry), self.path())
    }

    /// Every error of the entry, one per line, with paths from this folder; `load` has to return
    /// the first.
    pub(crate) fn errors(&self, entry: &str) -> String {
        let report = self.validate(entry);
        let messages: Vec<String> = report.errors.iter().map(|e| self.plain(e)).collect();
        let first = load(&self.entry(entry), self.path()).expect_err("the entry has errors");
        assert_eq!(self.plain(&first), messages[0]);
        assert!(report.loaded.is_none() && !report.is_ok());
        messages.join("\n")
    }

    pub(crate) fn warnings(&self, entry: &str) -> String {
        let report = self.validate(entry);
        assert!(report.is_ok(), "{:?}", report.errors);
        report.warnings.iter().map(|w| self.plain(w)).collect::<Vec<_>>().join("\n")
    }

    fn entry(&self, entry: &str) -> DatasetSpec {
        let spec: DatasetSpec = toml::from_str(entry).expect("the entry is TOML");
        DatasetSpec { path: spec.path.or(Some(".".into())), name: "made".to_owned(), ..spec }
    }

    fn plain(&self, message: &impl ToString) -> String {
        let folder = format!("{}/", self.path().display());
        message.to_string().replace(&folder, "").replace("./", "")
    }
}

/// What a collection says, in a form that is easy to compare: ids, texts and judgements.
pub(crate) fn outline(loaded: &Loaded) -> Vec<String> {
    let c = &loaded.collection;
    let texts = |texts: &[Option<String>]| {
        texts.iter().map(|t| t.as_deref().unwrap_or("-")).collect::<Vec<_>>().join(" | ")
    };
    let documents = c.documents.iter().map(|d| format!("D {}: {}", d.id, texts(&d.texts)));
    let queries = c.queries.iter().zip(&c.qrels).map(|(q, judged)| {
        let judged: Vec<String> =
            judged.iter().map(|j| format!("{}={}", c.documents[j.document as usize].id, j.grade)).collect();
        format!("Q {}: {} -> {}", q.id, texts(&q.texts), judged.join(" "))
    });
    documents.chain(queries).collect()
}
