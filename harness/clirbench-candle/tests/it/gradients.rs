//! Gradients of tiny models of every architecture: fused against reference operations, both against
//! finite differences.

use candle_core::DType;
use clirbench_candle::{Gradient, Gradients, Mode, Model, cpu};

use crate::tiny::{Kind, Numbers};

const TRAIN: Mode = Mode::Train { dropout_seed: 7 };

/// Gradients of `sum(embeddings * grad)`.
fn gradients(model: &Model, kind: Kind, mode: Mode, grad: &[f32]) -> Gradients {
    let mut gradients = model.gradients();
    let forward = model.forward(&kind.batch(), mode).expect("forward");
    model.backward(forward, grad, &mut gradients).expect("backward");
    gradients
}

fn embeddings(model: &Model, kind: Kind, mode: Mode) -> Vec<f32> {
    let forward = model.forward(&kind.batch(), mode).expect("forward");
    forward.embeddings.flatten_all().and_then(|e| e.to_vec1()).expect("values")
}

fn output_gradient(model: &Model, kind: Kind) -> Vec<f32> {
    Numbers::new(3).take(kind.batch().texts() * model.dim())
}

/// A gradient as rows of the whole parameter.
fn dense(gradient: &Gradient, shape: &[usize]) -> Vec<f32> {
    let values = gradient.values().flatten_all().and_then(|v| v.to_vec1::<f32>()).expect("values");
    let Gradient::Rows { ids, .. } = gradient else { return values };
    assert!(ids.is_sorted_by(|a, b| a < b), "row ids ascend");
    let mut all = vec![0.0; shape.iter().product()];
    for (id, row) in ids.iter().zip(values.chunks(shape[1])) {
        all[*id as usize * shape[1]..][..shape[1]].copy_from_slice(row);
    }
    all
}

#[test]
fn fused_and_reference_operations_agree() {
    for kind in Kind::ALL {
        let (fused, reference) = (kind.model(), kind.model().with_reference_ops());
        for mode in [Mode::Inference, TRAIN] {
            let (a, b) = (embeddings(&fused, kind, mode), embeddings(&reference, kind, mode));
            // f32 sums in other orders, through four layers.
            let worst = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-5, "{kind:?} {mode:?}: embeddings differ by {worst:e}");
        }
        let grad = output_gradient(&fused, kind);
        let (a, b) = (gradients(&fused, kind, TRAIN, &grad), gradients(&reference, kind, TRAIN, &grad));
        for (index, (name, var)) in fused.parameters().enumerate() {
            let both = [&a, &b].map(|g| dense(g.get(index).expect(name), var.dims()));
            let largest = both[1].iter().fold(0.0, |m: f32, v| m.max(v.abs()));
            let worst = both[0].iter().zip(&both[1]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 2e-5 * (1.0 + largest), "{kind:?} {name}: {worst:e} of {largest:e}");
        }
    }
}

#[test]
fn every_parameter_has_the_gradient_of_finite_differences() {
    for kind in Kind::ALL {
        let model = kind.model();
        let grad = output_gradient(&model, kind);
        let analytic = gradients(&model, kind, TRAIN, &grad);
        assert_eq!(analytic.missing(), Vec::<&str>::new(), "{kind:?}");
        let loss = || -> f64 {
            let values = embeddings(&model, kind, Mode::Embed { dropout_seed: 7 });
            values.iter().zip(&grad).map(|(e, g)| f64::from(*e) * f64::from(*g)).sum()
        };
        let mut numbers = Numbers::new(11);
        for (index, (name, var)) in model.parameters().enumerate() {
            let gradient = dense(analytic.get(index).expect(name), var.dims());
            // Along a direction d, the loss changes by the gradient's product with d: half of d is the
            // gradient's direction, so that the product is large; half is random, so that a gradient
            // that is too small in some places does not pass.
            let norm = gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
            let mut direction = numbers.take(gradient.len());
            let size = direction.iter().map(|d| d * d).sum::<f32>().sqrt();
            let along = 1.0 / norm.max(1e-6);
            direction.iter_mut().zip(&gradient).for_each(|(d, g)| *d = *d / size + g * along);
            let h = 4e-3;
            let shift = |h: f32| {
                cpu::update(var, |values| values.iter_mut().zip(&direction).for_each(|(v, d)| *v += h * d))
                    .expect("shifted");
            };
            shift(h);
            let above = loss();
            shift(-2.0 * h);
            let below = loss();
            shift(h);
            let numeric = (above - below) / (2.0 * f64::from(h));
            let analytic: f64 =
                gradient.iter().zip(&direction).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
            // Losses are exact to about 1e-6, which 2 h makes 2e-4; the second order cancels, and the
            // third is below a hundredth.
            let tolerance = 4e-4 + 1e-2 * f64::from(norm);
            assert!(
                (numeric - analytic).abs() < tolerance,
                "{kind:?} {name}: {numeric} by differences, {analytic} by the chain rule"
            );
        }
    }
}

#[test]
fn backward_passes_add_up() {
    for kind in [Kind::Bert, Kind::ModernBert] {
        for model in [kind.model(), kind.model().with_reference_ops()] {
            let grad = output_gradient(&model, kind);
            let once = gradients(&model, kind, TRAIN, &grad);
            let mut twice = gradients(&model, kind, TRAIN, &grad);
            let forward = model.forward(&kind.batch(), TRAIN).expect("forward");
            model.backward(forward, &grad, &mut twice).expect("backward");
            twice.scale(0.5).expect("scaled");
            let (a, b) = (once.norm().expect("norm"), twice.norm().expect("norm"));
            assert!((a - b).abs() < 1e-5 * a, "{kind:?}: {a} once, {b} as the mean of two");

            // Cleared gradients leave nothing behind in the memory that is used again.
            twice.clear();
            assert_eq!(twice.missing().len(), twice.names().len());
            let forward = model.forward(&kind.batch(), TRAIN).expect("forward");
            model.backward(forward, &grad, &mut twice).expect("backward");
            assert_eq!(twice.norm().expect("norm"), a, "{kind:?}");
        }
    }
}

#[test]
fn a_batch_without_a_record_has_no_way_back() {
    let model = Kind::Bert.model();
    let grad = output_gradient(&model, Kind::Bert);
    let forward = |mode| model.forward(&Kind::Bert.batch(), mode).expect("forward");
    let mut into = model.gradients();
    for mode in [Mode::Inference, Mode::Embed { dropout_seed: 7 }] {
        assert!(model.backward(forward(mode), &grad, &mut into).is_err(), "{mode:?}");
    }
    assert!(model.backward(forward(TRAIN), &grad[1..], &mut into).is_err());
    assert_eq!(into.missing().len(), into.names().len());
}

#[test]
fn dropout_replays_and_seeds_differ() {
    for kind in Kind::ALL.into_iter().filter(|&kind| kind != Kind::Static) {
        let model = kind.model();
        let of = |mode| embeddings(&model, kind, mode);
        assert_eq!(of(TRAIN), of(Mode::Embed { dropout_seed: 7 }), "{kind:?}");
        assert_ne!(of(TRAIN), of(Mode::Embed { dropout_seed: 8 }), "{kind:?}");
        assert_ne!(of(TRAIN), of(Mode::Inference), "{kind:?}");
    }
}

#[test]
fn half_precision_is_near_single() {
    for kind in Kind::ALL {
        let dir = tempfile::tempdir().expect("a directory");
        kind.write(dir.path());
        let load = |compute| {
            clirbench_candle::Model::load(
                dir.path(),
                &kind.head(dir.path()),
                &candle_core::Device::Cpu,
                compute,
            )
            .expect("a tiny model")
        };
        let single = load(DType::F32);
        let expected = embeddings(&single, kind, Mode::Inference);
        let grad = output_gradient(&single, kind);
        let norm = gradients(&single, kind, TRAIN, &grad).norm().expect("norm");
        // 8 and 11 bits of mantissa, through four layers with weights that do not shrink.
        for (compute, tolerance) in [(DType::BF16, 0.1), (DType::F16, 0.015)] {
            let model = load(compute);
            let values = embeddings(&model, kind, Mode::Inference);
            let worst = values.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < tolerance, "{kind:?} {compute:?}: embeddings differ by {worst}");
            let half = gradients(&model, kind, TRAIN, &grad).norm().expect("norm");
            assert!((half / norm - 1.0).abs() < f64::from(tolerance), "{kind:?} {compute:?}: {half}, {norm}");
        }
    }
}
