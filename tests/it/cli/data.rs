//! `clirbench data`: the repository's manifests, and files that are broken.

use super::shown;
use crate::place::{Place, root};

#[test]
fn list() {
    let place = Place::new();
    let datasets = root().join("datasets");
    let ended = place.end(["data", "list", datasets.to_str().expect("UTF-8")]);
    insta::assert_snapshot!("data_list", shown(&ended, &place));
}

const MANIFEST: &str = "name = \"broken\"\nformat = \"xquad\"\npath = \".\"\nlanguages = [\"en\", \"ko\"]\n";

#[test]
fn validate_a_truncated_file() {
    let place = Place::new();
    place.write("broken.toml", MANIFEST);
    let whole = r#"{"data":[{"paragraphs":[{"context":"One.","qas":[{"id":"q1","question":"What?"}]}]}]}"#;
    place.write("xquad.en.json", whole);
    place.write("xquad.ko.json", &whole[..40]);
    let ended = place.end(["data", "validate", "broken.toml"]);
    insta::assert_snapshot!(shown(&ended, &place));
}

#[test]
fn validate_reports_everything_at_once() {
    let place = Place::new();
    place.write("broken.toml", MANIFEST);
    let questions =
        |list: &str| format!(r#"{{"data":[{{"paragraphs":[{{"context":"One.","qas":[{list}]}}]}}]}}"#);
    place
        .write("xquad.en.json", questions(r#"{"id":"q1","question":"What?"},{"id":"q1","question":"Who?"}"#));
    place.write("xquad.ko.json", questions(r#"{"id":"q1","question":" "},{"id":"q2","question":"누구?"}"#));
    let ended = place.end(["data", "validate", "broken.toml"]);
    insta::assert_snapshot!(shown(&ended, &place));
}

#[test]
fn the_bundled_set_is_fine() {
    let place = Place::new();
    let manifest = root().join("datasets/kdc-parallel.toml");
    let ended = place.end(["data", "validate", manifest.to_str().expect("UTF-8")]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.starts_with("kdc-parallel: fine ("), "{}", ended.stdout);
}
