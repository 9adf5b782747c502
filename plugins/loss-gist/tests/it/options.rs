//! What the options may be.

use clirbench_loss::testing::{OwnedBatch, check_defaults};
use clirbench_plugin::serde_json::json;
use clirbench_plugin::{Host, Loss};
use loss_gist::Gist;

#[test]
fn the_schemas_defaults_are_the_losses() {
    let batch = OwnedBatch::random(3, 4, 5, 21).with_guide(3, 22);
    check_defaults::<Gist>(include_str!("../../schema.json"), &batch);
}

#[test]
fn options_that_make_no_loss_are_refused() {
    for (config, what) in [
        (json!({ "temperature": 0 }), "temperature is 0"),
        (json!({ "margin": -0.1 }), "margin is -0.1"),
        (json!({ "margin_strategy": "both" }), "unknown variant `both`"),
        (json!({ "marjin": 0.1 }), "unknown field `marjin`"),
    ] {
        let error = Gist::open(&config, Host::detached()).err().unwrap();
        assert_eq!(error.kind, "config");
        assert!(error.message.contains(what) && !error.hint.is_empty(), "{error:?}");
    }
}

#[test]
fn a_batch_without_guide_embeddings_is_refused() {
    let mut loss = Gist::open(&json!({}), Host::detached()).unwrap();
    let error = OwnedBatch::random(2, 3, 4, 1).eval(&mut loss).unwrap_err();
    assert_eq!(error.kind, "input");
    assert!(error.message.contains("guide"), "{error:?}");
}
