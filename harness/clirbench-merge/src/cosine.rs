//! Cosines of tensors, summed up chunk by chunk.

/// Partial sums: element i of a tensor is in lane i mod `LANES`, so that a sum depends neither on how the
/// tensor was cut (into multiples of `LANES`) nor on the processor.
pub(crate) const LANES: usize = 16;

type Lanes = [f64; LANES];

/// The cosines of several tensors with one of them, the anchor.
#[derive(Debug)]
pub(crate) struct Cosines {
    /// Of each tensor: its product with the anchor, and its square.
    sums: Vec<(Lanes, Lanes)>,
    anchor: usize,
}

impl Cosines {
    /// Of `count` tensors with the one of index `anchor`.
    pub(crate) fn new(count: usize, anchor: usize) -> Self {
        Cosines { sums: vec![([0.0; LANES], [0.0; LANES]); count], anchor }
    }

    /// Takes note of the next chunk; all but the last have a multiple of [`LANES`] elements.
    pub(crate) fn add(&mut self, columns: &[&[f32]]) {
        let anchor = columns[self.anchor];
        for (i, (column, (product, square))) in columns.iter().zip(&mut self.sums).enumerate() {
            if i == self.anchor {
                add_square(column, square);
            } else {
                add_product(column, anchor, product, square);
            }
        }
    }

    /// The cosine of each tensor with the anchor, 1 for the anchor itself; `None` where one is zero.
    pub(crate) fn finish(&self) -> Vec<Option<f64>> {
        let sum = |lanes: &Lanes| lanes.iter().sum::<f64>();
        let anchor = sum(&self.sums[self.anchor].1);
        let cosine = |(i, (product, square)): (usize, &(Lanes, Lanes))| {
            if i == self.anchor {
                return (anchor > 0.0).then_some(1.0);
            }
            let norms = (anchor * sum(square)).sqrt();
            (norms > 0.0).then(|| (sum(product) / norms).clamp(-1.0, 1.0))
        };
        self.sums.iter().enumerate().map(cosine).collect()
    }
}

fn add_square(x: &[f32], square: &mut Lanes) {
    let (whole, rest) = x.as_chunks::<LANES>();
    for x in whole {
        for lane in 0..LANES {
            square[lane] += f64::from(x[lane]) * f64::from(x[lane]);
        }
    }
    for (square, x) in square.iter_mut().zip(rest) {
        *square += f64::from(*x) * f64::from(*x);
    }
}

fn add_product(x: &[f32], anchor: &[f32], product: &mut Lanes, square: &mut Lanes) {
    let ((whole, rest), (anchors, anchor_rest)) = (x.as_chunks::<LANES>(), anchor.as_chunks::<LANES>());
    for (x, anchor) in whole.iter().zip(anchors) {
        for lane in 0..LANES {
            let wide = f64::from(x[lane]);
            product[lane] += wide * f64::from(anchor[lane]);
            square[lane] += wide * wide;
        }
    }
    for (lane, (x, anchor)) in rest.iter().zip(anchor_rest).enumerate() {
        product[lane] += f64::from(*x) * f64::from(*anchor);
        square[lane] += f64::from(*x) * f64::from(*x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_by_hand_in_any_cut() {
        // 40 elements: (1, 0, 1, 0, ...), (1, 1, ...), its negative, and zero.
        let every: Vec<f32> = vec![1.0; 40];
        let half: Vec<f32> = (0..40).map(|i| f32::from(u8::from(i % 2 == 0))).collect();
        let negative: Vec<f32> = half.iter().map(|x| -x).collect();
        let zero = vec![0.0; 40];
        let columns: [&[f32]; 4] = [&half, &every, &negative, &zero];
        for chunk in [16, 32, 48] {
            let mut cosines = Cosines::new(4, 0);
            for at in (0..40).step_by(chunk) {
                cosines.add(&columns.map(|column| &column[at..(at + chunk).min(40)]));
            }
            let found = cosines.finish();
            assert_eq!((found[0], found[2], found[3]), (Some(1.0), Some(-1.0), None));
            assert!((found[1].expect("a cosine") - 0.5f64.sqrt()).abs() < 1e-12);
        }
    }
}
