use std::time::Duration;

use clirbench_synth::Ending;

use crate::{
    place::{FEW, Place, job},
    server::{Answer, Server},
};

#[test]
fn tokens_are_never_exceeded_even_if_every_reply_is_as_dear_as_it_may_be() {
    let server = Server::start(|_| Answer::Dear);
    let place = Place::new();
    let budget = |tokens: u64| {
        format!("concurrency = 8\n{FEW}[generation]\nmax_tokens = 500\n[budget]\ntokens = {tokens}\n")
    };
    let mut written = 0;
    for most in [60_000, 90_000, 120_000] {
        let outcome = place.generate("out.jsonl", &job(&server, 40, &budget(most))).expect("some");
        let charged: u64 = server.log().iter().map(|asked| asked.charged).sum();
        assert!(charged <= most, "{charged} of {most}");
        // It stops because the next request does not fit, not long before: one costs up to 3,000.
        assert!(charged > most - 3_000, "{charged} of {most}");
        assert_eq!(outcome.ending, Ending::BudgetUsed);
        assert_eq!(outcome.report.spending.tokens.total(), charged, "the budget counts for all runs");
        assert!(outcome.report.written > written);
        written = outcome.report.written;
    }
    let whole = place.generate("out.jsonl", &job(&server, 40, &budget(10_000_000))).expect("generated");
    assert_eq!((whole.ending, whole.report.written), (Ending::Finished, 40));
    assert!(server.log().iter().all(|asked| asked.times == 0), "nothing is asked twice");
}

#[test]
fn requests_are_counted_however_many_go_out_at_once() {
    let server = Server::start(|_| Answer::Slow(Duration::from_millis(5)));
    let place = Place::new();
    let rest = format!("concurrency = 16\n{FEW}[budget]\nrequests = 60\n");
    let outcome = place.generate("out.jsonl", &job(&server, 40, &rest)).expect("some");
    assert_eq!((outcome.ending, server.log().len()), (Ending::BudgetUsed, 60));
}

#[test]
fn money_is_kept_and_reported() {
    let server = Server::start(|_| Answer::Dear);
    let place = Place::new();
    let rest = format!(
        "concurrency = 4\n{FEW}[generation]\nmax_tokens = 500\n[prices]\ninput = 1.0\noutput = 4.0\n[budget]\nmoney = 0.12\n"
    );
    let outcome = place.generate("out.jsonl", &job(&server, 40, &rest)).expect("some");
    assert_eq!(outcome.ending, Ending::BudgetUsed);
    let tokens = outcome.report.spending.tokens;
    let cost = outcome.report.cost.expect("prices");
    assert!((cost.amount - (tokens.input as f64 + 4.0 * tokens.output as f64) / 1e6).abs() < 1e-12);
    assert!(cost.amount <= 0.12 && cost.amount > 0.11, "{}", cost.amount);
}

#[test]
fn a_request_that_broke_off_counts_as_if_it_had_been_charged() {
    let server = Server::start(|asked| if asked.times == 0 { Answer::CutOff } else { Answer::Fine });
    let place = Place::new();
    let rest = format!(
        "concurrency = 1\nmax_failures = 99\n{FEW}[generation]\nmax_tokens = 500\n[budget]\ntokens = 80000\n"
    );
    let outcome = place.generate("out.jsonl", &job(&server, 40, &rest)).expect("some");
    assert_eq!(outcome.ending, Ending::BudgetUsed);
    let spending = outcome.report.spending;
    assert!(spending.unsettled.output >= 500 * spending.faults["broken"]);
    assert!(spending.unsettled.total() + spending.tokens.total() <= 80_000);
}

#[test]
fn replies_that_do_not_say_their_cost_are_counted_with_their_bytes() {
    let server = Server::start(|_| Answer::Uncounted);
    let outcome = Place::new().generate("out.jsonl", &job(&server, 4, "")).expect("generated");
    let spending = outcome.report.spending;
    assert_eq!(spending.uncounted, spending.replies);
    assert!(spending.tokens.output > 0);
}

#[test]
fn a_budget_for_nothing_is_an_error() {
    let server = Server::start(|_| Answer::Fine);
    let rest = format!("{FEW}[budget]\ntokens = 10\n");
    let error = Place::new().generate("out.jsonl", &job(&server, 4, &rest)).expect_err("nothing");
    assert_eq!(error.message, "the budget does not reach for one triple");
    assert!(server.log().is_empty());
}
