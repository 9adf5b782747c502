use std::{collections::BTreeSet, fs};

use clirbench_synth::Ending;

use crate::{
    place::{FEW, Place, job},
    server::{Answer, Server},
};

#[test]
fn a_run_that_is_stopped_often_ends_with_the_same_bytes_and_asks_nothing_twice() {
    let server =
        Server::start(|asked| match asked.is_about_texts() && !asked.is_again() && asked.is_one_in(7) {
            true => Answer::Content("no".to_owned()),
            false => Answer::Fine,
        });
    let place = Place::new();
    let job = job(&server, 24, "concurrency = 3");
    place.generate("whole.jsonl", &job).expect("generated");
    let once = server.log().len();
    let mut stops = 0;
    loop {
        let start = server.log().len();
        let stop = |_: &_| server.log().len() >= start + 9;
        let outcome = place.generate_until("parts.jsonl", &job, stop).expect("no error");
        if outcome.ending == Ending::Finished {
            break;
        }
        assert_eq!(outcome.ending, Ending::Stopped);
        assert!(!place.path("parts.jsonl").exists(), "nothing half done is written");
        stops += 1;
    }
    assert!(stops > 3, "{stops}");
    assert_eq!(place.bytes("parts.jsonl"), place.bytes("whole.jsonl"));
    // Both outputs asked for everything once, and for nothing more.
    assert_eq!(server.log().len(), 2 * once);
}

#[test]
fn a_finished_output_asks_nothing_and_more_triples_ask_for_what_is_new() {
    let (server, place) = (Server::start(|_| Answer::Fine), Place::new());
    place.generate("out.jsonl", &job(&server, 10, "")).expect("generated");
    let (few, asked) = (place.bytes("out.jsonl"), server.log().len());
    place.generate("out.jsonl", &job(&server, 10, "")).expect("generated");
    assert_eq!((server.log().len(), place.bytes("out.jsonl")), (asked, few.clone()));
    let more = job(&server, 25, "");
    place.generate("out.jsonl", &more).expect("generated");
    assert!(place.bytes("out.jsonl").starts_with(&few));
    assert_eq!(server.log().len(), more.plan().steps.len());
}

#[test]
fn a_changed_recipe_uses_no_reply_to_another_request() {
    let (server, place) = (Server::start(|_| Answer::Fine), Place::new());
    let (all, some) = (FEW.to_owned(), format!("{FEW}[generation]\ntop_p = 0.5\n"));
    place.generate("out.jsonl", &job(&server, 6, &all)).expect("generated");
    let (first, asked) = (place.bytes("out.jsonl"), server.log().len());
    place.generate("out.jsonl", &job(&server, 6, &some)).expect("generated");
    assert_eq!(server.log().len(), 2 * asked);
    assert_ne!(place.bytes("out.jsonl"), first);
    // The replies to the first recipe are still there.
    place.generate("out.jsonl", &job(&server, 6, &all)).expect("generated");
    assert_eq!((server.log().len(), place.bytes("out.jsonl")), (2 * asked, first));
}

#[test]
fn a_journal_that_is_cut_anywhere_loses_only_what_is_behind_the_cut() {
    let (server, place) = (Server::start(|_| Answer::Fine), Place::new());
    let job = job(&server, 4, "concurrency = 2");
    place.generate("out.jsonl", &job).expect("generated");
    let whole = place.bytes("out.jsonl");
    let path = place.path("out.jsonl.work/journal.jsonl");
    let journal = fs::read(&path).expect("read");
    for part in 1..12 {
        let cut = journal.len() * part / 12 + part % 3;
        fs::write(&path, &journal[..cut]).expect("written");
        let kept: BTreeSet<String> = String::from_utf8_lossy(&journal[..cut])
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|entry| entry["event"] == "replied")
            .filter_map(|entry| Some(entry["request"].as_str()?.to_owned()))
            .collect();
        let before = server.log().len();
        place.generate("out.jsonl", &job).expect("generated");
        assert_eq!(place.bytes("out.jsonl"), whole);
        let asked = &server.log()[before..];
        assert!(asked.iter().all(|asked| !kept.contains(&asked.key)), "cut at {cut}");
        assert_eq!(asked.len(), job.plan().steps.len() - kept.len(), "cut at {cut}");
    }
}

#[test]
fn a_file_of_somebody_else_is_not_replaced() {
    let (server, place) = (Server::start(|_| Answer::Fine), Place::new());
    fs::write(place.path("out.jsonl"), "precious").expect("written");
    let error = place.generate("out.jsonl", &job(&server, 4, "")).expect_err("refused");
    assert!(error.message.ends_with("is there already, and was not made by `clirbench synth`"), "{error}");
    assert_eq!(place.bytes("out.jsonl"), b"precious");
    assert!(server.log().is_empty());
}
