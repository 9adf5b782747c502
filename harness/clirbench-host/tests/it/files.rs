//! Plugins as files.

use std::fs;
use std::path::Path;

use clirbench_host::{Error, Lock, Origin, PluginFile, SearchPath, discover, inspect, load};

use crate::{copy, library, plugin, services, told};

fn search(places: &[(Origin, &Path)]) -> SearchPath {
    SearchPath { places: places.iter().map(|(origin, path)| (*origin, path.to_path_buf())).collect() }
}

#[test]
fn the_manifest_is_read_from_the_file() {
    let PluginFile { manifest, sha256, .. } = plugin("hostile-encoder");
    assert_eq!(manifest.id, "hostile-encoder");
    assert_eq!(manifest.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest.licence, "MIT OR Apache-2.0");
    assert_eq!(manifest.description, "Test plugin: misbehaves as its config says");
    assert_eq!(manifest.abi, "1.0.0");
    let encoder = manifest.interface("encoder/1").expect("an encoder");
    assert_eq!(encoder.detects, ["hostile.txt", "hostile/*.txt"]);
    assert_eq!(encoder.schema["additionalProperties"], false);
    assert_eq!(sha256.len(), 64);
}

#[test]
fn reading_a_manifest_executes_nothing() {
    let mark = std::env::temp_dir().join(format!("clirbench-constructor-{}", std::process::id()));
    let file = plugin("constructor");
    let found = discover(&search(&[(Origin::Explicit, &library("constructor"))]));
    assert_eq!(found.plugins, std::slice::from_ref(&file));
    assert!(!mark.exists(), "the library's constructor ran");
    let loaded = load(&file, services()).expect("it loads");
    assert!(mark.exists(), "the constructor does not work, so the check above proves nothing");
    fs::remove_file(mark).expect("the mark");

    // Its scenario judges a document that is not there.
    let view = clirbench_host::DatasetView {
        languages: vec!["en".into()],
        query_present: vec![vec![0]],
        document_present: vec![vec![0]],
        text_group: vec![vec![0]],
        qrels: vec![vec![(0, 1)]],
        documents: "unique".into(),
    };
    let scenario = loaded.scenario(&serde_json::json!({})).expect("it opens");
    assert_eq!(
        told(scenario.tasks(&view)).0,
        "plugin `constructor` broke its contract: task nowhere (0): query 0 names a document outside the pool"
    );
}

#[test]
fn broken_files_are_refused_and_other_libraries_passed_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let in_directory =
        |name: &str| directory.path().join(format!("{name}.{}", std::env::consts::DLL_EXTENSION));
    let whole = fs::read(library("liar")).expect("a library");
    fs::write(in_directory("garbage"), "not a shared object").expect("a file");
    fs::write(in_directory("empty"), "").expect("a file");
    fs::write(in_directory("truncated"), &whole[..whole.len() / 2]).expect("a file");
    fs::write(directory.path().join("notes.txt"), "no library at all").expect("a file");
    // A sound library without a manifest: its section has another name.
    let mut other = whole.clone();
    let name = clirbench_abi_section();
    for at in occurrences(&whole, name.as_bytes()) {
        other[at] = b'_';
    }
    fs::write(in_directory("other"), other).expect("a file");

    let found = discover(&search(&[(Origin::Project, directory.path())]));
    assert_eq!(found.plugins, []);
    let refused: Vec<String> = found
        .refused
        .iter()
        .map(|r| r.path.file_stem().and_then(|s| s.to_str()).unwrap_or_default().to_owned())
        .collect();
    assert_eq!(refused, ["empty", "garbage", "truncated"]);
    for refused in &found.refused {
        assert!(matches!(refused.reason, Error::NotAPlugin { .. }), "{}", refused.reason);
        assert!(!refused.reason.to_string().contains('\n'));
        assert!(refused.reason.hint().is_some());
    }

    // Named, the sound library is refused as well.
    let (message, _) = told(inspect(&in_directory("other")));
    assert!(message.contains("is not a plugin: it has no section"), "{message}");
    let found = discover(&search(&[(Origin::Explicit, &in_directory("other"))]));
    assert_eq!((found.plugins.len(), found.refused.len()), (0, 1));
}

fn clirbench_abi_section() -> &'static str {
    if cfg!(target_vendor = "apple") { "__clirbench" } else { ".clirbench" }
}

fn occurrences(haystack: &[u8], needle: &[u8]) -> Vec<usize> {
    (0..=haystack.len() - needle.len()).filter(|&at| haystack[at..].starts_with(needle)).collect()
}

#[test]
fn every_cut_of_a_library_is_refused_without_a_panic() {
    let directory = tempfile::tempdir().expect("a directory");
    let whole = fs::read(library("liar")).expect("a library");
    let cut = directory.path().join("cut.so");
    for part in 0..40 {
        fs::write(&cut, &whole[..whole.len() * part / 40]).expect("a file");
        assert!(inspect(&cut).is_err(), "{part}/40 of a library passed");
    }
}

#[test]
fn a_damaged_manifest_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut bytes = fs::read(library("liar")).expect("a library");
    let [at] = occurrences(&bytes, b"{\"id\":\"liar\",\"version\":\"9.9.9\"")[..] else {
        panic!("the manifest is in the file once")
    };
    bytes[at] = b'!';
    let path = directory.path().join("damaged.so");
    fs::write(&path, bytes).expect("a file");
    let (message, hint) = told(inspect(&path));
    assert!(message.contains("is refused: its manifest is not what a manifest should be"), "{message}");
    assert_ne!(hint, "");
}

#[test]
fn what_the_user_names_and_is_not_there_is_refused_and_the_rest_is_not() {
    let nowhere = Path::new("no/such/place");
    let found = discover(&search(&[(Origin::Project, nowhere), (Origin::User, nowhere)]));
    assert_eq!((found.plugins.len(), found.refused.len()), (0, 0));
    let found = discover(&search(&[(Origin::Explicit, nowhere), (Origin::Environment, nowhere)]));
    assert_eq!(found.refused.len(), 2);
    assert!(found.refused[0].reason.to_string().starts_with("cannot read `no/such/place`"));
}

#[test]
fn the_first_of_an_id_wins_and_the_others_are_reported() {
    let (first, second) =
        (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let used = copy("liar", first.path());
    let shadowed = copy("liar", second.path());
    copy("hostile-encoder", second.path());
    let found = discover(&search(&[
        (Origin::Explicit, &used),
        (Origin::Project, first.path()),
        (Origin::User, second.path()),
    ]));
    let ids: Vec<&str> = found.plugins.iter().map(|p| p.manifest.id.as_str()).collect();
    assert_eq!(ids, ["liar", "hostile-encoder"]);
    assert_eq!(found.plugins[0].path, used);
    let [report] = &found.shadowed[..] else { panic!("one is shadowed: {:?}", found.shadowed) };
    assert_eq!((&report.id[..], &report.used, &report.path), ("liar", &used, &shadowed));
}

#[test]
fn an_unknown_id_gets_the_near_one_or_the_reason() {
    let directory = tempfile::tempdir().expect("a directory");
    copy("hostile-encoder", directory.path());
    let broken = library("liar").file_name().map(|name| directory.path().join(name)).expect("a name");
    fs::write(broken, "broken").expect("a file");
    let found = discover(&search(&[(Origin::Project, directory.path())]));
    assert_eq!(found.find("hostile-encoder").expect("it is there").manifest.id, "hostile-encoder");
    let (message, hint) = told(found.find("hostil-encoder"));
    assert_eq!(message, "there is no plugin `hostil-encoder`");
    assert_eq!(hint, "did you mean `hostile-encoder`?");
    assert!(told(found.find("liar")).1.starts_with("its file is there, but: "));
    let ids: Vec<&str> = found.with_interface("encoder/1").map(|p| p.manifest.id.as_str()).collect();
    assert_eq!(ids, ["hostile-encoder"]);
    assert_eq!(found.with_interface("scenario/1").count(), 0);
}

#[test]
fn an_encoder_is_chosen_by_what_the_model_directory_holds() {
    let model = tempfile::tempdir().expect("a directory");
    let found = discover(&search(&[(Origin::Explicit, &library("hostile-encoder"))]));
    let (message, hint) = told(found.encoder_for(model.path()));
    assert!(message.starts_with("no encoder recognises what `"), "{message}");
    assert_eq!(hint, "name one with `encoder = ...`: hostile-encoder");
    fs::create_dir(model.path().join("hostile")).expect("a directory");
    fs::write(model.path().join("hostile/any.txt"), "").expect("a file");
    assert_eq!(found.encoder_for(model.path()).expect("it fits").manifest.id, "hostile-encoder");
}

#[test]
fn the_lock_holds_a_library_to_its_hash() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join(Lock::FILE);
    assert_eq!(Lock::read(&path).expect("no file is no error"), None);

    let (hostile, liar) = (plugin("hostile-encoder"), plugin("liar"));
    let mut lock = Lock::default();
    lock.insert(&liar);
    lock.insert(&hostile);
    lock.insert(&hostile);
    lock.write(&path).expect("it is written");
    let lock = Lock::read(&path).expect("it reads").expect("it is there");
    let ids: Vec<&str> = lock.plugins.iter().map(|p| p.id.as_str()).collect();
    assert_eq!(ids, ["hostile-encoder", "liar"]);
    lock.check(&hostile).expect("it is the locked one");

    // The same plugin, one byte longer.
    let changed = copy("hostile-encoder", directory.path());
    let mut bytes = fs::read(&changed).expect("a library");
    bytes.push(0);
    fs::write(&changed, bytes).expect("a library");
    let changed = inspect(&changed).expect("a trailing byte does not matter to the manifest");
    let (message, hint) = told(lock.check(&changed));
    let expected = format!(
        "plugin `hostile-encoder` is not the one in plugins.lock: sha256 {}... instead of {}...",
        &changed.sha256[..12],
        &hostile.sha256[..12]
    );
    assert_eq!(message, expected);
    assert_eq!(hint, "if the change is intended, write it again: `clirbench plugin lock`");

    assert!(told(lock.check(&plugin("constructor"))).0.contains("it has no entry for target"));
    fs::write(&path, "[[plugin]]\nid = 3\n").expect("a file");
    let (message, _) = told(Lock::read(&path));
    assert!(message.contains("is not a plugins.lock: line 2: invalid type"), "{message}");
}

#[test]
fn a_library_that_changed_after_inspection_is_not_loaded() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = copy("liar", directory.path());
    let file = inspect(&path).expect("a plugin");
    fs::write(&path, "something else").expect("a file");
    assert_eq!(
        told(load(&file, services())).0,
        "plugin `liar` broke its contract: its library changed after it was inspected"
    );
}
