//! Mistakes in a bench file: one error, its place, what to do, and nothing is measured.

use super::shown;
use crate::place::{Place, bundled, model};

/// The error of a bench file, printed in full.
fn refusal(bench: &str) -> String {
    let place = Place::new();
    place.write("bench.toml", bench);
    let ended = place.end(["run", "bench.toml", "--store", "store"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(!place.path("bench-results").exists(), "nothing was measured, nothing is written");
    shown(&ended, &place)
}

fn good_model() -> String {
    model("hashed", "hashed", "")
}

#[test]
fn mistakes_in_the_file_itself() {
    let two = format!("{}{}", good_model(), good_model());
    let data = "[[datasets]]\nname = \"d\"\nformat = \"xquad\"\npath = \"d\"\nlanguages = [\"en\"]\n";
    for (name, bench) in [
        ("unknown_key", format!("{}{data}[run]\nscenarioes = [\"mono\"]\n", good_model())),
        ("unknown_key_of_a_dataset", format!("{}{data}langauges = [\"en\"]\n", good_model())),
        ("wrong_type", format!("{}{data}[run]\nresamples = \"many\"\n", good_model())),
        ("another_wrong_type", format!("{}{data}[run]\nscenarios = [3]\n", good_model())),
        ("unknown_word", format!("{}{data}[run]\nties = \"random\"\n", good_model())),
        ("no_toml", "[[models]\nname = \"m\"\n".to_owned()),
        ("no_models", format!("models = []\n{data}")),
        ("a_name_twice", format!("{two}{data}")),
        ("options_of_a_scenario_that_is_not_run", {
            format!("{}{data}[run]\nscenarios = [\"mono\", \"multi\"]\n[scenario.mutli]\n", good_model())
        }),
    ] {
        insta::assert_snapshot!(name, refusal(&bench));
    }
}

#[test]
fn mistakes_in_what_the_file_names() {
    let data = bundled(&["en", "ko"]);
    let elsewhere =
        "[[datasets]]\nname = \"d\"\nformat = \"xquad\"\npath = \"nowhere\"\nlanguages = [\"en\"]\n";
    for (name, bench) in [
        ("unknown_scenario", format!("{}{data}[run]\nscenarios = [\"mono\", \"mluti\"]\n", good_model())),
        ("unknown_encoder", format!("{}{data}", model("m", "hashd", ""))),
        ("unknown_option_of_an_encoder", format!("{}{data}", model("m", "hashed", "dims = 3"))),
        ("bad_option_of_an_encoder", format!("{}{data}", model("m", "hashed", "dim = \"wide\""))),
        ("unknown_option_of_a_scenario", {
            format!(
                "{}{data}[run]\nscenarios = [\"multi\"]\n[scenario.multi]\npair_with = \"en\"\n",
                good_model()
            )
        }),
        ("missing_model", format!("[[models]]\nname = \"m\"\npath = \"nowhere\"\n\n{data}")),
        ("missing_dataset", format!("{}{elsewhere}", good_model())),
        ("unknown_language", format!("{}{}", good_model(), bundled(&["en", "fr"]))),
    ] {
        insta::assert_snapshot!(name, refusal(&bench));
    }
}

#[test]
fn a_mistake_as_json() {
    let place = Place::new();
    place.write("bench.toml", format!("{}[run]\nties = \"random\"\n", good_model()));
    let ended = place.end(["run", "bench.toml", "--store", "store", "--json"]);
    insta::assert_snapshot!(shown(&ended, &place));
}

#[test]
fn a_file_that_is_not_there() {
    let place = Place::new();
    let ended = place.end(["run", "bench.toml", "--store", "store"]);
    insta::assert_snapshot!(shown(&ended, &place));
    let ended = place.end(["run", "bench.toml", "--store", "store", "--json"]);
    insta::assert_snapshot!("a_file_that_is_not_there_as_json", shown(&ended, &place));
}
