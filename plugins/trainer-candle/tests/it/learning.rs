//! A fit learns, and leaves a whole model directory.

use std::fs;

use clirbench_model::{SHARD_BYTES, TensorSpec, TensorWriter, Tensors};
use clirbench_plugin::serde_json::json;
use half::f16;

use crate::session::Watch;
use crate::tiny;
use crate::workplace::{Workplace, files, options, options_with};

#[test]
fn eight_pairs_are_learnt_by_heart() {
    let place = Workplace::new(0.0);
    let mut watch = Watch::info_nce();
    let report = place.fit(&options(), &mut watch).unwrap();
    let losses: Vec<f64> = watch.reports.iter().map(|r| r.loss).collect();
    assert!(losses[0] > 1.0 && losses[58] + losses[59] < 0.02, "{losses:?}");
    assert_eq!((report.steps, report.best_step, report.best_score), (60, 60, None));
    assert_eq!((report.resumed_at, report.texts, report.truncated), (0, 60 * 8, 0));
    // 64 + 32 + 2 rows of 16, 2 layers of 4 x (16 x 16 + 16) + 2 x 16 x 32 + 32 + 16 and 2 norms, a norm.
    assert_eq!(report.parameters, 98 * 16 + 2 * (4 * 272 + 1024 + 48 + 64) + 32);
    assert_eq!(report.warnings, Vec::<String>::new());
}

#[test]
fn reports_and_csv_follow_the_schedule() {
    let place = Workplace::new(0.0);
    let mut watch = Watch::info_nce();
    place.fit(&options(), &mut watch).unwrap();
    let rates: Vec<f64> = watch.reports.iter().map(|r| r.learning_rate).collect();
    // 60 steps, 6 of them warm-up.
    assert_eq!(rates[0], 0.0);
    assert!((rates[3] - 5e-3).abs() < 1e-12 && (rates[6] - 1e-2).abs() < 1e-12);
    assert!((rates[59] - 1e-2 / 54.0).abs() < 1e-12);
    assert!(watch.reports.iter().all(|r| r.gradient_norm > 0.0 && r.parts == [r.loss / 2.0]));
    assert_eq!(watch.reports[2].epoch, 1.5);

    let csv = fs::read_to_string(place.path("out/training.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "step,epoch,loss,half,learning_rate,gradient_norm,validation");
    assert_eq!(lines.len(), 61);
    assert!(lines[1].starts_with(&format!("1,0.5,{},", watch.reports[0].loss)), "{}", lines[1]);
}

#[test]
fn the_result_is_a_model_directory_with_the_names_of_the_base() {
    let place = Workplace::new(0.0);
    place.fit(&options(), &mut Watch::info_nce()).unwrap();
    let (base, out) = (files(&place.path("base")), files(&place.path("out")));
    let mut names: Vec<&String> = base.keys().collect();
    let log = "training.csv".to_owned();
    names.push(&log);
    assert_eq!(out.keys().collect::<Vec<_>>(), names);
    for name in ["tokenizer.json", "modules.json", "1_Pooling/config.json"] {
        assert_eq!(out[name], base[name], "{name}");
    }
    let card = String::from_utf8(out["README.md"].clone()).unwrap();
    assert!(card.starts_with("---\nlanguage: en\n---\n# base, fine-tuned\n"), "{card}");

    let tensors = |name: &str| Tensors::open(&place.path(name)).unwrap();
    let (before, after) = (tensors("base"), tensors("out"));
    assert_eq!(before.names().collect::<Vec<_>>(), after.names().collect::<Vec<_>>());
    for name in before.names() {
        let same = before.read(name).unwrap() == after.read(name).unwrap();
        assert_eq!(same, name.starts_with("pooler."), "{name}");
    }
    assert_eq!(place.left_behind(), ["checkpoints", "out"]);
    assert!(files(&place.path("checkpoints")).is_empty(), "nothing is left to continue");
}

#[test]
fn groups_freeze_and_set_rates() {
    let place = Workplace::new(0.0);
    let groups = json!([
        { "match": "embeddings.*", "frozen": true },
        { "match": "encoder.layer.0.*", "learning_rate": 1e-4, "weight_decay": 0.0 },
    ]);
    let config = options_with(json!({ "groups": groups, "epochs": 2 }));
    let report = place.fit(&config, &mut Watch::info_nce()).unwrap();
    assert_eq!(report.parameters, 2 * (4 * 272 + 1024 + 48 + 64));
    let read = |folder: &str, name: &str| {
        Tensors::open(&place.path(folder)).unwrap().read(name).unwrap().to_f32().unwrap()
    };
    let moved = |name: &str| {
        let pairs = read("base", name).into_iter().zip(read("out", name));
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    assert_eq!(moved("embeddings.word_embeddings.weight"), 0.0);
    assert!((1e-5..1e-3).contains(&moved("encoder.layer.0.output.dense.bias")));
    assert!(moved("encoder.layer.1.output.dense.bias") > 5e-3);
}

#[test]
fn the_best_validation_is_what_is_written() {
    // With a constant rate, the first 8 steps of 16 are those of a fit of 8.
    let config = |epochs| {
        json!({
            "learning_rate": 3e-3, "epochs": epochs, "batch_size": 4, "warmup_ratio": 0.0,
            "schedule": "constant", "weight_decay": 0.05,
        })
    };
    let mut place = Workplace::new(0.1);
    place.job.validate_every = 4;
    let scores = [0.2, 0.9, 0.3, 0.9];
    let mut watch = Watch::info_nce().with_scores(&scores);
    let report = place.fit(&config(8), &mut watch).unwrap();
    assert_eq!((report.best_step, report.best_score), (8, Some(0.9)));
    let validated: Vec<_> = watch.reports.iter().filter_map(|r| Some((r.step, r.validation?))).collect();
    assert_eq!(validated, [(4, 0.2), (8, 0.9), (12, 0.3), (16, 0.9)]);
    let best = place.take_result();

    place.job.validate_every = 0;
    place.fit(&config(4), &mut Watch::info_nce()).unwrap();
    assert_eq!(place.take_result()["model.safetensors"], best["model.safetensors"]);

    place.job.validate_every = 4;
    place.job.greater_is_better = false;
    let report = place.fit(&config(8), &mut Watch::info_nce().with_scores(&scores)).unwrap();
    assert_eq!((report.best_step, report.best_score), (4, Some(0.2)));
    assert_ne!(place.take_result()["model.safetensors"], best["model.safetensors"]);
}

#[test]
fn a_batch_in_chunks_has_the_gradient_of_the_whole() {
    let place = Workplace::new(0.0);
    let first = |chunk_tokens: usize| {
        let config = options_with(json!({ "epochs": 3, "batch_size": 8, "chunk_tokens": chunk_tokens }));
        let mut watch = Watch::info_nce();
        let report = place.fit(&config, &mut watch).unwrap();
        place.take_result();
        (watch.reports, report.texts)
    };
    let (whole, texts) = first(8192);
    for chunk_tokens in [1, 20] {
        let (chunked, chunked_texts) = first(chunk_tokens);
        assert_eq!(texts, chunked_texts, "a second pass counts no text");
        for (a, b) in whole.iter().zip(&chunked) {
            assert!((a.gradient_norm / b.gradient_norm - 1.0).abs() < 1e-5, "{a:?} {b:?}");
            assert!((a.loss - b.loss).abs() < 1e-5 * a.loss, "{a:?} {b:?}");
        }
    }
}

#[test]
fn half_precision_learns_and_its_masters_are_f32() {
    for precision in ["bf16", "f16"] {
        let place = Workplace::new(0.0);
        let mut watch = Watch::info_nce();
        place.fit(&options_with(json!({ "precision": precision })), &mut watch).unwrap();
        let losses: Vec<f64> = watch.reports.iter().map(|r| r.loss).collect();
        assert!(losses[58] + losses[59] < 0.05, "{precision}: {losses:?}");
        let tensors = Tensors::open(&place.path("out")).unwrap();
        let weights = tensors.read("encoder.layer.0.output.dense.weight").unwrap();
        assert_eq!(weights.dtype, "F32");
        let rounded = |x: &f32| x.to_bits() & 0xffff == 0;
        assert!(!weights.to_f32().unwrap().iter().all(rounded), "{precision}: weights were rounded");
    }
}

#[test]
fn weights_can_keep_the_type_of_the_base() {
    let place = Workplace::new(0.0);
    let base = Tensors::open(&place.path("base")).unwrap();
    let spec = |name: &str| TensorSpec {
        name: name.to_owned(),
        dtype: "F16".to_owned(),
        shape: base.describe(name).unwrap().1.to_vec(),
    };
    let specs = base.names().map(spec).collect();
    let mut writer = TensorWriter::create(&place.path("base"), specs, SHARD_BYTES).unwrap();
    for name in base.names() {
        let values = base.read(name).unwrap().to_f32().unwrap();
        let halves: Vec<u8> = values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect();
        writer.write(name, &halves).unwrap();
    }
    writer.finish().unwrap();
    place.fit(&options_with(json!({ "saved_type": "base" })), &mut Watch::info_nce()).unwrap();
    let (before, after) =
        (Tensors::open(&place.path("base")).unwrap(), Tensors::open(&place.path("out")).unwrap());
    for name in after.names() {
        assert_eq!(after.describe(name).unwrap().0, "F16", "{name}");
    }
    let weight = "encoder.layer.0.output.dense.weight";
    assert_ne!(before.read(weight).unwrap(), after.read(weight).unwrap());
}

#[test]
fn a_static_model_is_trained_like_any_other() {
    let place = Workplace::new(0.0);
    fs::remove_dir_all(place.path("base")).unwrap();
    tiny::write_static(&place.path("base"));
    let mut watch = Watch::info_nce();
    let report = place.fit(&options_with(json!({ "learning_rate": 0.05 })), &mut watch).unwrap();
    let losses: Vec<f64> = watch.reports.iter().map(|r| r.loss).collect();
    assert!(losses[0] > 0.1 && losses[58] + losses[59] < 0.1 * losses[0], "{losses:?}");
    assert_eq!((report.parameters, report.truncated), (64 * 16, 0));
    let (base, out) = (files(&place.path("base")), files(&place.path("out")));
    let mut names: Vec<&str> = base.keys().map(String::as_str).collect();
    names.extend(["README.md", "training.csv"]);
    names.sort_unstable();
    assert_eq!(out.keys().collect::<Vec<_>>(), names);
    let weights = |folder: &str| {
        let tensors = Tensors::open(&place.path(folder).join("0_StaticEmbedding")).unwrap();
        tensors.read("embedding.weight").unwrap().to_f32().unwrap()
    };
    // Texts get no special tokens: [CLS] is in none, and only decays.
    let (before, after) = (weights("base"), weights("out"));
    assert!(before[32..48].iter().zip(&after[32..48]).all(|(b, a)| (0.8..1.0).contains(&(a / b))));
    assert!(before[64..].iter().zip(&after[64..]).any(|(b, a)| (a - b).abs() > 0.1));
}

#[test]
fn long_texts_are_cut_and_counted() {
    let mut place = Workplace::new(0.0);
    place.texts[8] = ["w1"; 40].join(" ");
    let report = place.fit(&options_with(json!({ "epochs": 1 })), &mut Watch::info_nce()).unwrap();
    assert_eq!(report.truncated, 1);
    place.take_result();
    // [CLS], two words and [SEP].
    let short = options_with(json!({ "epochs": 1, "max_length": 4 }));
    let report = place.fit(&short, &mut Watch::info_nce()).unwrap();
    assert!(report.truncated > 8, "{}", report.truncated);
}

#[test]
fn repeated_texts_are_kept_apart_and_reported() {
    let mut place = Workplace::new(0.0);
    for row in 0..4 {
        place.rows[2 * row] = 0;
    }
    let report = place.fit(&options_with(json!({ "epochs": 1 })), &mut Watch::info_nce()).unwrap();
    assert_eq!(report.steps, 4);
    assert!(report.warnings[0].contains("batches are not full"), "{:?}", report.warnings);
}
