//! Plugins that misbehave cost their own cells, with a reason, and nothing else.

use std::time::Instant;

use crate::{
    place::{Place, bundled, model, plugin_arguments},
    results::Results,
    workers,
};

/// What each misbehaving model does, and words of the reason that its cells are without a number.
const BAD: [(&str, &[&str]); 13] = [
    ("panic", &["the plugin panicked at", "told to panic on"]),
    ("panic-open", &["the plugin panicked at", "told to panic while opening"]),
    ("panic-render", &["the plugin panicked at", "told to panic while rendering"]),
    ("error-open", &["told to fail", "do not tell it to"]),
    ("no-similarity", &["broke its contract", "neither `cosine` nor `dot`"]),
    ("abort", &["SIGABRT", "other cells are not affected"]),
    ("segfault", &["SIGSEGV", "other cells are not affected"]),
    ("hang", &["no sign of life for 3 s", "stall_seconds"]),
    ("stdout", &["printed to standard output", "told to print to stdout"]),
    ("nan", &["broke its contract", "is NaN"]),
    ("wrong-rows", &["broke its contract", "rows for"]),
    ("partial", &["broke its contract", "did not write value"]),
    ("until-cancelled", &["no sign of life for 3 s"]),
];

/// Plugins that are refused when they are loaded.
const REFUSED: [(&str, &[&str]); 2] = [
    ("liar", &["its file says version `9.9.9`", "its code says"]),
    ("other-layout", &["its `encoder/1` has another layout", "build the plugin with"]),
];

const RUN: &str = "[run]\nscenarios = [\"mono\", \"clir\"]\nstall_seconds = 3\nshard = 64\n";

/// mono and clir on two languages.
const CELLS: usize = 4;

fn arguments(place: &Place, bench: &str, out: &str) -> Vec<String> {
    let plugins = ["hostile-encoder", "liar", "other-layout", "constructor"];
    [place.run_arguments(bench, out), plugin_arguments(&plugins)].concat()
}

#[test]
fn each_misbehaving_model_costs_its_own_cells() {
    let place = Place::new();
    let good = model("good", "hashed", "dim = 64");
    let dataset = bundled(&["en", "es"]);
    place.write("good.toml", format!("{good}{dataset}{RUN}"));
    // The good one in the midst: it survives those before it and those after it.
    let hostile = |(name, _): &(&str, _)| model(name, "hostile-encoder", &format!("behave = \"{name}\""));
    let (before, after) = BAD.split_at(BAD.len() / 2);
    let before: String = before.iter().map(hostile).collect();
    let after: String = after.iter().map(hostile).collect();
    let refused: String = REFUSED.iter().map(|(name, _)| model(name, name, "")).collect();
    place.write("all.toml", format!("{before}{good}{after}{refused}{dataset}{RUN}"));

    let started = Instant::now();
    let ended = place.end(arguments(&place, "all.toml", "all"));
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    workers::assert_gone(&place.path("store"));
    let all = Results::of(place.path("all"));
    println!("{} models that misbehave: {:.1?}", BAD.len() + REFUSED.len(), started.elapsed());

    // Nothing of the good model is lost: the same rows as alone.
    let good = place.end(arguments(&place, "good.toml", "good"));
    assert_eq!(good.code, Some(0), "{}", good.stderr);
    let alone = Results::of(place.path("good"));
    assert_eq!(all.scores(), alone.scores());
    assert_eq!(alone.run_json()["cells"].as_array().map(Vec::len), Some(CELLS));
    assert_eq!(alone.texts("good", "encoded"), 0, "its vectors were kept");

    // Every cell that is missing says why, in run.json, on the screen and below the leaderboard.
    let run = all.run_json();
    let failures = run["failures"].as_array().expect("a list").clone();
    assert_eq!(failures.len(), (BAD.len() + REFUSED.len()) * CELLS);
    let leaderboard = std::fs::read_to_string(place.path("all/leaderboard.md")).expect("a leaderboard");
    let leaderboard = leaderboard.replace('\\', ""); // Markdown's escapes
    for (name, words) in BAD.iter().chain(&REFUSED) {
        let own: Vec<_> = failures.iter().filter(|f| f["model"] == *name).collect();
        assert_eq!(own.len(), CELLS, "{name}");
        let reason = own[0]["reason"].as_str().expect("a reason");
        for word in *words {
            assert!(reason.contains(word), "{name}: {reason}");
        }
        assert!(!reason.contains('\n'), "{name}: more than one line: {reason}");
        assert!(own.iter().all(|f| f["reason"] == reason), "{name}: one reason for all its cells");
        let models = BAD.len() + REFUSED.len() + 1;
        let warning = format!("warning: {CELLS} of {} cells failed: {name}: {reason}\n", models * CELLS);
        assert!(ended.stderr.contains(&warning), "{name} is not on the screen: {}", ended.stderr);
        assert!(leaderboard.contains(reason), "{name} is not below the leaderboard");
    }
}

#[test]
fn a_scenario_that_answers_nonsense_costs_its_own_cells() {
    let place = Place::new();
    let bench = |scenarios: &str| {
        let good = model("good", "hashed", "dim = 64");
        format!("{good}{}[run]\nscenarios = [{scenarios}]\n", bundled(&["en", "es"]))
    };
    place.write("bad.toml", bench("\"mono\", \"constructor\", \"clir\""));
    place.write("good.toml", bench("\"mono\", \"clir\""));
    let ended = place.end(arguments(&place, "bad.toml", "bad"));
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let bad = Results::of(place.path("bad"));
    let run = bad.run_json();
    let [failure] = &run["failures"].as_array().expect("a list")[..] else { panic!("{}", run["failures"]) };
    assert_eq!((&failure["dataset"], &failure["scenario"]), (&"kdc".into(), &"constructor".into()));
    let reason = failure["reason"].as_str().expect("a reason");
    assert!(reason.contains("plugin `constructor` broke its contract"), "{reason}");
    assert!(ended.stderr.contains(reason), "{}", ended.stderr);

    let good = place.run("good.toml", "good");
    assert_eq!(bad.scores(), good.scores());
}
