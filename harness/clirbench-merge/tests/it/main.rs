//! Which directories can be merged, and what those are told that cannot.
//!
//! What mergers make of them is tested from the outside, in `tests/it/merge.rs` of the workspace.
#![allow(clippy::unwrap_used, reason = "a test that meets an error should fail")]

mod directory;

use clirbench_merge::{Error, MergeSpec, Parent, Parents};
use serde_json::json;

use crate::directory::{Directory, f32s, i64s};

/// What `b` is told when it is merged with `a`.
fn refused(a: &Directory, b: &Directory) -> Error {
    Parents::open(&spec(a, b)).expect_err("they cannot be merged")
}

fn spec(a: &Directory, b: &Directory) -> MergeSpec {
    let parent = |directory: &Directory, name: &str| Parent {
        name: Some(name.to_owned()),
        ..Parent::new(directory.path().to_owned())
    };
    MergeSpec::new("uniform", vec![parent(a, "one"), parent(b, "two")])
}

#[test]
fn equal_directories_and_harmless_differences_are_merged() {
    let (a, b) = (Directory::new(), Directory::new());
    Parents::open(&spec(&a, &b)).unwrap();
    b.edit("config.json", |config| {
        config["torch_dtype"] = json!("bfloat16");
        config["transformers_version"] = json!("5.0.0");
        config["hidden_dropout_prob"] = json!(0.0);
        config["_name_or_path"] = json!("another/place");
    });
    b.edit("tokenizer.json", |tokenizer| tokenizer["truncation"] = json!({"max_length": 128}));
    b.weights("", &[("w", "BF16", &[2, 3]), ("ids", "I64", &[2])], |name, _| {
        if name == "ids" { i64s(&[0, 1]) } else { vec![0; 12] }
    });
    let parents = Parents::open(&spec(&a, &b)).unwrap();
    assert_eq!(parents.names().collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(parents.first(), a.path());
}

#[test]
fn each_difference_is_refused_by_name() {
    type Spoil = fn(&Directory);
    let cases: [(Spoil, &[&str]); 16] = [
        (
            |d| d.edit("1_Pooling/config.json", |c| c["pooling_mode_cls_token"] = json!(true)),
            &["pooling is cls + mean", "mean there"],
        ),
        (
            |d| d.edit("1_Pooling/config.json", |c| c["include_prompt"] = json!(false)),
            &["without the prompt"],
        ),
        (
            |d| d.edit("config_sentence_transformers.json", |c| c["prompts"]["query"] = json!("Find: ")),
            &["prompts", "Find: ", "query: "],
        ),
        (
            |d| d.edit("config_sentence_transformers.json", |c| c["similarity_fn_name"] = json!("dot")),
            &["similarity is dot", "cosine"],
        ),
        (
            |d| d.edit("sentence_bert_config.json", |c| c["do_lower_case"] = json!(true)),
            &["do_lower_case is true"],
        ),
        (
            |d| d.edit("modules.json", |m| m.as_array_mut().unwrap().truncate(2)),
            &["modules.json", "Dense in `2_Dense`"],
        ),
        (
            |d| d.edit("2_Dense/config.json", |c| c["activation_function"] = json!("torch.nn.Identity")),
            &["2_Dense applies Identity", "Tanh"],
        ),
        (
            |d| d.edit("config.json", |c| c["num_attention_heads"] = json!(4)),
            &["config.json has `num_attention_heads` 4; 2"],
        ),
        (|d| d.edit("config.json", |c| c["rope_theta"] = json!(1e4)), &["`rope_theta` 10000.0; absent"]),
        (|d| d.edit("tokenizer.json", |t| t["model"]["vocab"]["c"] = json!(2)), &["has 3 tokens; 2"]),
        (
            |d| d.edit("tokenizer.json", |t| t["model"]["vocab"] = json!({"b": 0, "a": 1})),
            &["`model` of tokenizer.json"],
        ),
        (
            |d| {
                d.weights("", &[("w", "F32", &[3, 2]), ("ids", "I64", &[2])], |n, _| {
                    if n == "ids" { i64s(&[0, 1]) } else { vec![0; 24] }
                })
            },
            &["tensor `w` has shape [3, 2]; [2, 3]"],
        ),
        (|d| d.weights("", &[("w", "F32", &[2, 3])], |_, _| vec![0; 24]), &["lack `ids`"]),
        (
            |d| {
                d.weights("", &[("w", "F32", &[2, 3]), ("ids", "I64", &[2]), ("v", "F32", &[1])], |n, _| {
                    match n {
                        "ids" => i64s(&[0, 1]),
                        "v" => f32s(&[1.0]),
                        _ => vec![0; 24],
                    }
                })
            },
            &["have `v`, which is not"],
        ),
        (
            |d| {
                d.weights("", &[("w", "F32", &[2, 3]), ("ids", "I64", &[2])], |n, _| {
                    if n == "ids" { i64s(&[1, 0]) } else { vec![0; 24] }
                })
            },
            &["tensor `ids` of type I64"],
        ),
        (
            |d| {
                d.weights(
                    "2_Dense",
                    &[("linear.weight", "F32", &[2, 2]), ("linear.bias", "F32", &[2]), ("extra", "F32", &[])],
                    |n, _| match n {
                        "linear.weight" => vec![0; 16],
                        "linear.bias" => vec![0; 8],
                        _ => vec![0; 4],
                    },
                )
            },
            &["have `2_Dense/extra`"],
        ),
    ];
    for (spoil, parts) in cases {
        let (a, b) = (Directory::new(), Directory::new());
        spoil(&b);
        let error = refused(&a, &b);
        assert_eq!(error.kind, "model", "{}", error.message);
        assert!(error.message.starts_with("`two` cannot be merged with `one`: its "), "{}", error.message);
        assert!(parts.iter().all(|part| error.message.contains(part)), "{parts:?}: {}", error.message);
        assert!(!error.hint.is_empty(), "{}", error.message);
        assert!(!error.message.contains('\n'), "{}", error.message);
    }
}

#[test]
fn a_base_may_have_more_but_not_less() {
    let (a, b, base) = (Directory::new(), Directory::new(), Directory::new());
    let mut spec = spec(&a, &b);
    spec.base = Some(base.path().to_owned());
    let ids = |name: &str, _: usize| match name {
        "ids" => i64s(&[0, 1]),
        "head" => vec![0; 4],
        _ => vec![0; 24],
    };
    base.weights("", &[("w", "F32", &[2, 3]), ("ids", "I64", &[2]), ("head", "F32", &[1])], ids);
    base.edit("config_sentence_transformers.json", |config| config["prompts"] = json!({}));
    Parents::open(&spec).unwrap();
    base.weights("", &[("ids", "I64", &[2]), ("head", "F32", &[1])], ids);
    let error = Parents::open(&spec).expect_err("no w");
    assert!(error.message.contains("lack `w`"), "{}", error.message);
}

#[test]
fn importances_are_of_all_models_and_of_all_weights() {
    let (a, b, of) = (Directory::new(), Directory::new(), Directory::new());
    let mut spec = spec(&a, &b);
    spec.models[0].importance = Some(of.path().to_owned());
    let error = Parents::open(&spec).expect_err("one of two");
    assert!(error.message.contains("`two` has no `importance`"), "{}", error.message);
    spec.models[1].importance = Some(of.path().join("model.safetensors"));
    let error = Parents::open(&spec).expect_err("no importances of the Dense module");
    assert!(error.message.contains("2_Dense/linear"), "{}", error.message);
    of.weights(
        "",
        &[
            ("w", "F32", &[2, 3]),
            ("2_Dense/linear.weight", "F32", &[2, 2]),
            ("2_Dense/linear.bias", "F32", &[2]),
        ],
        |_, elements| vec![0; 4 * elements],
    );
    Parents::open(&spec).unwrap();
}
