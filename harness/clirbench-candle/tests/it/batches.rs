//! What a batch must not change: packing, order of texts, threads.

use clirbench_candle::{Batch, Head, Mode, Model, Pooling, PoolingMode};

use crate::tiny::{Kind, Numbers};

fn rows(model: &Model, batch: &Batch, mode: Mode) -> Vec<Vec<f32>> {
    model.forward(batch, mode).expect("forward").embeddings.to_vec2().expect("rows")
}

/// The texts of a batch, each in a batch of its own.
fn singles(batch: &Batch) -> Vec<Batch> {
    let mut start = 0;
    let single = |&length: &usize| {
        let tokens = start..start + length;
        start += length;
        let types = if batch.types.is_empty() { vec![] } else { batch.types[tokens.clone()].to_vec() };
        Batch { ids: batch.ids[tokens].to_vec(), types, lengths: vec![length] }
    };
    batch.lengths.iter().map(single).collect()
}

#[test]
fn a_text_does_not_depend_on_its_batch() {
    for kind in Kind::ALL {
        for model in [kind.model(), kind.model().with_reference_ops()] {
            let batch = kind.batch();
            let together = rows(&model, &batch, Mode::Inference);
            for (single, row) in singles(&batch).iter().zip(&together) {
                let alone = &rows(&model, single, Mode::Inference)[0];
                let worst = alone.iter().zip(row).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                // Matrix products of other sizes may sum in another order.
                assert!(worst < 5e-6, "{kind:?}, {:?} tokens: {worst:e}", single.lengths);
            }
        }
    }
}

#[test]
fn long_texts_agree_with_the_reference() {
    // More tokens than a block of queries has, more rows than a task takes, windows on both sides.
    let mut numbers = Numbers::new(21);
    for kind in [Kind::XlmR, Kind::ModernBert] {
        let dir = tempfile::tempdir().expect("a directory");
        kind.write(dir.path());
        let mut config = kind.config().expect("a configuration");
        config["max_position_embeddings"] = 302.into();
        std::fs::write(dir.path().join("config.json"), config.to_string()).expect("written");
        let tensors: Vec<_> = kind
            .tensors()
            .into_iter()
            .map(|(name, shape)| if shape[0] == 66 { (name, vec![302, shape[1]]) } else { (name, shape) })
            .collect();
        crate::tiny::write_tensors(&dir.path().join("model.safetensors"), &tensors);
        let (fused, reference) =
            (crate::tiny::load(kind, dir.path()), crate::tiny::load(kind, dir.path()).with_reference_ops());
        let texts: Vec<Vec<u32>> = [300, 129, 33]
            .iter()
            .map(|&n| (0..n).map(|_| (numbers.next().abs() * 30.0) as u32).collect())
            .collect();
        let batch = Batch::from_ids(&texts);
        let grad = numbers.take(3 * fused.dim());
        let norms = [&fused, &reference].map(|model| {
            let forward = model.forward(&batch, Mode::Train { dropout_seed: 1 }).expect("forward");
            let embeddings =
                forward.embeddings.flatten_all().and_then(|e| e.to_vec1::<f32>()).expect("values");
            let mut gradients = model.gradients();
            model.backward(forward, &grad, &mut gradients).expect("backward");
            (embeddings, gradients.norm().expect("norm"))
        });
        let worst =
            norms[0].0.iter().zip(&norms[1].0).map(|(a, b): (&f32, &f32)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5, "{kind:?}: {worst:e}");
        assert!(
            (norms[0].1 / norms[1].1 - 1.0).abs() < 1e-5,
            "{kind:?}: norms {} {}",
            norms[0].1,
            norms[1].1
        );
    }
}

#[test]
fn bytes_do_not_depend_on_threads() {
    for kind in Kind::ALL {
        let model = kind.model();
        // Enough texts for work to be shared out.
        let mut batch = kind.batch();
        for _ in 0..6 {
            batch.ids.extend_from_within(..);
            batch.types.extend_from_within(..);
            batch.lengths.extend_from_within(..);
        }
        let grad = Numbers::new(2).take(batch.texts() * model.dim());
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| {
                let forward = model.forward(&batch, Mode::Train { dropout_seed: 4 }).expect("forward");
                let embeddings = forward.embeddings.flatten_all().expect("flat");
                let mut bits = vec![embeddings.to_vec1::<f32>().expect("values")];
                let mut gradients = model.gradients();
                model.backward(forward, &grad, &mut gradients).expect("backward");
                for index in 0..gradients.names().len() {
                    let values = gradients.get(index).expect("a gradient").values();
                    bits.push(values.flatten_all().and_then(|v| v.to_vec1()).expect("values"));
                }
                bits.into_iter().flatten().map(f32::to_bits).collect::<Vec<u32>>()
            })
        };
        let one = run(1);
        for threads in [2, 3] {
            assert!(one == run(threads), "{kind:?}: {threads} threads give other bytes than one");
        }
    }
}

#[test]
fn all_poolings_pool_what_they_say() {
    use PoolingMode::{Cls, LastToken, Max, Mean, MeanSqrtLen, WeightedMean};
    let modes = vec![Cls, Mean, Max, LastToken, WeightedMean, MeanSqrtLen];
    let dir = tempfile::tempdir().expect("a directory");
    // One token has the values (-1, 1), ..., so that every pooling can be worked out by hand.
    let values = [[-1.0_f32, 1.0], [2.0, -2.0], [4.0, 0.5]];
    let bytes: Vec<u8> = values.iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![3, 2], &bytes);
    let file = dir.path().join("model.safetensors");
    safetensors::serialize_to_file([("embedding.weight", view.expect("a tensor"))], None, &file)
        .expect("written");
    let load = |skip: usize| {
        let head = Head::Embedding { pooling: Pooling { modes: modes.clone(), skip }, steps: vec![] };
        Model::load(dir.path(), &head, &candle_core::Device::Cpu, candle_core::DType::F32).expect("a model")
    };
    let batch = Batch::from_ids(&[vec![0, 1, 2], vec![2]]);
    let root = 3.0_f32.sqrt();
    let all = [
        -1.0,
        1.0,
        5.0 / 3.0,
        -0.5 / 3.0,
        4.0,
        1.0,
        4.0,
        0.5,
        15.0 / 6.0,
        -1.5 / 6.0,
        5.0 / root,
        -0.5 / root,
    ];
    let root = 2.0_f32.sqrt();
    let skipping =
        [2.0, -2.0, 3.0, -0.75, 4.0, 0.5, 4.0, 0.5, 10.0 / 3.0, -1.0 / 3.0, 6.0 / root, -1.5 / root];
    // A text of one token keeps it.
    let single = [4.0, 0.5].repeat(6);
    for (skip, expected) in [(0, all), (1, skipping)] {
        for model in [load(skip), load(skip).with_reference_ops()] {
            let rows = rows(&model, &batch, Mode::Inference);
            for (row, expected) in rows.iter().zip([expected.as_slice(), &single]) {
                let worst = row.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(worst < 1e-6, "skip {skip}: {row:?}, not {expected:?}");
            }
        }
    }
}

#[test]
fn a_batch_that_the_model_has_no_rows_for_is_an_error() {
    let model = Kind::Bert.model();
    let message = |batch: &Batch| match model.forward(batch, Mode::Inference) {
        Ok(_) => panic!("accepted {batch:?}"),
        Err(e) => e.message,
    };
    assert!(message(&Batch::from_ids(&[vec![31]])).contains("token id 31"));
    assert!(message(&Batch::from_ids(&[vec![1; 67]])).contains("67 tokens, the model has 66 positions"));
    assert!(message(&Batch::from_ids(&[vec![1], vec![]])).contains("text 1"));
    assert!(message(&Batch { ids: vec![1], types: vec![2], lengths: vec![1] }).contains("segment id 2"));
    assert!(message(&Batch { ids: vec![1], types: vec![], lengths: vec![2] }).contains("add up to 2"));
    assert!(message(&Batch::default()).contains("without texts"));
}
