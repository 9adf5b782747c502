//! A pretrained encoder on XQuAD against reference values, through the whole program.

use std::cell::Cell;

use crate::{
    golden::{cases, compare, measure},
    place::{Place, beside, named},
    xquad,
};

const LANGUAGES: [&str; 4] = ["en", "es", "de", "vi"];

/// Fractions to 1e-3, norms to the same on their scale of 0 to 100, Max@R (a mean rank) to 0.1%:
/// the reference encoder is another program, and its vectors differ in the last bits.
fn near(metric: &str, expected: f64, actual: f64) -> bool {
    let tolerance = match metric {
        "max@r" => 1e-3 * expected,
        "max@r_norm" | "max@r_norm_of_mean" => 0.1,
        _ => 1e-3,
    };
    (expected - actual).abs() <= tolerance
}

#[test]
fn every_reference_value_is_met_and_no_text_is_encoded_twice() {
    let (Some(golden), Some(data)) = (beside("golden/clir.json"), beside("data/xquad")) else { return };
    let (Some(minilm), Some(onnxruntime)) = (named("CLIRBENCH_MINILM"), named("ORT_DYLIB_PATH")) else {
        return;
    };
    let place = Place::new();
    let model = format!(
        "[[models]]\nname = \"minilm\"\npath = \"{}\"\noptions = {{ variant = \"fp32\" }}\n\n",
        minilm.display()
    );
    let more = ["--ort", onnxruntime.to_str().expect("UTF-8")];
    let measured = measure(&place, &model, &data, &LANGUAGES, &more);

    let cases = cases(&golden);
    assert_eq!(cases.len(), 168);
    let worst = Cell::new(0.0_f64);
    let compared = compare(&cases, &measured, |metric, expected, actual| {
        if !metric.starts_with("max@r") {
            worst.set(worst.get().max((expected - actual).abs()));
        }
        near(metric, expected, actual)
    });
    println!("{compared} numbers of {} cases; fractions differ by {:.1e} at most", cases.len(), worst.get());

    // One vector per text, whatever the pairs, pools, scenarios and layouts: the model has no prompts,
    // so both roles share them.
    let texts = xquad::distinct(&data, &LANGUAGES).len() as u64;
    let [first, later @ ..] = &measured.runs[..] else { panic!("four runs") };
    assert_eq!(first.texts("minilm", "distinct"), texts);
    assert_eq!(first.texts("minilm", "encoded"), texts);
    assert!(first.texts("minilm", "asked") > 10 * texts, "the cells share their texts");
    // Everything that a later run needs is in the store.
    for run in later {
        assert_eq!(run.texts("minilm", "encoded"), 0);
        assert_eq!(run.texts("minilm", "from_store"), run.texts("minilm", "distinct"));
    }
}
