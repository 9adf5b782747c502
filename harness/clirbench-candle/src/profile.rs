//! Where the time of the fused operations goes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time that one kind of operation took in all passes so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpTime {
    /// Forward passes.
    pub forward: Duration,
    /// Backward passes.
    pub backward: Duration,
}

/// Sums by operation. A pass has some hundred operations, so that the clock costs nothing.
#[derive(Debug, Default)]
pub(crate) struct Profile(Mutex<BTreeMap<&'static str, OpTime>>);

impl Profile {
    /// Runs and times an operation of a forward pass.
    pub(crate) fn forward<T>(&self, name: &'static str, run: impl FnOnce() -> T) -> T {
        self.time(name, run, |times| &mut times.forward)
    }

    /// Runs and times an operation of a backward pass.
    pub(crate) fn backward<T>(&self, name: &'static str, run: impl FnOnce() -> T) -> T {
        self.time(name, run, |times| &mut times.backward)
    }

    fn time<T>(
        &self,
        name: &'static str,
        run: impl FnOnce() -> T,
        of: impl FnOnce(&mut OpTime) -> &mut Duration,
    ) -> T {
        let start = Instant::now();
        let result = run();
        let elapsed = start.elapsed();
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *of(sums.entry(name).or_default()) += elapsed;
        result
    }

    pub(crate) fn times(&self) -> Vec<(&'static str, OpTime)> {
        let sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sums.iter().map(|(name, times)| (*name, *times)).collect()
    }
}
