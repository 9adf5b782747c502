//! Files in and out: names, types, shards, and what is refused.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device};
use clirbench_candle::{Head, Mode, Model, PoolingMode, SaveType};
use safetensors::{Dtype, SafeTensors};

use crate::tiny::{Kind, load, write_tensors};

/// Type, shape and bytes of each tensor of a file.
fn read(path: &Path) -> BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)> {
    let bytes = std::fs::read(path).expect("a file");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let content = |view: safetensors::tensor::TensorView<'_>| {
        (view.dtype(), view.shape().to_vec(), view.data().to_vec())
    };
    file.tensors().into_iter().map(|(name, view)| (name, content(view))).collect()
}

fn error(dir: &Path, kind: Kind) -> clirbench_plugin::Error {
    match Model::load(dir, &kind.head(dir), &Device::Cpu, DType::F32) {
        Ok(_) => panic!("a damaged model was loaded"),
        Err(e) => e,
    }
}

#[test]
fn what_was_read_is_written_with_the_same_names() {
    for kind in Kind::ALL {
        let (from, to) = (tempfile::tempdir().expect("from"), tempfile::tempdir().expect("to"));
        kind.write(from.path());
        let mut tensors = kind.tensors();
        if kind == Kind::Bert {
            // Not the model's, and harmless.
            tensors
                .extend([("pooler.dense.weight".to_owned(), vec![18, 18]), ("cls.bias".to_owned(), vec![3])]);
            write_tensors(&from.path().join("model.safetensors"), &tensors);
        }
        let model = load(kind, from.path());
        model.save(to.path(), SaveType::F32).expect("saved");
        let file = Path::new("model.safetensors");
        assert_eq!(read(&from.path().join(file)), read(&to.path().join(file)), "{kind:?}");
        let header = std::fs::read(to.path().join(file)).expect("a file");
        assert!(String::from_utf8_lossy(&header[..4096.min(header.len())]).contains(r#""format":"pt""#));
        if kind.head(from.path()) != Head::CrossEncoder {
            model.save_module("2_Dense", to.path(), SaveType::F32).expect("saved");
            assert_eq!(read(&from.path().join("2_Dense").join(file)), read(&to.path().join(file)));
        }
    }
}

#[test]
fn a_model_can_be_written_over_its_own_files_and_in_shards() {
    let dir = tempfile::tempdir().expect("a directory");
    Kind::Bert.write(dir.path());
    let mut tensors = Kind::Bert.tensors();
    tensors.push(("pooler.dense.weight".to_owned(), vec![18, 18]));
    let single = dir.path().join("model.safetensors");
    write_tensors(&single, &tensors);
    let whole = read(&single);
    let model = load(Kind::Bert, dir.path());
    let before = embeddings(&model);
    model.save_sharded(dir.path(), SaveType::F32, 10_000).expect("saved");
    assert!(!single.exists(), "the single file would be read instead of the shards");
    let index = std::fs::read(dir.path().join("model.safetensors.index.json")).expect("an index");
    let index: serde_json::Value = serde_json::from_slice(&index).expect("JSON");
    let map = index["weight_map"].as_object().expect("a map");
    assert_eq!(map.keys().collect::<std::collections::BTreeSet<_>>(), whole.keys().collect());
    let mut shards: Vec<&str> = map.values().filter_map(|v| v.as_str()).collect();
    shards.sort_unstable();
    shards.dedup();
    assert!(shards.len() > 3, "{shards:?}");
    let all: BTreeMap<_, _> = shards.iter().flat_map(|shard| read(&dir.path().join(shard))).collect();
    assert_eq!(all, whole);
    let again = load(Kind::Bert, dir.path());
    assert_eq!(embeddings(&again), before);
    // And back: the index goes.
    again.save(dir.path(), SaveType::F32).expect("saved");
    assert_eq!(read(&single), whole);
    assert!(!dir.path().join("model.safetensors.index.json").exists());
}

fn embeddings(model: &Model) -> Vec<f32> {
    let forward = model.forward(&Kind::Bert.batch(), Mode::Inference).expect("forward");
    forward.embeddings.flatten_all().and_then(|e| e.to_vec1()).expect("values")
}

#[test]
fn half_precision_files_keep_their_type_if_asked() {
    let dir = tempfile::tempdir().expect("a directory");
    let bytes: Vec<u8> = [1.0_f32, -2.5, 0.0, 3.0]
        .iter()
        .flat_map(|v| v.to_bits().to_be_bytes()[..2].iter().rev().copied().collect::<Vec<u8>>())
        .collect();
    let view = safetensors::tensor::TensorView::new(Dtype::BF16, vec![2, 2], &bytes).expect("a tensor");
    let file = dir.path().join("model.safetensors");
    safetensors::serialize_to_file([("embedding.weight", view)], None, &file).expect("written");
    let model =
        Model::load(dir.path(), &Head::pooled(PoolingMode::Mean), &Device::Cpu, DType::F32).expect("loaded");
    let out = tempfile::tempdir().expect("a directory");
    let written = out.path().join("model.safetensors");
    model.save(out.path(), SaveType::AsRead).expect("saved");
    assert_eq!(read(&written), read(&file));
    model.save(out.path(), SaveType::F32).expect("saved");
    let values: Vec<u8> = [1.0_f32, -2.5, 0.0, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(read(&written)["embedding.weight"], (Dtype::F32, vec![2, 2], values));
}

#[test]
fn missing_extra_and_misshapen_tensors_are_named() {
    for kind in [Kind::Bert, Kind::XlmRPairs, Kind::ModernBert] {
        let dir = tempfile::tempdir().expect("a directory");
        kind.write(dir.path());
        let file = dir.path().join("model.safetensors");
        let mut tensors = kind.tensors();
        let (missing, _) = tensors.remove(7);
        write_tensors(&file, &tensors);
        let e = error(dir.path(), kind);
        assert!(e.message.contains(&format!("lack {missing}")) && !e.hint.is_empty(), "{e:?}");

        let mut tensors = kind.tensors();
        tensors.push(("encoder.layer.99.strange.weight".to_owned(), vec![2]));
        write_tensors(&file, &tensors);
        assert!(error(dir.path(), kind).message.contains("encoder.layer.99.strange.weight"));

        let mut tensors = kind.tensors();
        tensors[7].1[0] += 1;
        let message = format!("tensor {} has shape", tensors[7].0);
        write_tensors(&file, &tensors);
        assert!(error(dir.path(), kind).message.contains(&message));
    }
}

#[test]
fn damaged_directories_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let kind = Kind::Bert;
    kind.write(dir.path());
    let file = dir.path().join("model.safetensors");
    let bytes = std::fs::read(&file).expect("a file");
    for cut in [0, 5, 100, bytes.len() - 1] {
        std::fs::write(&file, &bytes[..cut]).expect("written");
        let e = error(dir.path(), kind);
        assert!(e.kind == "model" && e.message.contains("model.safetensors"), "{e:?}");
    }
    std::fs::remove_file(&file).expect("removed");
    assert!(error(dir.path(), kind).message.contains("neither model.safetensors nor"));
    for (field, value, expected) in [
        ("model_type", serde_json::json!("gpt2"), "model_type \"gpt2\""),
        ("hidden_act", serde_json::json!("swish"), "hidden_act \"swish\""),
        ("num_attention_heads", serde_json::json!(5), "num_attention_heads 5"),
        ("hidden_dropout_prob", serde_json::json!(1.5), "hidden_dropout_prob is 1.5"),
        ("position_embedding_type", serde_json::json!("relative_key"), "relative_key"),
        ("hidden_size", serde_json::json!("wide"), "config.json"),
    ] {
        let mut config = kind.config().expect("a configuration");
        config[field] = value;
        std::fs::write(dir.path().join("config.json"), config.to_string()).expect("written");
        let e = error(dir.path(), kind);
        assert!(e.message.contains(expected) && e.message.contains("config.json"), "{field}: {e:?}");
    }
}
