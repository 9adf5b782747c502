//! `clirbench plan`: what a run would do, before and after it.

use super::shown;
use crate::place::{Place, bundled, model, plugin_arguments};

#[test]
fn before_and_after_a_run() {
    let place = Place::new();
    let encoder = model("hashed", "hashed", "dim = 64");
    let dataset = bundled(&["en", "ko", "es"]);
    place.write("bench.toml", format!("{encoder}{dataset}[run]\nshard = 200\n"));
    let plan = || place.end(["plan", "bench.toml", "--store", "store"]);
    insta::assert_snapshot!("plan_before_a_run", shown(&plan(), &place));
    place.run("bench.toml", "out");
    insta::assert_snapshot!("plan_after_a_run", shown(&plan(), &place));
}

#[test]
fn a_model_that_does_not_open() {
    let place = Place::new();
    let encoder = model("bad", "hostile-encoder", "behave = \"error-open\"");
    let (good, dataset) = (model("hashed", "hashed", ""), bundled(&["en", "ko"]));
    place.write("bench.toml", format!("{encoder}{good}{dataset}"));
    let plugins = plugin_arguments(&["hostile-encoder"]);
    // Quiet: where the plugin lies twice, a run says which one it takes.
    let arguments = ["plan", "bench.toml", "--quiet", "--store", "store"].map(str::to_owned);
    let ended = place.end([&arguments[..], &plugins].concat());
    insta::assert_snapshot!(shown(&ended, &place));
}
