use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use clirbench_synth::Ending;

use crate::{
    place::{Place, job},
    server::{Answer, Server},
};

fn error(status: u16, headers: Vec<(&'static str, String)>) -> Answer {
    let body = format!("{{\"error\": {{\"message\": \"status {status} it is\", \"code\": null}}}}");
    Answer::Status(status, headers, body)
}

#[test]
fn what_breaks_once_is_asked_again_and_the_bytes_are_the_same() {
    let second = vec![("Retry-After", "0.05".to_owned())];
    for (fault, name) in [
        (error(500, vec![]), "server-error"),
        (error(503, second.clone()), "server-error"),
        (error(429, second), "rate-limited"),
        (Answer::Close, "broken"),
        (Answer::CutOff, "broken"),
        (Answer::Garbage, "broken"),
        (Answer::Slow(Duration::from_millis(2500)), "timeout"),
        // Bytes keep coming, but the whole takes too long.
        (Answer::Drip(Duration::from_millis(20)), "timeout"),
    ] {
        let server = Server::start(move |asked| match asked.times == 0 && asked.is_one_in(3) {
            true => fault.clone(),
            false => Answer::Fine,
        });
        let place = Place::new();
        // A request is only broken the first time that the server sees it.
        let job = job(&server, 8, "timeout_seconds = 1.5\nmax_failures = 50");
        let outcome = place.generate("out.jsonl", &job).expect("generated");
        assert_eq!((outcome.ending, outcome.report.written), (Ending::Finished, 8), "{name}");
        let again = server.log().iter().filter(|asked| asked.times == 1).count() as u64;
        assert!(again > 2, "{name}: {again}");
        assert_eq!(
            outcome.report.spending.faults.into_iter().collect::<Vec<_>>(),
            [(name.to_owned(), again)]
        );
        place.generate("again.jsonl", &job).expect("generated");
        assert_eq!(place.bytes("out.jsonl"), place.bytes("again.jsonl"), "{name}");
    }
}

#[test]
fn retry_after_holds_back_every_request() {
    let wait = Duration::from_millis(700);
    let server = Server::start(move |asked| {
        if asked.times == 0 && asked.is_one_in(4) {
            return error(429, vec![("Retry-After", "0.7".to_owned())]);
        }
        Answer::Fine
    });
    // One worker: whatever it sends after a 429 was held back.
    Place::new().generate("out.jsonl", &job(&server, 12, "concurrency = 1")).expect("generated");
    let log = server.log();
    let limited: Vec<usize> = (0..log.len())
        .filter(|at| log.iter().any(|a| a.key == log[*at].key && a.times == 1 && log[*at].times == 0))
        .collect();
    assert!(!limited.is_empty());
    for at in limited {
        let next = log[at + 1].at - log[at].at;
        assert!(next >= wait, "the next request came after {next:?}");
    }
}

#[test]
fn a_wait_that_is_too_long_ends_the_run() {
    let server = Server::start(|_| error(429, vec![("Retry-After", "7200".to_owned())]));
    let started = Instant::now();
    let error = Place::new().generate("out.jsonl", &job(&server, 4, "")).expect_err("no");
    assert!(error.message.contains("asks to wait 7200 s"), "{error}");
    assert!(error.hint.starts_with("run again later"), "{}", error.hint);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn limits_that_never_end_are_said() {
    let server = Server::start(|_| error(429, vec![]));
    let error =
        Place::new().generate("out.jsonl", &job(&server, 4, "concurrency = 1\nretries = 2")).expect_err("no");
    assert!(error.message.contains("answers 429: status 429 it is"), "{error}");
    assert!(error.hint.contains("requests_per_minute"), "{}", error.hint);
    assert_eq!(server.log().len(), 3);
}

#[test]
fn an_endpoint_that_wants_nothing_of_us_is_asked_once_per_worker() {
    for status in [301, 401, 403, 404] {
        let server = Server::start(move |_| error(status, vec![("Location", "/elsewhere".to_owned())]));
        let error = Place::new().generate("out.jsonl", &job(&server, 40, "concurrency = 3")).expect_err("no");
        assert!(error.message.contains(&format!("answers {status}: status {status} it is")), "{error}");
        assert!(error.hint.contains("check `base_url`, `model`, the key"), "{}", error.hint);
        assert!(server.log().len() <= 3, "{status}: {}", server.log().len());
    }
}

#[test]
fn credit_that_is_used_up_is_no_limit_to_wait_for() {
    let body = "{\"error\": {\"message\": \"You exceeded your quota\", \"code\": \"insufficient_quota\"}}";
    let server = Server::start(move |_| Answer::Status(429, vec![], body.to_owned()));
    let error = Place::new().generate("out.jsonl", &job(&server, 4, "concurrency = 1")).expect_err("no");
    assert!(error.message.contains("You exceeded your quota"), "{error}");
    assert_eq!(server.log().len(), 1);
}

#[test]
fn a_request_that_is_refused_costs_itself_only_once_others_were_answered() {
    let refused = Server::start(|_| error(400, vec![]));
    let error_at_first = Place::new().generate("out.jsonl", &job(&refused, 4, "concurrency = 1"));
    assert!(error_at_first.expect_err("no").hint.starts_with("check `model` and [generation]"));
    assert_eq!(refused.log().len(), 1);
    let server = Server::start(|asked| match asked.prompt().contains("into German") && asked.is_one_in(4) {
        true => error(400, vec![]),
        false => Answer::Fine,
    });
    let place = Place::new();
    let outcome =
        place.generate("out.jsonl", &job(&server, 20, "concurrency = 1\nmax_failures = 20")).expect("some");
    let Ending::Unanswered(steps, message) = outcome.ending else { panic!("{:?}", outcome.ending) };
    assert!(steps > 1 && message.contains("answers 400"), "{message}");
    assert_eq!(outcome.report.written, 20 - steps);
}

#[test]
fn an_endpoint_that_only_fails_is_left_alone() {
    let server = Server::start(|_| error(500, vec![]));
    let error = Place::new()
        .generate("out.jsonl", &job(&server, 40, "concurrency = 2\nretries = 9\nmax_failures = 7"))
        .expect_err("no");
    assert!(error.message.starts_with("7 requests in a row got no reply; the last: "), "{error}");
    assert!(error.message.contains("answers 500: status 500 it is"), "{error}");
    // Those under way when the seventh failed.
    assert!(server.log().len() <= 8, "{}", server.log().len());
}

#[test]
fn nobody_at_the_address_is_one_error() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let server = Server::start(|_| Answer::Fine);
    let text = crate::place::recipe(&server, 4, "")
        .replace(&server.base_url, &format!("http://127.0.0.1:{port}/v1"));
    let recipe = clirbench_synth::Recipe::parse(&text).expect("a recipe");
    let job = clirbench_synth::Job::new(recipe, std::path::Path::new("")).expect("a job");
    let place = Place::new();
    let error = place.generate("out.jsonl", &job).expect_err("nobody");
    assert!(error.message.contains(&format!("http://127.0.0.1:{port}/v1/chat/completions")), "{error}");
    assert!(error.message.contains("refused"), "{error}");
    assert!(error.hint.starts_with("check the endpoint and the network"), "{}", error.hint);
    assert!(!place.path("out.jsonl").exists());
}

#[test]
fn requests_per_minute_are_kept() {
    let server = Server::start(|_| Answer::Fine);
    Place::new()
        .generate("out.jsonl", &job(&server, 4, "concurrency = 4\nrequests_per_minute = 1200"))
        .expect("generated");
    let log = server.log();
    let span = log.last().expect("requests").at - log[0].at;
    let least = Duration::from_millis(50) * (log.len() as u32 - 1);
    // Requests leave on time; they arrive a little later or less late.
    assert!(span + Duration::from_millis(45) >= least, "{} requests in {span:?}", log.len());
}
