//! Manifests, entries and templates, and how they are refused.

use std::path::Path;

use clirbench_data::{DatasetSpec, Files, Manifest, list, load, validate};

use crate::folder::Folder;

const MANIFEST: &str = r#"
name = "news"
format = "bitext"
path = "files"
languages = ["en", "ko", "de"]
files = ["news.{lang}", "alt/{lang}.txt"]
codes = { ko = "kor" }
source = "https://example.org/news"
"#;

fn refused(folder: &Folder, entry: &str) -> String {
    let spec: DatasetSpec = toml::from_str(entry).expect("the entry is TOML");
    let report = validate(&spec, folder.path());
    assert_eq!(report.errors.len(), 1);
    report.errors[0].to_string().replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn an_entry_takes_from_its_manifest_what_it_does_not_say() {
    let folder = Folder::with(&[
        ("sets/news.toml", MANIFEST),
        ("sets/files/news.en", "One"),
        ("sets/files/alt/kor.txt", "하나"),
        ("other/news.de", "Eins"),
        ("other/news.en", "Another"),
    ]);
    let entry: DatasetSpec =
        toml::from_str("manifest = 'sets/news.toml'\nlanguages = ['ko', 'en']").expect("the entry is TOML");
    let loaded = load(&entry, folder.path()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(loaded.collection.name, "news");
    assert_eq!(loaded.collection.languages, ["ko", "en"]);
    let names: Vec<&str> = loaded.files.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(names, ["alt/kor.txt", "news.en"]);
    // A `path` of the entry's own, and of the languages those that it has.
    let entry =
        DatasetSpec { path: Some("other".into()), languages: vec![], name: "mine".to_owned(), ..entry };
    let loaded = load(&entry, folder.path()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((loaded.collection.name.as_str(), loaded.collection.languages.len()), ("mine", 2));
    assert_eq!(loaded.warnings[0].to_string(), "dataset `mine`: left out, no files: ko");
    // The manifest's own path has to hold every language.
    let entry = DatasetSpec { path: None, ..entry };
    let error = load(&entry, folder.path()).expect_err("there is no German file");
    assert!(error.to_string().contains("news.de: there is no such file"), "{error}");
}

#[test]
fn files_are_a_template_a_list_or_a_table() {
    let files = |toml: &str| toml::from_str::<DatasetSpec>(toml).map(|spec| spec.files);
    let templates = |list: &[&str]| Some(Files::Templates(list.iter().map(|t| (*t).to_owned()).collect()));
    assert_eq!(files("files = '{lang}.txt'"), Ok(templates(&["{lang}.txt"])));
    assert_eq!(files("files = ['a', 'b']"), Ok(templates(&["a", "b"])));
    let table = [("en".to_owned(), "a".to_owned())].into();
    assert_eq!(files("files = { en = 'a' }"), Ok(Some(Files::PerLanguage(table))));
    let error = files("files = 3").expect_err("a number is no file");
    assert_eq!(
        error.message(),
        "invalid type: integer `3`, expected a template such as \"xquad.{lang}.json\", a list of them, or a table of files"
    );
    let spec: DatasetSpec = toml::from_str(MANIFEST).expect("the manifest is TOML");
    let written = toml::to_string(&spec).expect("a spec can be written");
    assert_eq!(toml::from_str::<DatasetSpec>(&written), Ok(spec));
}

#[test]
fn manifests_that_cannot_be_read() {
    let refusal = |text: &str| {
        let folder = Folder::with(&[("m.toml", text)]);
        let error = Manifest::read(&folder.path().join("m.toml")).expect_err("the manifest is wrong");
        error.to_string().replace(&format!("{}/", folder.path().display()), "")
    };
    assert_eq!(
        refusal("name = \"x\"\nlangauges = [\"en\"]\n"),
        "m.toml:2:1: unknown field `langauges`; did you mean `languages`?"
    );
    assert_eq!(refusal("format = \"xqad\"\n"), "m.toml:1:10: unknown variant `xqad`; did you mean `xquad`?");
    assert_eq!(
        refusal("translation = \"robot\"\n"),
        "m.toml:1:15: unknown variant `robot`, expected one of `human`, `machine`, `original`; \
         correct the TOML there"
    );
    assert_eq!(
        refusal("name = \"x\"\nformat = \"beir\"\n"),
        "m.toml: the manifest has no `languages`; a manifest needs `name`, `format` and `languages`"
    );
    assert_eq!(
        refusal("name = \"x\"\nformat = \"beir\"\nlanguages = [\"en\"]\nmanifest = \"y.toml\""),
        "m.toml: the manifest names another `manifest`; write its keys here instead"
    );
    assert!(refusal("name = ").starts_with("m.toml:1:8: "), "{}", refusal("name = "));
    let nowhere = Manifest::read(Path::new("nowhere.toml")).expect_err("there is no such file");
    assert!(nowhere.to_string().starts_with("nowhere.toml: cannot be read ("), "{nowhere}");
}

#[test]
fn a_folder_of_manifests_is_listed_by_file_name() {
    let folder = Folder::with(&[
        ("b.toml", MANIFEST),
        ("a.toml", &MANIFEST.replace("news", "olds")),
        ("notes.txt", "not a manifest"),
    ]);
    let names: Vec<String> =
        list(folder.path()).expect("both are right").into_iter().map(|m| m.spec.name).collect();
    assert_eq!(names, ["olds", "news"]);
    folder.write("c.toml", b"nme = 'x'");
    let error = list(folder.path()).expect_err("the third is wrong");
    assert!(error.to_string().ends_with("c.toml:1:1: unknown field `nme`; did you mean `name`?"), "{error}");
}

#[test]
fn entries_that_cannot_work() {
    let folder = Folder::with(&[("sets/news.toml", MANIFEST), ("t.tsv", "en\tko\n")]);
    let cases = [
        (
            "format = 'xquad'",
            "a dataset without a name: there is no `name`; give it the name that results print",
        ),
        (
            "name = 'x'",
            "dataset `x`: there is no `format`; name one of xquad, squad, belebele, beir, bitext, or a `manifest`",
        ),
        (
            "name = 'x'\nformat = 'xquad'",
            "dataset `x`: there are no `languages`; list their codes, for example languages = [\"en\", \"ko\"]",
        ),
        (
            "name = 'x'\nformat = 'xquad'\nlanguages = ['en', 'ko', 'en']",
            "dataset `x`: the language `en` is listed twice; list it once",
        ),
        (
            "name = 'x'\nformat = 'xquad'\nlanguages = ['en+ko']",
            "dataset `x`: `en+ko` is not a language code; use codes such as en, zh-Hans or kor_Hang",
        ),
        (
            "name = 'x'\nformat = 'xquad'\nlanguages = ['en']",
            "dataset `x`: there is no `path`; name the folder of its files in `path`",
        ),
        (
            "name = 'x'\nformat = 'xquad'\nlanguages = ['en']\npath = 'nowhere'",
            "dataset `x`: there is no nowhere; name the folder of its files in `path`",
        ),
        (
            "name = 'x'\nformat = 'beir'\nlanguages = ['en']\npath = 't.tsv'",
            "dataset `x`: t.tsv is not a folder; name the folder in `path`",
        ),
        (
            "manifest = 'sets/news.toml'\nlanguages = ['en', 'kr']",
            "dataset `news`: `languages` names `kr`, which the dataset does not have; did you mean `ko`?",
        ),
        (
            "manifest = 'sets/news.toml'\nlanguages = ['french']",
            "dataset `news`: `languages` names `french`, which the dataset does not have; it has en, ko, de",
        ),
        (
            "manifest = 'sets/news.toml'\nlanguages = ['en']\npath = '.'",
            "dataset `news`: a bitext needs at least two languages; list two or more in `languages`",
        ),
        (
            "name = 'x'\nformat = 'xquad'\nlanguages = ['en', 'ko']\npath = '.'\ncodes = { kr = 'kor' }",
            "dataset `x`: `codes` names `kr`, which the dataset does not have; did you mean `ko`?",
        ),
        (
            "name = 'x'\nformat = 'xquad'\nlanguages = ['en']\npath = '.'\nid_column = 'id'",
            "dataset `x`: the format xquad has no option `id_column`; remove it, or choose another `format`",
        ),
        (
            "name = 'x'\nformat = 'xquad'\nlanguages = ['en']\npath = '.'\nsplit = 'dev'",
            "dataset `x`: `split` is given, but `files` does not use it; \
             put {split} where the file names have it, or remove `split`",
        ),
        (
            "name = 'x'\nformat = 'bitext'\nlanguages = ['en', 'ko']\npath = '.'",
            "dataset `x`: a bitext needs `files`; \
             name its files, for example files = \"news.{lang}.txt\" or files = \"pairs.tsv\"",
        ),
        (
            "name = 'x'\nformat = 'bitext'\nlanguages = ['en', 'ko']\npath = '.'\nfiles = 'x.txt'",
            "dataset `x`: every language has the same text file; \
             put {lang} where the file names differ, or use a .tsv table",
        ),
        (
            "name = 'x'\nformat = 'bitext'\nlanguages = ['en', 'ko']\npath = '.'\nfiles = 't.{lang}'\npartial = true",
            "dataset `x`: `partial` needs ids to align by; \
             name the `id_column` of the tables, or remove `partial`",
        ),
        (
            "name = 'x'\nformat = 'bitext'\nlanguages = ['en', 'ko']\npath = '.'\nfiles = '{split}.{lang}'",
            "dataset `x`: the file template `{split}.{lang}` needs a `split`; \
             name the split, for example split = \"test\"",
        ),
        (
            "name = 'x'\nformat = 'bitext'\nlanguages = ['en', 'ko']\npath = '.'\nfiles = '{language}'",
            "dataset `x`: the file template `{language}` has an unknown placeholder `{language}`; \
             use {lang}, {split} or {pair}",
        ),
        (
            "name = 'x'\nformat = 'bitext'\nlanguages = ['en', 'ko']\npath = '.'\nfiles = 'x.{lang'",
            "dataset `x`: the file template `x.{lang` has no `}` for its `{`; close the placeholder",
        ),
        (
            "name = 'x'\nformat = 'bitext'\nlanguages = ['en', 'ko', 'de']\npath = '.'\nfiles = '{pair}.{lang}'",
            "dataset `x`: the files hold one pair of languages each, but 3 languages are asked for; \
             list two in `languages`, for example languages = [\"en\", \"ko\"]; add an entry per pair",
        ),
        (
            "name = 'x'\nformat = 'squad'\nlanguages = ['en', 'ko']\npath = '.'\nfiles = { en = 'a' }",
            "dataset `x`: `files` has no file for `ko`; add ko = \"...\" to it, or leave the language out",
        ),
        (
            "name = 'x'\nformat = 'squad'\nlanguages = ['en']\npath = '.'\nfiles = []",
            "dataset `x`: `files` is empty; name at least one template or file",
        ),
    ];
    for (entry, message) in cases {
        assert_eq!(refused(&folder, entry), message, "{entry}");
    }
}

#[test]
fn columns_have_to_fit_the_tables() {
    let folder = Folder::with(&[("t.tsv", "en\tko\n"), ("t.en", "x"), ("t.ko", "x")]);
    let base = "name = 'x'\nformat = 'bitext'\nlanguages = ['en', 'ko']\npath = '.'\n";
    let cases = [
        (
            "files = 't.{lang}'\nid_column = 'id'",
            "dataset `x`: columns are named, but the files are not tables (.tsv); \
             remove the columns, or name .tsv files",
        ),
        (
            "files = 't.tsv'\ntext_column = 'text'",
            "dataset `x`: `text_column` is for tables of one language each; \
             name a column per language in `columns`",
        ),
        (
            "files = '{lang}.tsv'\ncolumns = { en = 'english' }",
            "dataset `x`: `columns` is for a table of all languages; name the one column in `text_column`",
        ),
    ];
    for (options, message) in cases {
        assert_eq!(refused(&folder, &format!("{base}{options}")), message);
    }
}
