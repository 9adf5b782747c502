//! Gradients in f16, whose smallest number is 6e-8.

/// Multiplies the gradients of a batch's embeddings by the power of two that brings the greatest into
/// [1, 2), so that few of those that follow from them vanish in f16; returns the factor. The way back
/// is linear, so the gradients of the weights are too large by just this factor. Unlike loss scaling
/// that is adapted over steps (Micikevicius et al. 2018, section 3.2), it has no state and skips no step.
pub(crate) fn scale_up(gradients: &mut [f32]) -> f32 {
    let greatest = gradients.iter().fold(0.0f32, |max, g| max.max(g.abs()));
    if greatest == 0.0 {
        return 1.0;
    }
    // Within what f32 can hold, even for a gradient that is a subnormal number.
    let exponent = greatest.log2().floor().clamp(-120.0, 120.0) as i32;
    let factor = 2f32.powi(-exponent);
    gradients.iter_mut().for_each(|g| *g *= factor);
    factor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_gradient_lands_between_one_and_two() {
        for values in [[3e-6, -1e-9], [-7e4, 2.0], [1.0, 0.5], [1e-42, 0.0]] {
            let mut scaled: [f32; 2] = values;
            let factor = scale_up(&mut scaled);
            assert_eq!(scaled, values.map(|v| v * factor), "{values:?}");
            let greatest = scaled[0].abs().max(scaled[1].abs());
            assert!((1.0..2.0).contains(&greatest) || values[0] < 1e-38 && values[0] > 0.0, "{scaled:?}");
            assert_eq!(factor.log2().fract(), 0.0, "a power of two changes no bit of a number");
        }
        assert_eq!(scale_up(&mut [0.0, 0.0]), 1.0);
    }
}
