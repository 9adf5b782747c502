//! all-MiniLM-L6-v2: the graph that is exported against the one that is published with it.

use clirbench_export::{ExportOptions, export};
use clirbench_model::{ModelDirectory, TextTokenizer};

use crate::path_of;
use crate::session::{Inputs, run};

/// Of several languages, scripts and lengths.
const TEXTS: [&str; 12] = [
    "",
    "a",
    "Where does the river rise?",
    "Wo entspringt der Fluss, und wohin fließt er?",
    "¿Dónde nace el río?",
    "Sông bắt nguồn từ đâu?",
    "นกบินไปทางทิศใต้",
    "河流发源于何处？",
    "أين ينبع النهر؟",
    "Nehir nereden doğar?",
    "🦦🌊",
    "The library closes at six on weekdays and at noon on Saturdays; on Sundays and on public holidays it \
     stays shut, except in the weeks before the examinations, when the reading room on the second floor is \
     open to everybody who shows a card at the desk, and the night porter keeps a list of those who stay.",
];

#[test]
fn tokens_have_the_vectors_of_the_published_graph() {
    let Some(model) = path_of("CLIRBENCH_MINILM") else { return };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let graph = dir.path().join("model.onnx");
    let report = export(&model, &graph, ExportOptions::default()).expect("exported");
    // 22,713,216 with the pooler, which no embedding uses: a matrix and a vector of 384.
    assert_eq!(report.parameters, 22_713_216 - 384 * 384 - 384);

    let mut directory = ModelDirectory::read(&model).expect("a directory");
    let tokenizer = TextTokenizer::read(&mut directory, Some(256)).expect("a tokenizer");
    let tokens: Vec<_> = TEXTS.iter().map(|text| tokenizer.encode("", text).expect("tokens").ids).collect();
    let width = tokens.iter().map(Vec::len).max().expect("texts");
    let padded = |of: &dyn Fn(&[u32], usize) -> i64| -> Vec<Vec<i64>> {
        tokens.iter().map(|ids| (0..width).map(|i| of(ids, i)).collect()).collect()
    };
    let inputs = Inputs::from([
        ("input_ids".to_owned(), padded(&|ids, i| ids.get(i).map_or(0, |id| i64::from(*id)))),
        ("attention_mask".to_owned(), padded(&|ids, i| i64::from(i < ids.len()))),
        ("token_type_ids".to_owned(), padded(&|_, _| 0)),
    ]);
    let Some(ours) = run(&graph, &inputs) else { return };
    let theirs = run(&model.join("onnx/model.onnx"), &inputs).expect("ONNX Runtime is there");
    for ((text, ids), (a, b)) in TEXTS.iter().zip(&tokens).zip(ours.iter().zip(&theirs)) {
        for (a, b) in a.iter().zip(b).take(ids.len()) {
            let largest = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(largest < 1e-4, "{text:?}: off by {largest}");
        }
    }
}
