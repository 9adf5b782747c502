//! The store's promises: atomic commits, checksums, matrices, maintenance.
#![allow(clippy::unwrap_used)]

use std::{fs, time::Duration};

use clirbench_store::{Dtype, Key, Store, StoreError, encode_rows};
use serde_json::json;

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("store")).unwrap();
    (dir, store)
}

fn commit(store: &Store, kind: &str, name: &str) -> Key {
    let key = Key::of_bytes(name.as_bytes());
    let mut draft = store.begin(kind, &key).unwrap();
    draft.write("data", name.as_bytes()).unwrap();
    draft.commit(json!({"name": name})).unwrap();
    key
}

#[test]
fn a_draft_is_invisible_until_committed_and_leaves_nothing_when_dropped() {
    let (_dir, store) = store();
    let key = Key::of_bytes(b"x");
    let mut draft = store.begin("score", &key).unwrap();
    draft.write("data", b"half").unwrap();
    assert!(!store.has("score", &key));
    assert!(store.list("score").unwrap().is_empty());
    drop(draft);
    assert_eq!(fs::read_dir(store.root().join("tmp")).unwrap().count(), 0);
    assert!(store.get("score", &key).unwrap().is_none());
}

#[test]
fn a_second_commit_of_a_key_keeps_the_first() {
    let (_dir, store) = store();
    let key = Key::of_bytes(b"x");
    let (mut a, mut b) = (store.begin("score", &key).unwrap(), store.begin("score", &key).unwrap());
    a.write("data", b"first").unwrap();
    b.write("data", b"second").unwrap();
    a.commit(json!({})).unwrap();
    assert_eq!(b.commit(json!({})).unwrap().file("data").unwrap(), b"first");
    assert_eq!(fs::read_dir(store.root().join("tmp")).unwrap().count(), 0);
}

#[test]
fn damage_is_named_and_repairable() {
    let (_dir, store) = store();
    let good = commit(&store, "score", "good");
    let bad = commit(&store, "embed/model", "bad");
    let folder = store.get("embed/model", &bad).unwrap().unwrap().folder().to_owned();
    fs::write(folder.join("data"), "bat").unwrap();
    let read = store.get("embed/model", &bad).unwrap().unwrap().file("data");
    assert!(matches!(read, Err(StoreError::Damaged { .. })));
    let damage = store.verify().unwrap();
    assert_eq!(damage.iter().map(|d| &d.folder).collect::<Vec<_>>(), [&folder]);
    store.remove(&folder).unwrap();
    assert!(store.verify().unwrap().is_empty());
    assert_eq!(store.get("score", &good).unwrap().unwrap().file("data").unwrap(), b"good");
}

#[test]
fn info_counts_per_kind_and_prune_empties() {
    let (_dir, store) = store();
    commit(&store, "score", "aa");
    commit(&store, "embed/m1", "bbb");
    commit(&store, "embed/m2", "c");
    let info = store.info().unwrap();
    assert_eq!((info.kinds["score"].objects, info.kinds["score"].bytes), (1, 2));
    assert_eq!((info.kinds["embed"].objects, info.kinds["embed"].bytes), (2, 4));
    assert_eq!(store.prune(Duration::from_secs(3600)).unwrap().objects, 0);
    assert_eq!(store.prune(Duration::ZERO).unwrap().objects, 3);
    assert!(store.list("score").unwrap().is_empty());
}

#[test]
fn matrices_round_trip_and_wrong_sizes_are_refused() {
    let (_dir, store) = store();
    let values: Vec<f32> = (0..12).map(|i| i as f32 / 4.0 - 1.0).collect();
    for dtype in [Dtype::F32, Dtype::F16] {
        let key = Key::of(&dtype.to_string());
        let mut draft = store.begin("embed", &key).unwrap();
        draft.write("rows", &encode_rows(&values, dtype)).unwrap();
        let object = draft.commit(json!({})).unwrap();
        let matrix = object.matrix("rows", 4, 3, dtype).unwrap();
        let mut out = [0.0; 6];
        matrix.read(1..3, &mut out);
        assert_eq!(out, values[3..9], "quarters are exact in {dtype}");
        assert!(object.matrix("rows", 5, 3, dtype).is_err());
    }
}

/// Mapped files that are in memory now.
#[cfg(target_os = "linux")]
fn resident_file_kib() -> i64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let value = status.lines().find_map(|line| line.strip_prefix("RssFile:")).unwrap();
    value.trim().trim_end_matches(" kB").parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn matrices_that_were_read_do_not_stay_in_memory() {
    let (_dir, store) = store();
    // Shards of a run, 768 KiB each, and the 64 rows that a search reads at a time.
    let (shards, rows, dim, run) = (48, 512, 384, 64);
    let values: Vec<f32> = (0..rows * dim).map(|i| (i % 251) as f32).collect();
    let matrices: Vec<_> = (0..shards)
        .map(|shard| {
            let mut draft = store.begin("embed", &Key::of(&shard)).unwrap();
            draft.write("rows", &encode_rows(&values, Dtype::F32)).unwrap();
            draft.commit(json!({})).unwrap().matrix("rows", rows, dim, Dtype::F32).unwrap()
        })
        .collect();
    let before = resident_file_kib();
    let mut out = vec![0.0; run * dim];
    for matrix in &matrices {
        for start in (0..rows).step_by(run) {
            matrix.read(start..start + run, &mut out);
            assert_eq!(out, values[start * dim..][..out.len()], "from row {start}");
        }
    }
    let stayed = resident_file_kib() - before;
    assert!(stayed < 4 << 10, "{stayed} KiB of 36 MiB");
    matrices[0].read(0..run, &mut out);
    assert_eq!(out, values[..out.len()], "read again");
}

#[test]
fn a_folder_of_something_else_is_refused() {
    let (dir, store) = store();
    fs::write(store.root().join("VERSION"), "other 9\n").unwrap();
    let error = Store::open(&dir.path().join("store")).unwrap_err().to_string();
    assert!(error.contains("other 9") && error.contains("--store"), "{error}");
}
