//! A candidate exactly at the threshold stays, whatever the shape of the batch.

use clirbench_loss::testing::OwnedBatch;
use clirbench_plugin::serde_json::json;
use proptest::prelude::*;

use crate::open;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Where the guide has one embedding for all texts, all cosines are the same number, also those
    /// of different blocks: nothing is above any threshold, so nothing is hidden.
    #[test]
    fn equal_texts_are_equally_similar(
        rows in 2_usize..50,
        negatives in 0_usize..4,
        text in prop::collection::vec(-1.0_f64..1.0, 1..150),
    ) {
        let columns = 2 + negatives;
        let mut batch = OwnedBatch::random(columns, rows, 3, 31);
        batch.guide_dim = text.len();
        batch.guide = text.repeat(columns * rows);
        let (value, _, parts) = batch.eval(&mut open(json!({}))).unwrap();
        prop_assert_eq!(parts[0], 0.0);
        prop_assert!(value > 0.0);
    }

    /// A hard negative that is the positive's copy to the guide stays, though all others go.
    #[test]
    fn a_copy_of_the_positive_is_at_the_threshold(rows in 2_usize..40, dim in 1_usize..140) {
        let mut batch = OwnedBatch::random(3, rows, 4, 32).with_guide(dim, 33);
        let (positives, negatives) = batch.guide[rows * dim..].split_at_mut(rows * dim);
        negatives.copy_from_slice(positives);
        let hidden = |margin: f64| {
            let options = json!({
                "margin": margin, "contrast_anchors": false, "contrast_positives": false,
            });
            batch.eval(&mut open(options)).unwrap().2[0]
        };
        // Each row has its copy among 2n - 1 candidates, at the threshold; a margin takes it too.
        let of = (2 * rows - 1) as f64;
        prop_assert!(hidden(2.1) == 1.0);
        prop_assert!(hidden(0.0) <= 1.0 - 1.0 / of + 1e-12);
        prop_assert!(hidden(1e-9) >= hidden(0.0) + 1.0 / of - 1e-12);
    }
}
