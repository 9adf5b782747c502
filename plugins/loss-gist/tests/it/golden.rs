//! `losses.npz`: (Cached)GISTEmbedLoss of sentence-transformers 6.2 in f64.

use clirbench_loss::testing::{GoldenFolder, OwnedBatch, check_golden};
use clirbench_plugin::serde_json::Value;

use crate::open;

/// A case's options in our words.
fn options(case: &Value) -> Value {
    let mut options = case["config"].clone();
    options.as_object_mut().unwrap().remove("class");
    options
}

#[test]
fn values_and_gradients_are_those_of_sentence_transformers() {
    let Some(folder) = GoldenFolder::find(env!("CARGO_MANIFEST_DIR")) else { return };
    let (inputs, gradients) = (folder.arrays("losses_inputs.npz"), folder.arrays("losses.npz"));
    let cases = folder.cases("losses.json");
    let cases = cases.iter().filter(|(name, _)| name.starts_with("gist_"));
    let mut seen = 0;
    for (name, case) in cases {
        let negatives = case["negatives"].as_u64().unwrap() as usize;
        let ties = if name.starts_with("gist_ties") { "ties_" } else { "" };
        let [n, d] = inputs["anchor"].shape[..] else { panic!("a matrix") };
        let columns = |prefix: &str, ties: &str| {
            let hard = &inputs[&format!("{ties}{prefix}negatives")].values[..negatives * n * d];
            [
                &inputs[&format!("{prefix}anchor")].values,
                &inputs[&format!("{ties}{prefix}positive")].values,
                hard,
            ]
            .concat()
        };
        let batch = OwnedBatch {
            rows: n,
            dim: d,
            embeddings: columns("", ""),
            guide_dim: d,
            guide: columns("guide_", ties),
            labels: vec![],
        };
        let wanted_value = case["loss_f64"].as_f64().unwrap();
        let wanted: Vec<f64> = ["anchor", "positive", "negatives"]
            .into_iter()
            .filter_map(|column| gradients.get(&format!("{name}/{column}")))
            .flat_map(|array| array.values.clone())
            .collect();

        let mut loss = open(options(case));
        let parts = check_golden(name, &mut loss, &batch, (wanted_value, &wanted), 1e-6);

        // The golden count has the texts that meet themselves in it; the part has not.
        let flag = |name: &str| usize::from(case["config"][name].as_bool().unwrap());
        let (anchors, positives) = (flag("contrast_anchors"), flag("contrast_positives"));
        let hidden = case["masked_entries"].as_u64().unwrap() as usize - n * (anchors + positives);
        let could_be = n * (n - 1) * (1 + anchors + positives) + n * n * negatives;
        assert_eq!(parts, [hidden as f64 / could_be as f64], "{name}");
        seen += 1;
    }
    assert_eq!(seen, 40);
}
