use std::collections::BTreeSet;

use clirbench_synth::{Ending, Level};
use serde_json::Value;

use crate::{
    place::{Place, job},
    server::{Answer, Server},
};

#[test]
fn every_triple_is_parallel_and_says_where_each_text_comes_from() {
    let (server, place) = (Server::start(|_| Answer::Fine), Place::new());
    let job = job(&server, 12, "");
    let outcome = place.generate("out.jsonl", &job).expect("generated");
    assert_eq!(outcome.ending, Ending::Finished);
    let triples = place.triples("out.jsonl");
    let ids: Vec<&str> = triples.iter().map(|t| t.id.as_str()).collect();
    assert_eq!(ids, job.plan().triples.iter().map(|t| t.id.as_str()).collect::<Vec<_>>());
    let log = server.log();
    assert_eq!(log.len(), job.plan().steps.len(), "one request per step");
    let requests: BTreeSet<&str> = log.iter().map(|asked| asked.key.as_str()).collect();
    for (triple, planned) in triples.iter().zip(&job.plan().triples) {
        assert_eq!(triple.languages().collect::<Vec<_>>(), ["de", "en", "ko"]);
        let provenance = Value::Object(triple.provenance.clone());
        let category = &job.plan().draws[planned.draw].category;
        assert_eq!(provenance["category"]["code"], category.code);
        assert_eq!(provenance["category"]["subcategory"].is_string(), category.level == Level::Subcategory);
        for language in ["de", "en", "ko"] {
            let origin = &provenance["texts"][language];
            assert_eq!(origin["model"], "fake-2026-01");
            assert_eq!(origin["prompt"]["name"], if language == "en" { "triple" } else { "translation" });
            let request = origin["request"].as_str().expect("a request");
            let asked = log.iter().find(|asked| asked.key == request).expect("it was asked");
            assert_eq!(
                origin["tokens"]["input"].as_u64(),
                Some(asked.body["messages"].to_string().len() as u64 / 4)
            );
            assert!(requests.contains(request));
        }
        // What a translation was asked for is the text that was written.
        let korean = provenance["texts"]["ko"]["request"].as_str().expect("a request");
        let asked = log.iter().find(|asked| asked.key == korean).expect("it was asked");
        assert!(asked.prompt().contains(triple.query["en"].as_str()), "{}", asked.prompt());
        assert!(asked.prompt().contains("into Korean"));
        let written = provenance["texts"]["en"]["request"].as_str().expect("a request");
        let asked = log.iter().find(|asked| asked.key == written).expect("it was asked");
        assert!(asked.prompt().contains(provenance["task"].as_str().expect("a task")));
    }
    let report = outcome.report;
    assert_eq!((report.planned, report.written, report.spending.requests), (12, 12, log.len() as u64));
    let charged: u64 = log.iter().map(|asked| asked.charged).sum();
    assert_eq!(report.spending.tokens.total(), charged);
}

#[test]
fn bytes_do_not_depend_on_who_answers_first() {
    // Requests take different times, so replies come in another order than requests went out.
    let server = Server::start(|asked| match asked.is_one_in(3) {
        true => Answer::Slow(std::time::Duration::from_millis(15)),
        false => Answer::Fine,
    });
    let place = Place::new();
    for (out, workers) in [("one.jsonl", 1), ("eight.jsonl", 8)] {
        place.generate(out, &job(&server, 30, &format!("concurrency = {workers}"))).expect("generated");
    }
    assert_eq!(place.bytes("one.jsonl"), place.bytes("eight.jsonl"));
}

#[test]
fn requests_say_what_the_recipe_says() {
    let (server, place) = (Server::start(|_| Answer::Fine), Place::new());
    let generation = "[sampling]\ntasks = 2\ntriples = 2\nlevels = {division = 1}\n[generation]\ntemperature = 0.9\n\
        translation_temperature = 0.1\ntop_p = 0.8\nmax_tokens = 777\nmax_tokens_field = \"max_completion_tokens\"\n\
        json_mode = false\nextra = {reasoning_effort = \"low\"}\n";
    place.generate("out.jsonl", &job(&server, 4, generation)).expect("generated");
    let log = server.log();
    let seeds: BTreeSet<u64> = log.iter().filter_map(|asked| asked.body["seed"].as_u64()).collect();
    assert_eq!(seeds.len(), log.len(), "every request has a seed of its own");
    for asked in &log {
        let translates = asked.prompt().contains("Translate");
        assert_eq!(asked.body["temperature"], if translates { 0.1 } else { 0.9 });
        assert_eq!(asked.body["top_p"], 0.8);
        assert_eq!(asked.body["max_completion_tokens"], 777);
        assert_eq!(asked.body["reasoning_effort"], "low");
        assert!(asked.body.get("max_tokens").is_none() && asked.body.get("response_format").is_none());
        assert_eq!(asked.authorization, None);
    }
}
