//! Tiny models against transformers.

use clirbench_export::ExportOptions;

use crate::session::run;
use crate::tiny::{Case, Model, cases};

/// Largest difference between what the graph puts out for real tokens and the reference.
fn error(case: &Case, model: &Model) -> Option<f32> {
    let hidden = run(&model.graph(), &case.inputs)?;
    assert_eq!(hidden.len(), case.hidden.len());
    let mut largest = 0f32;
    for (text, expected) in hidden.iter().zip(&case.hidden) {
        // Padding comes after the real tokens.
        assert!(text.len() >= expected.len());
        for (x, y) in text.iter().zip(expected).flat_map(|(a, b)| {
            assert_eq!(a.len(), b.len());
            a.iter().zip(b)
        }) {
            largest = largest.max((x - y).abs());
        }
    }
    Some(largest)
}

#[test]
fn every_architecture_equals_transformers() {
    for (name, case) in cases() {
        for external_data in [false, true] {
            let model = Model::new(&case, "");
            model.export(ExportOptions { external_data, force: false }).expect("exported");
            let Some(error) = error(&case, &model) else { return };
            assert!(error < 1e-5, "{name}, external data {external_data}: off by {error}");
        }
    }
}

#[test]
fn a_checkpoint_with_a_task_head_has_a_prefix() {
    for (name, prefix) in
        [("bert", "bert."), ("xlm-roberta", "roberta."), ("modernbert, newer config", "model.")]
    {
        let case = &cases()[name];
        let model = Model::new(case, prefix);
        model.export(ExportOptions::default()).expect("exported");
        let Some(error) = error(case, &model) else { return };
        assert!(error < 1e-5, "{name}: off by {error}");
    }
}

#[test]
fn shorter_texts_and_other_batches_run_too() {
    for (name, case) in cases() {
        let model = Model::new(&case, "");
        model.export(ExportOptions::default()).expect("exported");
        // The second text alone, without its padding.
        let alone = case
            .inputs
            .iter()
            .map(|(name, rows)| (name.clone(), vec![rows[1][..case.hidden[1].len()].to_vec()]))
            .collect();
        let Some(hidden) = run(&model.graph(), &alone) else { return };
        let difference = |(a, b): (&f32, &f32)| (a - b).abs();
        let largest =
            hidden[0].concat().iter().zip(&case.hidden[1].concat()).map(difference).fold(0.0, f32::max);
        assert!(largest < 1e-5, "{name}: off by {largest}");
    }
}
