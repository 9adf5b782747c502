//! The manifests in `datasets/`.

use std::{collections::BTreeSet, path::Path};

use clirbench_data::{DatasetSpec, Format, Translation, list, load, read_triples};

const DATASETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets");

#[test]
fn every_manifest_says_what_a_user_has_to_know() {
    let manifests = list(Path::new(DATASETS)).unwrap_or_else(|e| panic!("{e}"));
    let names: Vec<&str> = manifests.iter().map(|m| m.spec.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "belebele",
            "jhe",
            "kdc-parallel-dev",
            "kdc-parallel",
            "koen-news",
            "ntrex",
            "sib200",
            "tatoeba",
            "xquad"
        ]
    );
    for manifest in &manifests {
        let spec = &manifest.spec;
        let stem = manifest.file.file_stem().and_then(|s| s.to_str());
        assert_eq!(stem, Some(spec.name.as_str()));
        assert!(spec.description.is_some() && spec.licence.is_some(), "{}", spec.name);
        assert!(spec.translation.is_some() && spec.source.is_some(), "{}", spec.name);
        assert!(spec.sha256.values().all(|pin| pin.len() == 64), "{}", spec.name);
        // What a manifest points at with `path` is bundled; everything else is the user's.
        assert_eq!(spec.path.is_some(), spec.name.starts_with("kdc-parallel"));
    }
}

#[test]
fn a_manifest_without_files_says_where_to_get_them() {
    let spec = DatasetSpec { manifest: Some("xquad.toml".into()), ..DatasetSpec::default() };
    let error = load(&spec, Path::new(DATASETS)).expect_err("xquad is not bundled");
    assert_eq!(
        error.to_string(),
        "dataset `xquad`: there is no `path`; get the files from \
         https://github.com/google-deepmind/xquad and name their folder in `path`"
    );
}

#[test]
fn the_bundled_set_is_parallel_and_every_query_has_one_relevant_passage() {
    if !Path::new(DATASETS).join("kdc-parallel/test/qrels/test.tsv").exists() {
        panic!("datasets/kdc-parallel is not complete");
    }
    let spec = DatasetSpec { manifest: Some("kdc-parallel.toml".into()), ..DatasetSpec::default() };
    let loaded = load(&spec, Path::new(DATASETS)).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(loaded.spec.format, Some(Format::Beir));
    assert_eq!(loaded.spec.translation, Some(Translation::Original));
    let c = &loaded.collection;
    assert_eq!(c.languages, ["en", "ko", "es", "zh", "ar", "de", "ja", "vi"]);
    assert_eq!((c.queries.len(), c.documents.len()), (100, 200));
    assert!(c.qrels.iter().all(|judged| judged.iter().filter(|j| j.grade > 0).count() == 1));
    assert!(loaded.warnings.is_empty() && loaded.unjudged == 0);
}

/// The numbers of its data card.
#[test]
fn the_splits_of_the_bundled_set_have_no_topic_in_common() {
    let spec = |name: &str| DatasetSpec { manifest: Some(name.into()), ..DatasetSpec::default() };
    let ids = |name: &str| -> BTreeSet<String> {
        let loaded = load(&spec(name), Path::new(DATASETS)).unwrap_or_else(|e| panic!("{e}"));
        loaded.collection.queries.iter().map(|query| query.id.clone()).collect()
    };
    let train =
        read_triples(&Path::new(DATASETS).join("kdc-parallel/train.jsonl")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((train.len(), train.iter().filter(|triple| triple.query.len() == 8).count()), (300, 100));
    assert!(train.iter().all(|triple| triple.query.contains_key("ko") && triple.negatives.len() == 1));
    let train: BTreeSet<String> = train.into_iter().map(|triple| triple.id).collect();
    let (test, dev) = (ids("kdc-parallel.toml"), ids("kdc-parallel-dev.toml"));
    assert_eq!((test.len(), dev.len()), (100, 30));
    assert!(test.is_disjoint(&dev) && train.is_disjoint(&test) && train.is_disjoint(&dev));
    for class in '0'..='9' {
        let of =
            |ids: &BTreeSet<String>| ids.iter().filter(|id| id.starts_with(&format!("kdc-{class}"))).count();
        assert_eq!((of(&train), of(&dev), of(&test)), (30, 3, 10), "class {class}");
    }
}
