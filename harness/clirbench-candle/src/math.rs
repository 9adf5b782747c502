//! Elementary functions of f32 without branches or calls, so that loops over them vectorise.

use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E};

/// `e^x` to 2 units in the last place; 0 below -87.3, and the value at 88 above it.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // ln 2 in two parts, so that n ln 2 is exact where it matters.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    let below = x < -87.3;
    let x = if x > 88.0 { 88.0 } else { x };
    let x = if below { -87.3 } else { x };
    let shifted = x.mul_add(LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN2_HIGH, x);
    let r = n.mul_add(-LN2_LOW, r);
    // Taylor to r^7 / 7!: |r| <= ln 2 / 2, so the rest is below 6e-9.
    let mut p = 1.0 / 5040.0_f32;
    p = p.mul_add(r, 1.0 / 720.0);
    p = p.mul_add(r, 1.0 / 120.0);
    p = p.mul_add(r, 1.0 / 24.0);
    p = p.mul_add(r, 1.0 / 6.0);
    p = p.mul_add(r, 0.5);
    p = p.mul_add(r, 1.0);
    p = p.mul_add(r, 1.0);
    // 2^n by way of its exponent bits: the low bits of `shifted` hold n.
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    if below { 0.0 } else { p * power }
}

/// The distribution function of the standard normal and its density at `x`, to 3e-7.
///
/// `Phi(-|x|) = e^(-x^2/2) P(1 / (1 + 0.3 |x|))` with the polynomial that fits `erfcx(|x| / sqrt 2) / 2`
/// best on [0, 14] (relative error 1.5e-7, found by iteratively reweighted least squares): the form of
/// Abramowitz and Stegun 7.1.26 with two more terms. One exponential serves both results.
#[inline(always)]
pub(crate) fn normal(x: f32) -> (f32, f32) {
    const P: [f32; 8] = [
        0.119_629_29,
        0.120_754,
        0.099_913_165,
        0.128_562_84,
        -0.053_686_168,
        0.206_356_48,
        -0.157_204_91,
        0.035_675_246,
    ];
    const INVERSE_SQRT_TAU: f32 = 0.398_942_3;
    let size = x.abs();
    let t = 1.0 / size.mul_add(0.3, 1.0);
    let mut p = P[7];
    p = p.mul_add(t, P[6]);
    p = p.mul_add(t, P[5]);
    p = p.mul_add(t, P[4]);
    p = p.mul_add(t, P[3]);
    p = p.mul_add(t, P[2]);
    p = p.mul_add(t, P[1]);
    p = p.mul_add(t, P[0]);
    let e = exp(-0.5 * x * x);
    let tail = p * t * e;
    (if x > 0.0 { 1.0 - tail } else { tail }, INVERSE_SQRT_TAU * e)
}

/// `tanh x` to 3e-7.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let size = if x.abs() > 10.0 { 10.0 } else { x.abs() };
    let e = exp(-2.0 * size);
    let large = (1.0 - e) / (1.0 + e);
    // Near 0 the difference cancels; the series to x^9 does not.
    let s = x * x;
    let mut p = 62.0 / 2835.0_f32;
    p = p.mul_add(s, -17.0 / 315.0);
    p = p.mul_add(s, 2.0 / 15.0);
    p = p.mul_add(s, -1.0 / 3.0);
    let small = size * p.mul_add(s, 1.0);
    (if size < 0.25 { small } else { large }).copysign(x)
}

/// `gelu(x)` and its derivative (Hendrycks and Gimpel 2016).
#[inline(always)]
pub(crate) fn gelu(x: f32) -> (f32, f32) {
    let (phi, density) = normal(x);
    (x * phi, x.mul_add(density, phi))
}

/// The tanh approximation of gelu and its derivative.
#[inline(always)]
pub(crate) fn gelu_tanh(x: f32) -> (f32, f32) {
    const SQRT_2_OVER_PI: f32 = std::f32::consts::FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
    const CUBIC: f32 = 0.044_715;
    let inner = SQRT_2_OVER_PI * x * (CUBIC * x).mul_add(x, 1.0);
    let slope = SQRT_2_OVER_PI * (3.0 * CUBIC * x).mul_add(x, 1.0);
    let t = tanh(inner);
    let half = 0.5 * (1.0 + t);
    (x * half, (0.5 * x * (1.0 - t * t)).mul_add(slope, half))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> impl Iterator<Item = f32> {
        (-400_000..=400_000).map(|i| i as f32 * 5e-5)
    }

    #[test]
    fn exp_is_the_library_s() {
        for x in grid().map(|x| 4.0 * x) {
            let want = f64::from(x).exp();
            let error = (f64::from(exp(x)) - want).abs() / want.max(1e-37);
            assert!(error < 2.5e-7, "exp({x}) = {} is off by {error:e}", exp(x));
        }
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn normal_integrates_its_density() {
        // Phi is checked against the trapezoid sum of the density in f64 (error about 1e-10).
        let (mut sum, mut previous) = (0.5, 0.0_f64);
        let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
        for i in 1..=80_000 {
            let x = f64::from(i) * 1e-4;
            sum += 0.5 * (density(previous) + density(x)) * 1e-4;
            previous = x;
            for (sign, want) in [(1.0, sum), (-1.0, 1.0 - sum)] {
                let (phi, d) = normal((sign * x) as f32);
                assert!((f64::from(phi) - want).abs() < 3e-7, "Phi({x}) = {phi}, not {want}");
                assert!((f64::from(d) - density(x)).abs() < 1e-7);
            }
        }
    }

    #[test]
    fn tanh_is_the_library_s() {
        for x in grid() {
            assert!((f64::from(tanh(x)) - f64::from(x).tanh()).abs() < 3e-7, "tanh({x})");
        }
        assert!(tanh(f32::NAN).is_nan());
    }

    #[test]
    fn derivatives_are_those_of_the_functions() {
        let h = 1e-2_f32;
        for x in (-600..=600).map(|i| i as f32 * 1e-2) {
            for f in [gelu, gelu_tanh] {
                // Central differences of step h: h^2 / 6 times the third derivative, below 3e-5.
                let slope = (f(x + h).0 - f(x - h).0) / (2.0 * h);
                assert!((slope - f(x).1).abs() < 1e-4, "at {x}: {slope}, not {}", f(x).1);
            }
        }
    }
}
