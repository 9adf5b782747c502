//! Public datasets as they really are, where `../shared/data` has them.

use std::path::{Path, PathBuf};

use clirbench_data::{DatasetSpec, Loaded, Statistics, load};

const DATASETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets");

/// The folder of a dataset; `None`, which a test prints, where it is absent.
fn shared(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if folder.exists() {
        return Some(folder);
    }
    eprintln!("skipped: ../shared/data/{name} is absent");
    None
}

fn from_manifest(name: &str, path: PathBuf, languages: &[&str], split: Option<&str>) -> Loaded {
    let spec = DatasetSpec {
        manifest: Some(format!("{name}.toml").into()),
        path: Some(path),
        languages: languages.iter().map(|l| (*l).to_owned()).collect(),
        split: split.map(str::to_owned),
        ..DatasetSpec::default()
    };
    load(&spec, Path::new(DATASETS)).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn xquad() {
    let Some(folder) = shared("xquad") else { return };
    let loaded = from_manifest("xquad", folder.clone(), &[], None);
    let languages = ["en", "ar", "de", "es", "th", "tr", "vi", "zh"];
    assert_eq!(loaded.collection.languages, languages);
    assert_eq!(loaded.warnings.len(), 1);
    assert_eq!(loaded.warnings[0].to_string(), "dataset `xquad`: left out, no files: el, hi, ro, ru");
    assert!(loaded.files.iter().all(|file| file.pinned));
    let statistics = Statistics::of(&loaded.collection);
    assert_eq!(statistics.judgements, 1190);
    for language in &statistics.languages {
        assert_eq!((language.queries.texts, language.documents.texts), (1190, 240));
        assert_eq!(language.documents.distinct, 240);
    }
    let c = &loaded.collection;
    assert_eq!(c.queries[0].id, "56beb4343aeaaa14008c925b");
    assert_eq!(c.queries[0].texts[6].as_deref(), Some("Đội thủ Panthers đã thua bao nhiêu điểm?"));
    assert_eq!((c.documents[0].id.as_str(), c.documents[239].id.as_str()), ("a00p00", "a47p04"));
    // 48 articles of 5 paragraphs; every paragraph answers something.
    let judged: std::collections::HashSet<u32> = c.qrels.iter().map(|j| j[0].document).collect();
    assert_eq!(judged.len(), 240);
    let inline: DatasetSpec =
        toml::from_str("name = 'x'\nformat = 'xquad'\nlanguages = ['en', 'vi']").expect("TOML");
    let pair = load(&DatasetSpec { path: Some(folder), ..inline }, Path::new("")).expect("xquad loads");
    assert_eq!(pair.collection.queries[1189].texts[0], c.queries[1189].texts[0]);
    assert_eq!(pair.collection.queries[1189].texts[1], c.queries[1189].texts[6]);
}

#[test]
fn ntrex() {
    let Some(folder) = shared("ntrex") else { return };
    let loaded = from_manifest("ntrex", folder, &[], None);
    let c = &loaded.collection;
    assert_eq!((c.languages.len(), c.queries.len(), c.documents.len()), (13, 1997, 1997));
    assert_eq!(c.queries[0].texts[0].as_deref(), Some("Welsh AMs worried about 'looking like muppets'"));
    assert_eq!(
        c.queries[0].texts[1].as_deref(),
        Some("웨일스 상원 의원들은 ‘멍청이처럼 보이는 것’을 걱정했다")
    );
}

#[test]
fn sib200_aligns_by_index_id() {
    let Some(folder) = shared("sib200") else { return };
    for (split, sentences) in [("train", 701), ("dev", 99), ("test", 204)] {
        let loaded = from_manifest("sib200", folder.clone(), &[], Some(split));
        assert_eq!((loaded.collection.languages.len(), loaded.collection.queries.len()), (10, sentences));
    }
    let test = from_manifest("sib200", folder, &["ko", "en"], None).collection;
    let sentence = test.documents.iter().find(|d| d.id == "1523").expect("1523 is in the test split");
    assert!(sentence.texts[0].as_deref().is_some_and(|t| t.starts_with("돌연변이는")));
    assert!(sentence.texts[1].as_deref().is_some_and(|t| t.starts_with("Mutation")));
}

#[test]
fn tatoeba_pairs() {
    let Some(folder) = shared("tatoeba") else { return };
    for (language, sentences) in [("ko", 1000), ("th", 548), ("zh", 1000)] {
        let loaded = from_manifest("tatoeba", folder.clone(), &["en", language], None);
        assert_eq!(loaded.collection.queries.len(), sentences, "{language}");
    }
    let korean = from_manifest("tatoeba", folder, &["ko", "en"], None).collection;
    assert_eq!(korean.documents[0].texts[0].as_deref(), Some("나는 그의 모자가 싫다."));
    assert_eq!(korean.documents[0].texts[1].as_deref(), Some("I hate her hat."));
}

#[test]
fn korean_english_pairs() {
    let sizes =
        [("koen-news", "dev", 1000), ("koen-news", "test", 2000), ("jhe", "dev", 720), ("jhe", "eval", 720)];
    for (name, split, sentences) in sizes {
        let Some(folder) = shared(name) else { return };
        let loaded = from_manifest(name, folder, &[], Some(split));
        assert_eq!(loaded.collection.queries.len(), sentences, "{name} {split}");
        assert!(loaded.files.iter().all(|file| file.pinned));
    }
}

#[test]
fn lareqa_is_xquad_with_sentence_boundaries() {
    let (Some(lareqa), Some(xquad)) = (shared("lareqa"), shared("xquad")) else { return };
    let spec: DatasetSpec =
        toml::from_str("name = 'x'\nformat = 'squad'\nlanguages = ['en', 'zh']").expect("TOML");
    let with_sentences = load(&DatasetSpec { path: Some(lareqa), ..spec }, Path::new(""));
    let with_sentences = with_sentences.unwrap_or_else(|e| panic!("{e}"));
    // Other files, the same texts: the hashes see the texts.
    assert_eq!(with_sentences.hashes, from_manifest("xquad", xquad, &["en", "zh"], None).hashes);
}
