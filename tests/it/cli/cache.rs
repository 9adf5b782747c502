//! `clirbench cache`: a store that is not there, one that is damaged, one that is mended.

use std::fs;

use super::shown;
use crate::{
    place::{Place, bundled, model},
    results::assert_same_tables,
};

#[test]
fn no_store() {
    let place = Place::new();
    for command in ["info", "verify"] {
        let ended = place.end(["cache", command, "--store", "elsewhere"]);
        insta::assert_snapshot!(format!("no_store_to_{command}"), shown(&ended, &place));
    }
    assert!(!place.path("elsewhere").exists(), "looking makes no store");
}

#[test]
fn a_flipped_bit_is_found_removed_and_made_good() {
    let place = Place::new();
    let (encoder, dataset) = (model("hashed", "hashed", "dim = 64"), bundled(&["en", "ko"]));
    place.write("bench.toml", format!("{encoder}{dataset}[run]\nscenarios = [\"mono\"]\nshard = 50\n"));
    let first = place.run("bench.toml", "first");
    let texts = first.texts("hashed", "encoded");

    let verify = |more: &[&str]| {
        let ended = place.end([&["cache", "verify", "--store", "store"], more].concat());
        shown(&ended, &place)
    };
    insta::assert_snapshot!("a_whole_store", verify(&[]));

    let inside = |folder| {
        let entry = fs::read_dir(folder).expect("a folder").next().expect("something inside");
        entry.expect("an entry").path()
    };
    let rows = inside(inside(place.path("store/objects/embed"))).join("rows");
    let mut bytes = fs::read(&rows).expect("vectors");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&rows, bytes).expect("writable");

    insta::assert_snapshot!("a_flipped_bit", verify(&[]));
    insta::assert_snapshot!("a_flipped_bit_repaired", verify(&["--repair"]));
    insta::assert_snapshot!("a_repaired_store", verify(&[]));

    // The shard is made again, the rest is not, and the numbers are the same.
    let again = place.run("bench.toml", "again");
    let encoded = again.texts("hashed", "encoded");
    assert!((1..=50).contains(&encoded) && encoded < texts, "{encoded} of {texts} texts encoded again");
    assert_same_tables(&first.tables(), &again.tables(), "after the repair");
}

#[test]
fn what_a_store_holds_and_letting_go_of_it() {
    let place = Place::new();
    let (encoder, dataset) = (model("hashed", "hashed", "dim = 64"), bundled(&["en", "ko"]));
    place.write("bench.toml", format!("{encoder}{dataset}[run]\nscenarios = [\"mono\"]\n"));
    let first = place.run("bench.toml", "out");
    // Objects by kind: one dataset, two shards of 512 texts at most, two cells, one probe, one list of tasks.
    let info = place.end(["cache", "info", "--store", "store", "--json"]);
    let info: serde_json::Value = serde_json::from_str(&info.stdout).expect("JSON");
    let objects = |kind: &str| info["kinds"][kind]["objects"].as_u64();
    let kinds = ["dataset", "embed", "probe", "score", "tasks", "texts"].map(|kind| (kind, objects(kind)));
    assert_eq!(
        kinds,
        [
            ("dataset", Some(1)),
            ("embed", Some(2)),
            ("probe", Some(1)),
            ("score", Some(2)),
            ("tasks", Some(1)),
            ("texts", Some(2))
        ]
    );
    assert_eq!(info["unfinished"], 0);

    let old = place.end(["cache", "prune", "--older-than", "1", "--store", "store"]);
    insta::assert_snapshot!("prune_what_is_old", shown(&old, &place));
    let all = place.end(["cache", "prune", "--all", "--store", "store", "--json"]);
    let all: serde_json::Value = serde_json::from_str(&all.stdout).expect("JSON");
    assert_eq!(all["removed"], 9);
    let again = place.run("bench.toml", "out");
    assert_eq!(again.texts("hashed", "encoded"), first.texts("hashed", "distinct"));
}
