//! Which candidates the guide hides.

use crate::blocks::Blocks;
use crate::options::Options;

/// How many candidates were hidden, of how many that could have been.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hidden {
    hidden: usize,
    of: usize,
}

impl Hidden {
    /// 0 to 1; 0 where there was nothing to hide.
    pub(crate) fn share(self) -> f64 {
        self.hidden as f64 / self.of.max(1) as f64
    }
}

/// Puts minus infinity into `logits` where the guide's `cosines` (both `[n, width]`) are above the
/// threshold of their row, and where a text meets itself.
///
/// The threshold comes from the same matrix as the cosines that are compared with it, so that a
/// candidate which equals the positive is exactly at it.
pub(crate) fn mask(logits: &mut [f64], cosines: &[f64], blocks: &Blocks, options: &Options) -> Hidden {
    let width = blocks.width();
    let mut total = Hidden::default();
    let rows = logits.chunks_exact_mut(width).zip(cosines.chunks_exact(width));
    for (i, (logits, cosines)) in rows.enumerate() {
        let own = blocks.own() + i;
        for itself in blocks.itself(i) {
            logits[itself] = f64::NEG_INFINITY;
        }
        total.of += width - 1 - blocks.itself(i).count();
        let threshold = options.threshold(cosines[own]);
        for (at, (logit, &cosine)) in logits.iter_mut().zip(cosines).enumerate() {
            // Negative infinity is a text that has met itself: no candidate at all.
            if cosine > threshold && at != own && *logit != f64::NEG_INFINITY {
                *logit = f64::NEG_INFINITY;
                total.hidden += 1;
            }
        }
    }
    total
}
