//! Each operation, fused against plain: values, and gradients with respect to everything, at sizes
//! that fill neither registers nor tasks.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor, Var};
use safetensors::tensor::Dtype;

use super::{Attention, Embeddings, Linear, Norm, Ops};
use crate::batch::Batch;
use crate::fused::Fused;
use crate::gradients::{Gradient, Gradients};
use crate::head::{Activation, Pooling, PoolingMode};
use crate::layout::Layout;
use crate::parameters::{Named, Parameter, Parameters};
use crate::plain::Plain;
use crate::profile::Profile;
use crate::random::Dropout;
use crate::tape::Backward;

/// The operation under test, on rows that come from a table.
trait Case {
    fn run<O: Ops>(&self, ops: &O, x: O::Value) -> Result<O::Value>;
}

/// A table, then parameters `[rows, cols]` or `[cols]`, with values in [-1, 1].
fn parameters(shapes: &[&[usize]]) -> Parameters {
    let mut state = 17_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    let trainable = shapes
        .iter()
        .enumerate()
        .map(|(i, shape)| {
            let values: Vec<f32> = (0..shape.iter().product()).map(|_| next()).collect();
            let var = Var::from_vec(values, *shape, &Device::Cpu).expect("a variable");
            Named { name: i.to_string(), var, dtype: Dtype::F32, module: None }
        })
        .collect();
    Parameters { trainable, untouched: Default::default() }
}

/// Texts of odd lengths, one longer than a block of queries.
fn batch(rows: usize) -> Batch {
    let lengths = vec![7, 1, 131, 19];
    let ids = (0..lengths.iter().sum::<usize>()).map(|i| (i * 5 % rows) as u32).collect();
    Batch { ids, types: Vec::new(), lengths }
}

const ROWS: usize = 43;
const EMBEDDINGS: Embeddings = Embeddings { tokens: Parameter(0), positions: None, segments: None };

fn gradients(parameters: &Parameters) -> Gradients {
    Gradients::new(parameters.trainable.iter().map(|named| named.name.clone()).collect())
}

/// Runs both implementations, and compares values and all gradients to `tolerance` of the largest.
fn check(case: &impl Case, shapes: &[&[usize]], seed: Option<u64>, tolerance: f32) {
    let parameters = parameters(shapes);
    let layout = || Layout::new(&batch(shapes[0][0]));
    let pool = Arc::default();
    let profile = Profile::default();

    let fused = Fused::new(&parameters, layout(), Arc::clone(&pool), &profile, seed, true);
    let x = fused.embed(&EMBEDDINGS).expect("embedded");
    let y = case.run(&fused, x).expect("fused");
    let (tape, values) = fused.finish().expect("a tape");
    let grad: Vec<f32> = (0..y.data.len()).map(|i| ((i * 37 % 101) as f32 - 50.0) / 50.0).collect();
    let mut by_hand = gradients(&parameters);
    let mut gradient = pool.stale(grad.len());
    gradient.copy_from_slice(&grad);
    let backward = Backward::new(&parameters, &mut by_hand, Arc::clone(&pool), values);
    tape.run(y.id, gradient, backward, &profile).expect("backward");

    let layout = layout();
    let plain = Plain {
        parameters: &parameters,
        layout: &layout,
        device: &Device::Cpu,
        compute: DType::F32,
        seed,
        graph: true,
        token_rows: Default::default(),
    };
    let x = plain.embed(&EMBEDDINGS).expect("embedded");
    let expected = case.run(&plain, x).expect("plain");
    let weights = Tensor::from_slice(&grad, expected.shape(), &Device::Cpu).expect("a tensor");
    let mut store = (&expected * weights).and_then(|e| e.sum_all()?.backward()).expect("backward");

    let expected: Vec<f32> = expected.flatten_all().and_then(|e| e.to_vec1()).expect("values");
    compare("values", &y.data, &expected, tolerance);
    for (i, named) in parameters.trainable.iter().enumerate() {
        let leaf = match i {
            0 => plain.token_rows.borrow().clone().expect("token rows"),
            _ => named.var.clone(),
        };
        let expected = store.remove(&leaf).expect("a gradient");
        let found = by_hand.get(i).expect("a gradient");
        assert_eq!(matches!(found, Gradient::Rows { .. }), i == 0);
        let flat = |t: &Tensor| t.flatten_all().and_then(|t| t.to_vec1::<f32>()).expect("values");
        compare(&format!("gradient {i}"), &flat(found.values()), &flat(&expected), tolerance);
    }
}

fn compare(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0_f32, |max, v| max.max(v.abs()));
    assert!(largest > 0.0, "{what}: nothing to compare");
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= tolerance * largest, "{what}: off by {worst:e}, the largest is {largest:e}");
}

/// A case whose body is generic over the operations.
macro_rules! case {
    (|$ops:ident, $x:ident| $body:expr) => {{
        struct This;
        impl Case for This {
            fn run<O: Ops>(&self, $ops: &O, $x: O::Value) -> Result<O::Value> {
                $body
            }
        }
        This
    }};
}

const DROPOUT: Dropout = Dropout { rate: 0.2, site: 3 };
const NONE: Dropout = Dropout { rate: 0.0, site: 0 };
const NORM: Norm = Norm { weight: Parameter(1), bias: Some(Parameter(2)), eps: 1e-5 };

// Tolerances: a dot product of n terms of size 1 in f32 is exact to about sqrt(n) 6e-8 of its size; 1e-5
// leaves room for two in a row and for cancellation.

#[test]
fn linear() {
    let one =
        case!(|ops, x| ops
            .linear(&x, &[Linear { weight: Parameter(1), bias: Some(Parameter(2)), outputs: 29 }]));
    check(&one, &[&[ROWS, 21], &[29, 21], &[29]], None, 1e-5);
    // Three side by side, one of them without a bias.
    let three = case!(|ops, x| {
        let layer = |weight: usize, bias: Option<usize>, outputs| Linear {
            weight: Parameter(weight),
            bias: bias.map(Parameter),
            outputs,
        };
        ops.linear(&x, &[layer(1, Some(2), 5), layer(3, None, 17), layer(4, Some(5), 3)])
    });
    check(&three, &[&[ROWS, 21], &[5, 21], &[5], &[17, 21], &[3, 21], &[3]], None, 1e-5);
    // A value that is used twice: gradients add up.
    let twice = case!(|ops, x| {
        let y = ops.linear(&x, &[Linear { weight: Parameter(1), bias: None, outputs: 21 }])?;
        let z = ops.linear(&x, &[Linear { weight: Parameter(2), bias: None, outputs: 21 }])?;
        ops.add(y, &z, NONE)
    });
    check(&twice, &[&[ROWS, 21], &[21, 21], &[21, 21]], None, 1e-5);
}

#[test]
fn layer_norm() {
    check(&case!(|ops, x| ops.norm(&x, &NORM)), &[&[ROWS, 37], &[37], &[37]], None, 1e-5);
    let no_bias = case!(|ops, x| ops.norm(&x, &Norm { bias: None, ..NORM }));
    check(&no_bias, &[&[ROWS, 37], &[37]], None, 1e-5);
}

#[test]
fn residual_dropout_and_norm() {
    let normed = case!(|ops, x| {
        let y = ops.linear(&x, &[Linear { weight: Parameter(3), bias: None, outputs: 37 }])?;
        ops.add_norm(y, &x, &NORM, DROPOUT)
    });
    let added = case!(|ops, x| {
        let y = ops.linear(&x, &[Linear { weight: Parameter(1), bias: None, outputs: 37 }])?;
        ops.add(y, &x, DROPOUT)
    });
    for seed in [None, Some(5)] {
        check(&normed, &[&[ROWS, 37], &[37], &[37], &[37, 37]], seed, 1e-5);
        check(&added, &[&[ROWS, 37], &[37, 37]], seed, 1e-5);
    }
    check(&case!(|ops, x| ops.dropout(x, DROPOUT)), &[&[ROWS, 37]], Some(5), 1e-6);
}

#[test]
fn activations_and_gates() {
    macro_rules! each {
        ($($activation:ident),*) => {$(
            check(&case!(|ops, x| ops.activate(x, Activation::$activation)), &[&[ROWS, 19]], None, 2e-6);
            check(&case!(|ops, x| ops.gate(x, Activation::$activation)), &[&[ROWS, 38]], None, 2e-6);
        )*};
    }
    each!(Gelu, GeluTanh, Relu, Tanh);
}

#[test]
fn attention() {
    macro_rules! each {
        ($($window:expr, $rope:expr);*) => {$(
            let case = case!(|ops, x| ops.attention(
                x,
                &Attention { heads: 3, window: $window, rope: $rope, dropout: DROPOUT }
            ));
            for seed in [None, Some(5)] {
                check(&case, &[&[ROWS, 3 * 3 * 10]], seed, 2e-5);
            }
        )*};
    }
    each!(None, None; None, Some(100.0); Some(5), Some(100.0); Some(0), None; Some(128), None);
}

#[test]
fn pooling_and_normalizing() {
    let all = case!(|ops, x| {
        use PoolingMode::{Cls, LastToken, Max, Mean, MeanSqrtLen, WeightedMean};
        let modes = vec![Max, Cls, Mean, LastToken, WeightedMean, MeanSqrtLen];
        ops.pool(x, &Pooling { modes, skip: 2 })
    });
    // No token twice in a text: of equal values, candle gives the gradient to each, torch to one.
    check(&all, &[&[211, 23]], None, 2e-6);
    check(&case!(|ops, x| ops.normalize(x)), &[&[ROWS, 23]], None, 2e-6);
}

#[test]
fn dropout_keeps_the_share_that_it_says() {
    let mask = crate::random::Mask::new(Some(1), Dropout { rate: 0.1, site: 0 }).expect("a mask");
    let (rows, cols) = (1000_u32, 1000);
    let dropped: u32 =
        (0..rows).map(|r| (0..cols).filter(|&c| mask.row(r.into()).factor(c) == 0.0).count() as u32).sum();
    // A million draws: five standard deviations are 0.0015.
    assert!((f64::from(dropped) / 1e6 - 0.1).abs() < 0.0015, "{dropped} of a million");
    assert_eq!(mask.scale, 1.0 / 0.9);
    // Neighbouring rows and columns are not dropped together more often than by chance.
    let both = |r: u64, c: u32, other: (u64, u32)| {
        mask.row(r).factor(c) == 0.0 && mask.row(other.0).factor(other.1) == 0.0
    };
    for step in [(0, 1), (1, 0), (1, 1), (0, 16), (12, 0)] {
        let pairs: u32 = (0..1000_u64)
            .map(|r| (0..1000).filter(|&c| both(r, c, (r + step.0, c + step.1))).count() as u32)
            .sum();
        // Chance says 10 000 with a standard deviation of 100.
        assert!((9400..10_600).contains(&pairs), "{pairs} pairs at {step:?}");
    }
}
