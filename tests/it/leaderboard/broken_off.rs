//! Killed while it writes: every row is there as it was or as it was to be, or is found not to be whole.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    process::Stdio,
    thread::sleep,
    time::{Duration, Instant},
};

use super::{Repository, files, parts, words};
use crate::place::model;

/// Starts a command and kills it after `moment`; whether it was still going.
fn killed(repository: &Repository, arguments: &[&str], moment: Duration) -> bool {
    let mut command = repository.place.command([&["leaderboard"], arguments].concat());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    sleep(moment);
    // It may have ended by now.
    let _ = child.kill();
    child.wait().expect("our child").signal() == Some(9)
}

/// How long a command takes that is not disturbed.
fn undisturbed(repository: &Repository, arguments: &[&str]) -> Duration {
    let started = Instant::now();
    repository.done(arguments);
    started.elapsed()
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
    forget();
    let whole = undisturbed(&repository, &["build", "board"]);
    let mut hit = 0;
    for step in 0..12 {
        forget();
        hit += usize::from(killed(&repository, &["build", "board"], whole * step / 12));
        for (name, bytes) in files(&repository.path("board")) {
            // What a killed process leaves has a name of its own, and is overwritten by the next.
            let partial = name.to_string_lossy().ends_with(".partial");
            assert!(partial || bytes == right[&name] || bytes == b"an older table\n", "{}", name.display());
        }
        repository.done(&["build", "board"]);
    }
    assert!(hit >= 6, "only {hit} of 12 were still going when they were to be killed");
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
    let whole = undisturbed(&repository, &["add", "new", "--to", "board"]);
    let after = files(&repository.path("board"));
    assert_ne!(before, after);
    let mut hit = 0;
    for step in 0..16 {
        restore();
        hit += usize::from(killed(&repository, &["add", "new", "--to", "board"], whole * step / 16));
        let other = |name: &&std::path::PathBuf| name.starts_with("records/parts");
        let left = files(&repository.path("board"));
        for name in before.keys().filter(other) {
            assert_eq!(before[name], left[name], "the row that was not added");
        }
        let built = repository.board(&["build", "board"]);
        if built.code != Some(0) {
            assert_eq!(built.code, Some(1), "{}", built.stderr);
            assert!(built.stderr.contains("records/words/kdc"), "{}", built.stderr);
            assert!(built.stderr.contains("add the run again"), "{}", built.stderr);
        }
        repository.done(&["add", "new", "--to", "board"]);
        let mut left = files(&repository.path("board"));
        left.retain(|name, _| !name.to_string_lossy().ends_with(".partial"));
        assert_eq!(after, left, "killed after {step} of 16");
    }
    assert!(hit >= 8, "only {hit} of 16 were still going when they were to be killed");
}
