//! `clirbench plugin`: what is found, without executing it.

use std::fs;

use super::shown;
use crate::place::{Ended, Place, bundled, library, model};

/// The lines about plugins of the project; the folder of the program may hold others.
const OWN: [&str; 4] = ["encoder-hashed ", "scenario-clir ", "scenario-mixed ", "scenario-mono "];

#[test]
fn list() {
    let place = Place::new();
    let ended = place.end(["plugin", "list"]);
    let own = ended.stdout.lines().filter(|line| OWN.iter().any(|id| line.starts_with(id)));
    let stdout = own.map(|line| format!("{line}\n")).collect();
    insta::assert_snapshot!("plugin_list", shown(&Ended { stdout, ..ended }, &place));
}

#[test]
fn inspect_does_not_execute() {
    let place = Place::new();
    let file = library("constructor");
    let ended = place.end(["plugin", "inspect", file.to_str().expect("UTF-8"), "--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let shown: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(shown["manifest"]["id"], "constructor");
    assert_eq!(shown["manifest"]["interfaces"][0]["id"], "scenario/1");
    // Its constructor leaves a file in the temporary folder, which is this one.
    let left: Vec<_> = fs::read_dir(place.path("")).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_is_no_plugin() {
    let place = Place::new();
    place.write("libempty.so", b"");
    let ended = place.end(["plugin", "inspect", "encoder-hashd"]);
    insta::assert_snapshot!("inspect_an_unknown_plugin", shown(&ended, &place));
    let ended = place.end(["plugin", "inspect", "libempty.so"]);
    insta::assert_snapshot!("inspect_what_is_no_library", shown(&ended, &place));
}

#[test]
fn a_named_library_that_is_no_plugin_is_pointed_out() {
    let place = Place::new();
    place.write("libempty.so", b"");
    place.write("bench.toml", model("m", "hashed", "") + &bundled(&["en", "ko"]));
    let ended = place.end(["plan", "bench.toml", "--store", "store", "--plugin", "libempty.so"]);
    insta::assert_snapshot!(shown(&ended, &place));
    let ended = place.end(["plan", "bench.toml", "--store", "store", "--plugin", "nowhere.so"]);
    insta::assert_snapshot!("a_named_library_that_is_not_there", shown(&ended, &place));
}

#[test]
fn a_locked_plugin_that_changed_is_refused() {
    let place = Place::new();
    let ended = place.end(["plugin", "lock"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let lock = fs::read_to_string(place.path("plugins.lock")).expect("a lock");
    let at = lock.find("encoder-hashed").expect("it is locked");
    // Another checksum for the encoder: its digits in another order.
    let digits = |c: char| c.is_ascii_hexdigit();
    let start = at + lock[at..].find('"').map_or(0, |quote| quote + 1);
    let sum_at = (start..lock.len())
        .find(|&i| lock.get(i..i + 64).is_some_and(|word| word.chars().all(digits)))
        .expect("a checksum");
    let mut changed = lock.clone();
    changed.replace_range(sum_at..sum_at + 64, &lock[sum_at..sum_at + 64].chars().rev().collect::<String>());
    place.write("plugins.lock", changed);
    let bench = model("m", "hashed", "") + &bundled(&["en", "ko"]);
    place.write("bench.toml", bench);
    let ended = place.end(["run", "bench.toml", "--store", "store"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("encoder-hashed") && ended.stderr.contains("plugins.lock"),
        "{}",
        ended.stderr
    );
}
