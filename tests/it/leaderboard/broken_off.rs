//! Killed while it writes: every row is there as it was or as it was to be, or is found not to be whole.

use std::{fs, os::unix::process::ExitStatusExt, process::Stdio, thread::sleep, time::Duration};

use super::{Repository, files, parts, words};
use crate::place::model;

/// Starts a command and kills it as soon as `file` is another; whether it was still going.
fn killed(repository: &Repository, arguments: &[&str], file: &str) -> bool {
    let file = repository.path(file);
    let before = fs::read(&file).expect("a file");
    let mut command = repository.place.command([&["leaderboard"], arguments].concat());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    while fs::read(&file).is_ok_and(|now| now == before) {
        if let Some(status) = child.try_wait().expect("our child") {
            assert!(status.success(), "{arguments:?}");
            return false;
        }
        sleep(Duration::from_micros(50));
    }
    child.kill().expect("our child");
    child.wait().expect("our child").signal() == Some(9)
}

#[test]
fn build_loses_nothing() {
    let repository = Repository::new();
    repository.measure("out", &[words(), parts()].concat(), "kdc", &["en", "es"], "");
    repository.done(&["add", "out", "--to", "board"]);
    let right = files(&repository.path("board"));
    let forget = || {
        for name in right.keys().filter(|name| !name.starts_with("records")) {
            fs::write(repository.path("board").join(name), "an older table\n").expect("written");
        }
    };
    let moments = ["scores.csv", "clir.csv", "mixed.csv", "clir.md", "mono.md", "leaderboard.md", "bias.csv"];
    let mut hit = 0;
    for moment in moments {
        forget();
        hit += usize::from(killed(&repository, &["build", "board"], &format!("board/{moment}")));
        for (name, bytes) in files(&repository.path("board")) {
            // What a killed process leaves has a name of its own, and is overwritten by the next.
            let partial = name.to_string_lossy().ends_with(".partial");
            assert!(partial || bytes == right[&name] || bytes == b"an older table\n", "{}", name.display());
        }
        repository.done(&["build", "board"]);
    }
    // Towards the end a kill may come too late.
    assert!(hit >= 4, "only {hit} of {} were still going when they were to be killed", moments.len());
    let mut left = files(&repository.path("board"));
    left.retain(|name, _| !name.to_string_lossy().ends_with(".partial"));
    assert_eq!(right, left);
}

#[test]
fn add_leaves_a_row_whole_or_says_that_it_is_not() {
    let repository = Repository::new();
    repository.measure("old", &[words(), parts()].concat(), "kdc", &["en", "es"], "");
    repository.measure("new", &model("words", "hashed", "dim = 64"), "kdc", &["en", "es"], "");
    repository.done(&["add", "old", "--to", "board"]);
    let before = files(&repository.path("board"));
    let restore = || {
        fs::remove_dir_all(repository.path("board")).expect("removed");
        for (name, bytes) in &before {
            let name = format!("board/{}", name.display());
            repository.place.write(&name, bytes);
        }
    };
    repository.done(&["add", "new", "--to", "board"]);
    let after = files(&repository.path("board"));
    assert_ne!(before, after);
    let record = "records/words/kdc";
    let moments = ["scores.csv", "bias.csv", "per_query.parquet", "record.json"]
        .map(|name| format!("board/{record}/{name}"))
        .into_iter()
        .chain(["scores.csv", "clir.md", "leaderboard.md"].map(|name| format!("board/{name}")));
    let (mut hit, mut torn) = (0, 0);
    for moment in moments {
        restore();
        hit += usize::from(killed(&repository, &["add", "new", "--to", "board"], &moment));
        let other = |name: &&std::path::PathBuf| name.starts_with("records/parts");
        let left = files(&repository.path("board"));
        for name in before.keys().filter(other) {
            assert_eq!(before[name], left[name], "the row that was not added");
        }
        let built = repository.board(&["build", "board"]);
        if built.code != Some(0) {
            torn += 1;
            assert_eq!(built.code, Some(1), "{}", built.stderr);
            assert!(built.stderr.contains(record), "{}", built.stderr);
            assert!(built.stderr.contains("add the run again"), "{}", built.stderr);
        }
        repository.done(&["add", "new", "--to", "board"]);
        let mut left = files(&repository.path("board"));
        left.retain(|name, _| !name.to_string_lossy().ends_with(".partial"));
        assert_eq!(after, left, "killed at {moment}");
    }
    assert!(hit >= 4 && torn >= 1, "{hit} kills of 7 came in time, {torn} of them within the record");
}
