//! The precision that a merger computes in, whatever its models are stored in.

use std::ops::{Add, AddAssign, Div, Mul, Sub};

use serde::{Deserialize, Serialize};

/// What a merger accumulates in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// f32: half the arithmetic's width, rounded at every step.
    F32,
    /// f64: rounded once, when the result is stored.
    #[default]
    F64,
}

/// A floating-point number that [`Precision`] names, so that a method is written once for both.
pub trait Real:
    Copy
    + Default
    + PartialOrd
    + AddAssign
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    /// A weight of a model, exactly.
    fn widen(x: f32) -> Self;
    /// A coefficient, rounded.
    fn round(x: f64) -> Self;
    /// A weight of the merged model, rounded.
    fn narrow(self) -> f32;
}

impl Real for f32 {
    fn widen(x: f32) -> Self {
        x
    }

    fn round(x: f64) -> Self {
        x as f32
    }

    fn narrow(self) -> f32 {
        self
    }
}

impl Real for f64 {
    fn widen(x: f32) -> Self {
        Self::from(x)
    }

    fn round(x: f64) -> Self {
        x
    }

    fn narrow(self) -> f32 {
        self as f32
    }
}
