use clirbench_synth::Ending;
use serde_json::Value;

use crate::{
    place::{Place, job},
    server::{Answer, Server},
};

/// Every third request about texts gets a bad first reply.
fn with_bad_first_replies(bad: Answer) -> Server {
    Server::start(move |asked| match asked.is_about_texts() && !asked.is_again() && asked.is_one_in(3) {
        true => bad.clone(),
        false => Answer::Fine,
    })
}

#[test]
fn a_bad_reply_is_asked_for_again_and_counted() {
    for (bad, reason) in [
        (Answer::Content("{\"user_query\": \"half".to_owned()), "not-json"),
        (Answer::Content("I'm sorry, but I can't help with that.".to_owned()), "refusal"),
        (Answer::Finish("length"), "cut-off"),
        (Answer::Finish("content_filter"), "refusal"),
        (Answer::Content("{\"user_query\": \"why\"}".to_owned()), "fields"),
    ] {
        let (server, place) = (with_bad_first_replies(bad), Place::new());
        let outcome = place.generate("out.jsonl", &job(&server, 12, "")).expect("generated");
        assert_eq!((outcome.ending, outcome.report.written), (Ending::Finished, 12), "{reason}");
        let again = server.log().iter().filter(|asked| asked.is_again()).count();
        assert!(again > 3, "{reason}: {again}");
        let rejected: Vec<_> = outcome.report.rejected_replies.into_iter().collect();
        assert_eq!(rejected, [(reason, again as u64)]);
        let attempts = place.triples("out.jsonl").into_iter().flat_map(|triple| {
            let texts = triple.provenance["texts"].as_object().expect("texts").clone();
            texts.into_iter().map(|(_, origin)| origin["attempt"].as_u64().expect("an attempt"))
        });
        assert_eq!(attempts.filter(|attempt| *attempt == 2).count(), again, "{reason}");
    }
}

#[test]
fn a_translation_in_the_wrong_language_is_not_accepted() {
    let server = Server::start(|asked| match asked.prompt().contains("into Korean") && !asked.is_again() {
        true => Answer::InEnglish,
        false => Answer::Fine,
    });
    let place = Place::new();
    let outcome = place.generate("out.jsonl", &job(&server, 8, "")).expect("generated");
    assert_eq!(outcome.report.rejected_replies.into_iter().collect::<Vec<_>>(), [("language", 8)]);
    let hangul = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
    assert!(place.triples("out.jsonl").iter().all(|t| hangul(&t.query["ko"]) && hangul(&t.positive["ko"])));
    let told = server.log().into_iter().find(|asked| asked.is_again()).expect("asked again");
    assert!(told.prompt().contains("is not in Korean"), "{}", told.prompt());
}

#[test]
fn a_german_translation_in_english_is_not_accepted_although_the_script_is_the_same() {
    let server = Server::start(|asked| match asked.prompt().contains("into German") && !asked.is_again() {
        true => Answer::InEnglish,
        false => Answer::Fine,
    });
    let outcome = Place::new().generate("out.jsonl", &job(&server, 8, "")).expect("generated");
    assert_eq!(outcome.report.rejected_replies.into_iter().collect::<Vec<_>>(), [("language", 8)]);
}

#[test]
fn fences_change_nothing() {
    let (bare, fenced) = (Place::new(), Place::new());
    let fences = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let on = std::sync::Arc::clone(&fences);
    let server = Server::start(move |_| match on.load(std::sync::atomic::Ordering::Relaxed) {
        true => Answer::Fenced,
        false => Answer::Fine,
    });
    let job = job(&server, 12, "");
    bare.generate("out.jsonl", &job).expect("generated");
    fences.store(true, std::sync::atomic::Ordering::Relaxed);
    let outcome = fenced.generate("out.jsonl", &job).expect("generated");
    assert!(outcome.report.rejected_replies.is_empty());
    let texts = |place: &Place| -> Vec<_> {
        let triples = place.triples("out.jsonl");
        triples.into_iter().map(|t| (t.id, t.query, t.positive, t.negatives)).collect()
    };
    assert_eq!(texts(&bare), texts(&fenced));
}

#[test]
fn what_never_gets_a_good_reply_fails_alone_and_is_not_asked_again() {
    let place = Place::new();
    // One triple's writing, one translation.
    let bad = |asked: &crate::server::Asked| {
        let prompt = asked.prompt();
        (prompt.contains("all of it in English") || prompt.contains("into German"))
            && asked.body["seed"].as_u64().expect("a seed").is_multiple_of(4)
    };
    let seeds_of_retries_are_bad_too = |asked: &crate::server::Asked| asked.is_again();
    let server = Server::start(move |asked| match bad(asked) || seeds_of_retries_are_bad_too(asked) {
        true => Answer::Content("no".to_owned()),
        false => Answer::Fine,
    });
    let job = job(&server, 20, "");
    let report = place.generate("out.jsonl", &job).expect("generated").report;
    let failed = report.failed_steps["not-json"] as usize;
    assert!(failed > 1, "{failed}");
    let tried = server.log().iter().filter(|asked| asked.is_again()).count();
    assert_eq!(tried, failed * 2, "three attempts each");
    let triples = place.triples("out.jsonl");
    assert_eq!(triples.len(), report.written);
    assert!(report.written >= 20 - failed && report.written < 20);
    // A triple that was not written has two translations that cannot be made.
    assert_eq!(report.blocked_steps % 2, 0);
    let before = (server.log().len(), place.bytes("out.jsonl"));
    let again = place.generate("out.jsonl", &job).expect("generated");
    assert_eq!((server.log().len(), place.bytes("out.jsonl")), before);
    assert_eq!(Value::from(again.report.written), Value::from(report.written));
}

#[test]
fn no_triple_at_all_is_an_error_that_says_why() {
    let server = Server::start(|_| Answer::Content("As an AI I cannot do that.".to_owned()));
    let place = Place::new();
    let error = place.generate("out.jsonl", &job(&server, 4, "")).expect_err("nothing");
    assert!(error.message.starts_with("no triple was accepted; replies that were not: refusal "), "{error}");
    assert!(!place.path("out.jsonl").exists());
    assert!(place.path("out.jsonl.report.json").exists());
}
