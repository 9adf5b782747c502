//! Sums of absolute differences, before and after some are dropped.

use crate::draws::Draws;

/// Element i is summed in lane i mod `LANES`: sums do not depend on how a tensor is cut.
const LANES: usize = 16;

/// |delta|_1 and that of what is kept of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Norms {
    all: [f64; LANES],
    kept: [f64; LANES],
}

impl Norms {
    pub(crate) fn observe(&mut self, offset: usize, base: &[f32], model: &[f32], draws: &Draws) {
        for (i, (base, x)) in (offset..).zip(base.iter().zip(model)) {
            let size = (f64::from(*x) - f64::from(*base)).abs();
            self.all[i % LANES] += size;
            self.kept[i % LANES] += if draws.keeps(i) { size } else { 0.0 };
        }
    }

    /// What the kept differences are multiplied by to sum up to as much as all; 1 where none is left.
    pub(crate) fn ratio(&self) -> f64 {
        let (all, kept) = (self.all.iter().sum::<f64>(), self.kept.iter().sum::<f64>());
        if kept > 0.0 { all / kept } else { 1.0 }
    }
}
