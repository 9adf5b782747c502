//! JSD + InfoNCE against golden values, finite differences and examples by hand.
#![allow(clippy::unwrap_used, reason = "a test that meets an error should fail")]

use std::f64::consts::{E, LN_2};

use clirbench_loss::testing::{
    GoldenFolder, OwnedBatch, check_defaults, check_golden, check_gradient, check_permutation,
};
use clirbench_plugin::serde_json::{Value, json};
use clirbench_plugin::{Host, Loss};
use loss_jsd_infonce::JsdInfoNce;

fn open(config: Value) -> JsdInfoNce {
    JsdInfoNce::open(&config, Host::detached().with_threads(2)).unwrap()
}

/// Two rows of query, positive and parallel.
fn two_rows(embeddings: [[f64; 2]; 6]) -> OwnedBatch {
    OwnedBatch { rows: 2, dim: 2, embeddings: embeddings.concat(), ..OwnedBatch::default() }
}

/// `jsd.npz`: the mean of sqrt(JSD + eps) in PyTorch, f64, and its autograd.
#[test]
fn values_and_gradients_of_the_divergence_are_those_of_autograd() {
    let Some(folder) = GoldenFolder::find(env!("CARGO_MANIFEST_DIR")) else { return };
    let (arrays, cases) = (folder.arrays("jsd.npz"), folder.cases("jsd.json"));
    assert_eq!(cases.len(), 10);
    for (name, case) in &cases {
        let (inputs, eps) = name.split_once("/eps").unwrap();
        let (first, second) = (&arrays[&format!("{inputs}/z1")], &arrays[&format!("{inputs}/z2")]);
        let [n, d] = first.shape[..] else { panic!("a matrix") };
        let query = vec![0.0; n * d];
        let batch = OwnedBatch {
            rows: n,
            dim: d,
            embeddings: [&query, &first.values, &second.values].map(|column| column.clone()).concat(),
            ..OwnedBatch::default()
        };
        let gradient = |z: &str| arrays[&format!("{name}/grad_{z}")].values.clone();
        let wanted = [query, gradient("z1"), gradient("z2")].concat();
        let mut loss = open(json!({ "eps": eps.parse::<f64>().unwrap(), "w_nce": 0 }));
        // The gradient has the direction between two embeddings. Where they differ by a few
        // thousandths, rounding both to f32 turns it by some 1e-6; where they agree, rounding is all
        // there is, and it counts the more the smaller eps is.
        let in_f32 = match (inputs, eps) {
            ("close", _) => 1e-5,
            ("with_identical_rows", "1e-12") => 5e-2,
            ("with_identical_rows", _) => 5e-4,
            _ => 1e-6,
        };
        let wanted = (case["loss"].as_f64().unwrap(), wanted.as_slice());
        let parts = check_golden(name, &mut loss, &batch, wanted, in_f32);
        // A query of zeros is equally far from all.
        assert!((parts[1] - (n as f64).ln()).abs() < 1e-12, "{name}: {parts:?}");
    }
}

/// Passages at right angles, scaled so far that each softmax is one component: JSD = ln 2.
#[test]
fn both_parts_by_hand() {
    let (east, north) = ([1e3, 0.0], [0.0, 1e3]);
    let batch = two_rows([east, north, east, north, north, east]);
    let (value, _, parts) = batch.eval(&mut open(json!({ "w_jsd": 2, "w_nce": 3 }))).unwrap();
    assert!((parts[0] - (LN_2 + 1e-8).sqrt()).abs() < 1e-12, "{parts:?}");
    // The parallel passage has the cosine 0 with its own query and 1 with the other.
    assert!((parts[1] - (1.0 + E).ln()).abs() < 1e-12, "{parts:?}");
    assert!((value - (2.0 * parts[0] + 3.0 * parts[1])).abs() < 1e-12);
}

/// The parallel passage chooses among queries: rows of the softmax are passages.
#[test]
fn the_passage_chooses_its_query() {
    let (east, north) = ([1.0, 0.0], [0.0, 1.0]);
    let batch = two_rows([east, east, north, north, east, north]);
    let (_, _, parts) = batch.eval(&mut open(json!({}))).unwrap();
    // Both queries are alike, so no passage can choose. Were the queries to choose among passages,
    // the first would choose right and the second wrong: (ln(1 + 1/e) + ln(1 + e)) / 2.
    assert!((parts[1] - LN_2).abs() < 1e-12, "{parts:?}");
}

#[test]
fn psg_takes_the_positive_for_the_query() {
    let batch = OwnedBatch::random(3, 4, 5, 50);
    let mut swapped = batch.clone();
    swapped.embeddings.copy_within(20..40, 0);
    let nce = |batch: &OwnedBatch, pairs: &str| {
        let mut loss = open(json!({ "w_jsd": 0, "temperature": 0.1, "nce_pairs": pairs }));
        batch.eval(&mut loss).unwrap()
    };
    let ((value, gradient, _), (expected, of_query, _)) = (nce(&batch, "psg"), nce(&swapped, "query"));
    assert_eq!(value, expected);
    assert!(gradient[..20].iter().all(|&g| g == 0.0) && of_query[20..40].iter().all(|&g| g == 0.0));
    assert_eq!((&gradient[20..40], &gradient[40..]), (&of_query[..20], &of_query[40..]));
}

#[test]
fn a_weight_of_0_leaves_a_part_out_and_reports_it() {
    let batch = OwnedBatch::random(3, 4, 5, 51);
    let eval =
        |w_jsd: f64, w_nce: f64| batch.eval(&mut open(json!({ "w_jsd": w_jsd, "w_nce": w_nce }))).unwrap();
    let (both, jsd, nce) = (eval(1.0, 1.0), eval(1.0, 0.0), eval(0.0, 1.0));
    assert!(both.2 == jsd.2 && both.2 == nce.2 && both.2.iter().all(|&part| part > 0.0));
    assert_eq!((jsd.0, nce.0), (both.2[0], both.2[1]));
    assert!(jsd.1[..20].iter().all(|&g| g == 0.0), "the divergence does not look at queries");
    for ((both, jsd), nce) in both.1.iter().zip(&jsd.1).zip(&nce.1) {
        assert!((both - (jsd + nce)).abs() < 1e-7);
    }
}

#[test]
fn texts_that_agree_are_not_pulled_and_never_nan() {
    for z in ["raw", "normalized"] {
        let mut batch = OwnedBatch::random(3, 4, 5, 52);
        batch.embeddings.copy_within(20..40, 40);
        let mut loss = open(json!({ "w_nce": 0, "z": z, "eps": 1e-12 }));
        let (value, gradient, _) = batch.eval(&mut loss).unwrap();
        assert!((value - 1e-6).abs() < 1e-12, "the root of eps is left: {value}");
        assert!(gradient.iter().all(|&g| g == 0.0), "{gradient:?}");
    }
}

/// Scaling a text changes its softmax, and changes nothing once it is normalised.
#[test]
fn normalized_z_does_not_care_for_length() {
    let batch = OwnedBatch::random(3, 4, 5, 53);
    let mut longer = batch.clone();
    longer.embeddings[40..].iter_mut().for_each(|x| *x *= 4.0);
    let jsd = |batch: &OwnedBatch, z: &str| batch.eval(&mut open(json!({ "z": z }))).unwrap().2[0];
    assert!((jsd(&batch, "normalized") - jsd(&longer, "normalized")).abs() < 1e-12);
    assert!((jsd(&batch, "raw") - jsd(&longer, "raw")).abs() > 0.1);
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let batch = OwnedBatch::random(3, 4, 5, 54);
    for z in ["raw", "normalized"] {
        for pairs in ["query", "psg"] {
            for (w_jsd, w_nce, temperature) in
                [(1.0, 1.0, 1.0), (0.5, 2.0, 0.1), (1.0, 0.0, 1.0), (0.0, 1.0, 0.05)]
            {
                let loss = open(json!({
                    "w_jsd": w_jsd, "w_nce": w_nce, "temperature": temperature, "eps": 1e-8,
                    "z": z, "nce_pairs": pairs,
                }));
                check_gradient(&loss, &batch, 1e-3, 1e-7);
            }
        }
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    for pairs in ["query", "psg"] {
        let loss = open(json!({ "nce_pairs": pairs }));
        check_permutation(&loss, &OwnedBatch::random(3, 4, 5, 55), &[2, 0, 3, 1]);
    }
}

#[test]
fn the_schemas_defaults_are_the_losses() {
    check_defaults::<JsdInfoNce>(include_str!("../../schema.json"), &OwnedBatch::random(3, 4, 5, 56));
}

#[test]
fn options_that_make_no_loss_are_refused() {
    for (config, what) in [
        (json!({ "w_jsd": -1 }), "w_jsd is -1"),
        (json!({ "w_nce": -1 }), "w_nce is -1"),
        (json!({ "temperature": 0 }), "temperature is 0"),
        (json!({ "eps": 0 }), "eps is 0"),
        (json!({ "z": "mean" }), "unknown variant `mean`"),
        (json!({ "nce_pairs": "both" }), "unknown variant `both`"),
        (json!({ "tau": 1 }), "unknown field `tau`"),
    ] {
        let error = JsdInfoNce::open(&config, Host::detached()).err().unwrap();
        assert_eq!(error.kind, "config");
        assert!(error.message.contains(what) && !error.hint.is_empty(), "{error:?}");
    }
}
