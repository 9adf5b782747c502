//! Integer vectors through the whole program: dot products below 2^24 are exact in f32, so every
//! rank is, and every number of the reference values.

use std::collections::BTreeMap;

use crate::{
    golden::{cases, compare, measure},
    npz,
    place::{Place, beside, plugin_arguments},
    xquad,
};

const DIM: usize = 384;

#[test]
fn integer_vectors_give_the_very_numbers() {
    let (Some(golden), Some(arrays)) =
        (beside("golden/clir_int8.json"), beside("golden/clir_int8_en_vi.npz"))
    else {
        return;
    };
    let Some(data) = beside("data/xquad") else { return };
    let arrays = npz::read(&arrays);
    let mut vectors: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    for language in ["en", "vi"] {
        let texts = xquad::read(&data, language);
        for (array, texts) in [("q", texts.questions), ("p", texts.paragraphs)] {
            let array = &arrays[&format!("{array}_{language}")];
            assert_eq!(array.shape, [texts.len(), DIM]);
            for (text, vector) in texts.into_iter().zip(array.integers().chunks_exact(DIM)) {
                let known = vectors.insert(text.clone(), vector.to_vec());
                assert!(known.is_none_or(|known| known == vector), "two vectors for {text:?}");
            }
        }
    }
    let place = Place::new();
    place.write("int8/vectors.json", serde_json::to_vec(&vectors).expect("JSON"));
    let model = "[[models]]\nname = \"int8\"\npath = \"int8\"\nencoder = \"lookup-encoder\"\n\
                 options = { similarity = \"dot\" }\n\n";
    let plugins = plugin_arguments(&["lookup-encoder"]);
    let more: Vec<&str> = plugins.iter().map(String::as_str).collect();
    let measured = measure(&place, model, &data, &["en", "vi"], &more);

    let cases = cases(&golden);
    assert_eq!(cases.len(), 56);
    let compared = compare(&cases, &measured, |_, expected, actual| (expected - actual).abs() <= 1e-12);
    println!("{compared} numbers of {} cases", cases.len());
    assert_eq!(measured.runs[0].texts("int8", "encoded"), vectors.len() as u64);
}
