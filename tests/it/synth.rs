//! Synthetic triples from a chat endpoint on this machine: killed, stopped, refused.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Child, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    chat_server::{Answer, Server},
    place::{Ended, Place, root},
};

const KEY: &str = "sk-test-0123456789abcdef";
const TRIPLES: usize = 24;

fn recipe(server: &Server) -> String {
    let base_url = &server.base_url;
    format!(
        "name = \"kdc\"\nlanguages = [\"en\", \"ko\", \"ja\"]\ntriples = {TRIPLES}\n[endpoint]\n\
         base_url = \"{base_url}\"\nmodel = \"fake\"\napi_key_env = \"CHAT_KEY\"\nconcurrency = 4\n\
         backoff_seconds = 0.01\n[sampling]\nsubcategories = 3\ntasks = 2\ntriples = 2\n"
    )
}

/// Some replies are bad, some break off, all take a moment.
fn server() -> Server {
    Server::start(|asked| match () {
        () if asked.times == 0 && asked.is_one_in(9) => Answer::CutOff,
        () if asked.is_about_texts() && !asked.is_again() && asked.is_one_in(5) => {
            Answer::Content(format!("Hello {:?}!", asked.authorization))
        }
        () => Answer::Slow(Duration::from_millis(20)),
    })
}

fn start(place: &Place, out: &str) -> Child {
    let mut command = place.command(["synth", "recipe.toml", "--out", out]);
    command.env("CHAT_KEY", KEY).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

fn end(child: Child) -> Ended {
    Ended::of(&child.wait_with_output().expect("it ends"))
}

/// Waits until the server was asked so often, or the program has ended.
fn wait_for(server: &Server, requests: usize, child: &mut Child) {
    let started = Instant::now();
    while server.log().len() < requests && child.try_wait().expect("our child").is_none() {
        assert!(started.elapsed() < Duration::from_secs(60), "nothing happens");
        sleep(Duration::from_millis(2));
    }
}

/// Keys of the requests whose replies a journal holds.
fn answered(place: &Place, out: &str) -> BTreeSet<String> {
    let journal = fs::read_to_string(place.path(&format!("{out}.work/journal.jsonl"))).unwrap_or_default();
    let entries = journal.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let replies = entries.filter(|entry| entry["event"] == "replied");
    replies.filter_map(|entry| Some(entry["request"].as_str()?.to_owned())).collect()
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let read = |path: &Path| (path.display().to_string(), fs::read(path).expect("read"));
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![read(&path)] }).collect()
}

fn assert_no_key(place: &Place, ends: &[Ended]) {
    for (name, bytes) in files(&place.path("")) {
        assert!(!bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes()), "{name}");
    }
    for ended in ends {
        assert!(!format!("{}{}", ended.stdout, ended.stderr).contains(KEY), "{ended:?}");
    }
}

#[test]
fn killed_again_and_again_it_ends_with_the_same_bytes_and_loses_no_reply() {
    let (server, place) = (server(), Place::new());
    place.write("recipe.toml", recipe(&server));
    let whole = end(start(&place, "whole.jsonl"));
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    assert!(whole.stdout.starts_with("24 of 24 triples in whole.jsonl ("), "{}", whole.stdout);

    // What broke off the first time does so no more: this output meets a kinder server, but for kills.
    let mut ends = vec![whole];
    let mut kills = 0;
    let mut kept = BTreeSet::new();
    loop {
        let before = server.log().len();
        let mut child = start(&place, "parts.jsonl");
        wait_for(&server, before + 5 + 4 * kills, &mut child);
        let finished = child.try_wait().expect("our child").is_some();
        if !finished {
            child.kill().expect("our child");
            kills += 1;
        }
        ends.push(end(child));
        for asked in &server.log()[before..] {
            assert!(!kept.contains(&asked.key), "asked although it was answered:\n{}", asked.prompt());
        }
        let now = answered(&place, "parts.jsonl");
        assert!(now.is_superset(&kept), "a reply is gone");
        kept = now;
        if finished {
            break;
        }
        assert!(!place.path("parts.jsonl").exists());
    }
    assert!(kills >= 4, "{kills}");
    let last = ends.last().expect("it ended");
    assert_eq!(last.code, Some(0), "{}", last.stderr);
    let read = |name: &str| fs::read(place.path(name)).expect("it was written");
    assert!(read("parts.jsonl") == read("whole.jsonl"), "other bytes than without kills");
    // Nobody knows what became of the requests that were under way when it was killed.
    let report: Value = serde_json::from_slice(&read("parts.jsonl.report.json")).expect("JSON");
    assert!(report["spending"]["unsettled"]["output"].as_u64() > Some(0), "{report}");
    assert_no_key(&place, &ends);
}

#[test]
fn stopped_by_ctrl_c_it_keeps_what_is_under_way_and_goes_on() {
    let (server, place) = (server(), Place::new());
    place.write("recipe.toml", recipe(&server));
    let mut child = start(&place, "out.jsonl");
    wait_for(&server, 12, &mut child);
    let id = Pid::from_raw(child.id().cast_signed()).expect("a process");
    kill_process(id, Signal::INT).expect("our child");
    let stopped = end(child);
    assert_eq!(stopped.code, Some(130), "{}", stopped.stderr);
    assert!(
        stopped.stderr.contains("what was answered is kept: run again to continue"),
        "{}",
        stopped.stderr
    );
    // The server notes what it has sent after it has sent it.
    sleep(Duration::from_millis(100));
    let whole_replies = server.log().iter().filter(|asked| asked.answered).count();
    assert_eq!(answered(&place, "out.jsonl").len(), whole_replies, "each reply that was sent is kept");
    let done = end(start(&place, "out.jsonl"));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let report: Value =
        serde_json::from_slice(&fs::read(place.path("out.jsonl.report.json")).expect("written"))
            .expect("JSON");
    assert_eq!(report["written"], TRIPLES);
    assert_no_key(&place, &[stopped, done]);
}

#[test]
fn a_key_that_is_refused_or_missing_is_one_error() {
    let server = Server::start(|asked| {
        Answer::Status(401, vec![], format!("{{\"error\": \"no such key: {:?}\"}}", asked.authorization))
    });
    let place = Place::new();
    place.write("recipe.toml", recipe(&server));
    let refused = end(start(&place, "out.jsonl"));
    assert_eq!(refused.code, Some(1));
    let errors = refused.stderr.lines().filter(|line| line.starts_with("error")).count();
    assert_eq!(errors, 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("answers 401") && refused.stderr.contains("the key in CHAT_KEY"));
    let asked = server.log().len();
    let missing = place.end(["synth", "recipe.toml", "--out", "out.jsonl"]);
    assert!(missing.stderr.contains("the environment variable CHAT_KEY is not set"), "{}", missing.stderr);
    assert_eq!((missing.code, server.log().len()), (Some(1), asked), "nothing is sent without the key");
    assert_no_key(&place, &[refused, missing]);
}

#[test]
fn a_dry_run_of_the_papers_recipe_asks_nothing_and_needs_no_key() {
    let place = Place::new();
    let recipe = root().join("datasets/recipes/jang-2025/synth.toml");
    let shown = place.end([Path::new("synth"), &recipe, Path::new("--dry-run")]);
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    insta::assert_snapshot!("dry_run", shown.stdout);
    let json = place.end([Path::new("synth"), &recipe, Path::new("--dry-run"), Path::new("--json")]);
    let json: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["categories"].as_array().map(Vec::len), Some(500));
    assert_eq!(json["estimate"]["all"]["requests"], 20_597);
    assert_eq!(fs::read_dir(place.path("")).expect("a folder").count(), 0);
}
