//! Eight languages in every pair, pool and scenario, as the encoder sees it: each text once.

use std::{collections::BTreeSet, fs};

use crate::{
    place::{Place, beside, model, plugin_arguments},
    xquad,
};

const LANGUAGES: [&str; 8] = ["en", "ar", "de", "es", "th", "tr", "vi", "zh"];

#[test]
fn a_matrix_of_eight_languages_asks_for_each_text_once() {
    let Some(data) = beside("data/xquad") else { return };
    let place = Place::new();
    let journal = place.path("journal");
    let encoder = model("bytes", "hostile-encoder", &format!("journal = \"{}\"", journal.display()));
    let bench = format!(
        "{encoder}[[datasets]]\nname = \"xquad\"\nformat = \"xquad\"\npath = \"{}\"\nlanguages = {LANGUAGES:?}\n\n\
         [run]\nscenarios = [\"mono\", \"clir\", \"multi\", \"multi-1\", \"pool-all\"]\nresamples = 2\n",
        data.display()
    );
    place.write("bench.toml", bench);
    let plugins = plugin_arguments(&["hostile-encoder"]);
    let more: Vec<&str> = plugins.iter().map(String::as_str).collect();

    let results = place.run_with("bench.toml", "first", &more);
    let texts = xquad::distinct(&data, &LANGUAGES);
    let text = fs::read_to_string(&journal).expect("the encoder's journal");
    let encoded: Vec<String> = text.lines().map(|line| serde_json::from_str(line).expect("a text")).collect();
    assert_eq!(encoded.len(), texts.len());
    assert_eq!(encoded.into_iter().collect::<BTreeSet<_>>(), texts);
    assert_eq!(results.texts("bytes", "encoded"), texts.len() as u64);
    // 8 + 56 + 56 + 56 + 8 cells.
    assert_eq!(results.run_json()["cells"].as_array().map(Vec::len), Some(184));

    let again = place.run_with("bench.toml", "second", &more);
    assert_eq!(again.texts("bytes", "encoded"), 0);
    assert_eq!(fs::read_to_string(&journal).expect("the journal").len(), text.len());
    assert_eq!(again.tables(), results.tables());
}
