//! From what a user wrote to what a reader needs: manifest and entry merged, options checked.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Kind, Place},
    manifest::Manifest,
    spec::{DatasetSpec, Files, Format},
    suggest::nearest,
    template,
};

/// A dataset entry that is complete and consistent.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The entry with everything that its manifest says; `files` and `split` have their defaults.
    pub(crate) spec: DatasetSpec,
    pub(crate) format: Format,
    /// The folder that file names count from; it exists.
    pub(crate) root: PathBuf,
    /// Where each language's file (BEIR: folder) may be, in the order of `spec.languages`;
    /// the first that exists counts.
    pub(crate) candidates: Vec<Vec<String>>,
    /// Languages of the manifest that the entry did not ask for and whose files are not there.
    pub(crate) left_out: Vec<String>,
}

impl Resolved {
    /// What the dataset's own files call a language.
    pub(crate) fn code<'a>(&'a self, language: &'a str) -> &'a str {
        self.spec.codes.get(language).map_or(language, String::as_str)
    }

    fn leave_out_absent_languages(&mut self) {
        let there = |names: &Vec<String>| names.iter().any(|name| self.root.join(name).exists());
        let present: Vec<bool> = self.candidates.iter().map(there).collect();
        if !present.contains(&true) {
            return;
        }
        let languages = std::mem::take(&mut self.spec.languages).into_iter();
        let candidates = std::mem::take(&mut self.candidates).into_iter();
        for ((language, names), present) in languages.zip(candidates).zip(present) {
            if present {
                self.spec.languages.push(language);
                self.candidates.push(names);
            } else {
                self.left_out.push(language);
            }
        }
    }
}

/// Completes `spec` and checks it. Relative paths count from `base`, those of a manifest from
/// the manifest's folder.
///
/// An entry that names its own `path` but no `languages` gets those of the manifest that it has
/// files for: a manifest may list more languages than a user has downloaded.
pub(crate) fn resolve(spec: &DatasetSpec, base: &Path) -> Result<Resolved, Error> {
    let whatever_is_there = spec.languages.is_empty() && spec.path.is_some();
    let mut known = spec.languages.clone();
    let mut root = spec.path.as_ref().map(|path| base.join(path));
    let mut spec = spec.clone();
    if let Some(file) = &spec.manifest {
        let manifest = Manifest::read(&base.join(file))?;
        root = root.or(manifest.spec.path.as_ref().map(|path| manifest.folder().join(path)));
        known.clone_from(&manifest.spec.languages);
        spec = overlay(spec, manifest.spec);
    }
    let entry = Entry(&spec);
    if spec.name.is_empty() {
        return Err(entry.wrong("there is no `name`", "give it the name that results print"));
    }
    let Some(format) = spec.format else {
        return Err(entry.wrong(
            "there is no `format`",
            "name one of xquad, squad, belebele, beir, bitext, or a `manifest`",
        ));
    };
    entry.check_languages(&known)?;
    entry.check_options(format)?;
    let Some(path) = root else {
        return Err(entry.wrong("there is no `path`", &entry.where_to_get_it()));
    };
    if !path.exists() {
        return Err(entry.wrong(&format!("there is no {}", path.display()), &entry.where_to_get_it()));
    }
    let (root, files) = folder_and_files(&spec, format, path)?;
    let split = spec.split.clone().or((format == Format::Beir).then(|| "test".to_owned()));
    let spec = DatasetSpec { files: Some(files), split, ..spec };
    let candidates = template::candidates(&spec)
        .map_err(|(what, hint)| Error::new(Place::Dataset(spec.name.clone()), Kind::Entry { what, hint }))?;
    let mut dataset = Resolved { spec, format, root, candidates, left_out: Vec::new() };
    if whatever_is_there {
        dataset.leave_out_absent_languages();
    }
    Ok(dataset)
}

/// The root folder and the file templates; a `path` that is a file is its own template.
fn folder_and_files(spec: &DatasetSpec, format: Format, path: PathBuf) -> Result<(PathBuf, Files), Error> {
    let entry = Entry(spec);
    if path.is_file() {
        let name = path.file_name().and_then(|name| name.to_str());
        return match (name, format, &spec.files) {
            (Some(name), Format::Xquad | Format::Squad | Format::Belebele | Format::Bitext, None) => {
                let folder = path.parent().unwrap_or(Path::new("")).to_owned();
                Ok((folder, Files::Templates(vec![name.to_owned()])))
            }
            _ => {
                Err(entry.wrong(&format!("{} is not a folder", path.display()), "name the folder in `path`"))
            }
        };
    }
    let default = match format {
        Format::Xquad => "xquad.{lang}.json",
        Format::Squad => "{lang}.json",
        Format::Belebele => "{lang}.jsonl",
        Format::Beir => "{lang}",
        Format::Bitext => "",
    };
    match &spec.files {
        Some(files) => Ok((path, files.clone())),
        None if default.is_empty() => Err(entry.wrong(
            "a bitext needs `files`",
            "name its files, for example files = \"news.{lang}.txt\" or files = \"pairs.tsv\"",
        )),
        None => Ok((path, Files::Templates(vec![default.to_owned()]))),
    }
}

/// `entry` on top of `manifest`: what the entry says counts, tables are joined key by key.
fn overlay(entry: DatasetSpec, manifest: DatasetSpec) -> DatasetSpec {
    fn join(
        mut below: BTreeMap<String, String>,
        above: BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        below.extend(above);
        below
    }
    DatasetSpec {
        name: if entry.name.is_empty() { manifest.name } else { entry.name },
        manifest: entry.manifest,
        format: entry.format.or(manifest.format),
        path: entry.path.or(manifest.path),
        languages: if entry.languages.is_empty() { manifest.languages } else { entry.languages },
        documents: entry.documents.or(manifest.documents),
        copies: entry.copies.or(manifest.copies),
        scenarios: if entry.scenarios.is_empty() { manifest.scenarios } else { entry.scenarios },
        split: entry.split.or(manifest.split),
        files: entry.files.or(manifest.files),
        codes: join(manifest.codes, entry.codes),
        columns: join(manifest.columns, entry.columns),
        text_column: entry.text_column.or(manifest.text_column),
        id_column: entry.id_column.or(manifest.id_column),
        partial: entry.partial || manifest.partial,
        sha256: join(manifest.sha256, entry.sha256),
        description: entry.description.or(manifest.description),
        licence: entry.licence.or(manifest.licence),
        translation: entry.translation.or(manifest.translation),
        source: entry.source.or(manifest.source),
        revision: entry.revision.or(manifest.revision),
    }
}

struct Entry<'a>(&'a DatasetSpec);

impl Entry<'_> {
    fn wrong(&self, what: &str, hint: &str) -> Error {
        let kind = Kind::Entry { what: what.to_owned(), hint: hint.to_owned() };
        Error::new(Place::Dataset(self.0.name.clone()), kind)
    }

    fn where_to_get_it(&self) -> String {
        match &self.0.source {
            Some(source) => format!("get the files from {source} and name their folder in `path`"),
            None => "name the folder of its files in `path`".to_owned(),
        }
    }

    /// `known` are the manifest's languages (the entry's own where it has no manifest).
    fn check_languages(&self, known: &[String]) -> Result<(), Error> {
        let languages = &self.0.languages;
        if languages.is_empty() {
            return Err(self.wrong(
                "there are no `languages`",
                "list their codes, for example languages = [\"en\", \"ko\"]",
            ));
        }
        for (i, language) in languages.iter().enumerate() {
            if language.is_empty() || language.contains(|c: char| c.is_whitespace() || c == '+') {
                return Err(self.wrong(
                    &format!("`{language}` is not a language code"),
                    "use codes such as en, zh-Hans or kor_Hang",
                ));
            }
            if languages[..i].contains(language) {
                return Err(self.wrong(&format!("the language `{language}` is listed twice"), "list it once"));
            }
            if !known.contains(language) {
                return Err(self.unknown_language("languages", language, known));
            }
        }
        let mut tables = vec![("codes", &self.0.codes), ("columns", &self.0.columns)];
        if let Some(Files::PerLanguage(files)) = &self.0.files {
            tables.push(("files", files));
        }
        for (key, table) in tables {
            if let Some(language) = table.keys().find(|l| !known.contains(l) && !languages.contains(l)) {
                return Err(self.unknown_language(key, language, known));
            }
        }
        Ok(())
    }

    fn unknown_language(&self, key: &str, language: &str, known: &[String]) -> Error {
        let hint = match nearest(language, known.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("it has {}", known.join(", ")),
        };
        self.wrong(&format!("`{key}` names `{language}`, which the dataset does not have"), &hint)
    }

    /// An option that a format does not read is a mistake, not a wish to ignore.
    fn check_options(&self, format: Format) -> Result<(), Error> {
        let table = format == Format::Bitext;
        let options = [
            ("columns", !self.0.columns.is_empty(), table),
            ("text_column", self.0.text_column.is_some(), table),
            ("id_column", self.0.id_column.is_some(), table),
            ("partial", self.0.partial, format == Format::Beir || (table && self.0.id_column.is_some())),
        ];
        match options.iter().find(|(_, given, read)| *given && !*read) {
            Some(("partial", ..)) if table => Err(self.wrong(
                "`partial` needs ids to align by",
                "name the `id_column` of the tables, or remove `partial`",
            )),
            Some((option, ..)) => Err(self.wrong(
                &format!("the format {format} has no option `{option}`"),
                "remove it, or choose another `format`",
            )),
            None => Ok(()),
        }
    }
}
