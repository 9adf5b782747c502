//! The angle between two tensors, summed up chunk by chunk.

/// Element i is summed in lane i mod `LANES`: sums do not depend on how a tensor is cut, nor on the
/// processor.
const LANES: usize = 16;

type Lanes = [f64; LANES];

/// u . v, |u|^2 and |v|^2 in partial sums.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Angle {
    product: Lanes,
    first: Lanes,
    second: Lanes,
}

impl Angle {
    /// Takes note of elements that begin at `offset` of the tensor.
    pub(crate) fn add(&mut self, offset: usize, u: &[f32], v: &[f32]) {
        // Up to where a row of lanes begins, then whole rows, then the rest.
        let head = (offset.next_multiple_of(LANES) - offset).min(u.len());
        for (i, (u, v)) in u[..head].iter().zip(v).enumerate() {
            self.add_one((offset + i) % LANES, *u, *v);
        }
        let ((u, u_rest), (v, v_rest)) = (u[head..].as_chunks::<LANES>(), v[head..].as_chunks::<LANES>());
        for (u, v) in u.iter().zip(v) {
            for lane in 0..LANES {
                let (u, v) = (f64::from(u[lane]), f64::from(v[lane]));
                self.product[lane] += u * v;
                self.first[lane] += u * u;
                self.second[lane] += v * v;
            }
        }
        for (lane, (u, v)) in u_rest.iter().zip(v_rest).enumerate() {
            self.add_one(lane, *u, *v);
        }
    }

    fn add_one(&mut self, lane: usize, u: f32, v: f32) {
        let (u, v) = (f64::from(u), f64::from(v));
        self.product[lane] += u * v;
        self.first[lane] += u * u;
        self.second[lane] += v * v;
    }

    /// The cosine of the angle; `None` where a tensor is zero.
    pub(crate) fn cosine(&self) -> Option<f64> {
        let sum = |lanes: &Lanes| lanes.iter().sum::<f64>();
        let norms = (sum(&self.first) * sum(&self.second)).sqrt();
        (norms > 0.0).then(|| (sum(&self.product) / norms).clamp(-1.0, 1.0))
    }
}
