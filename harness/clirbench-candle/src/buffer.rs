//! Memory that is used again. A step makes the same large arrays over and over; fresh ones cost a page
//! fault per 4 KiB and a pass of zeros.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// A free array and the pass in which it was last used.
type Free = (u64, Vec<f32>);

/// Free arrays by capacity.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    free: Mutex<BTreeMap<usize, Vec<Free>>>,
    pass: Mutex<u64>,
}

/// An array that goes back to its pool.
#[derive(Debug)]
pub(crate) struct Buffer {
    data: Vec<f32>,
    pool: Arc<Pool>,
}

/// Passes after which a free array that nobody asked for is given back to the system.
const KEPT_PASSES: u64 = 4;

impl Pool {
    /// An array of `len` values left over from earlier use: every one of them has to be written before
    /// it is read.
    pub(crate) fn stale(self: &Arc<Self>, len: usize) -> Buffer {
        let capacity = size_class(len);
        let found = lock(&self.free).get_mut(&capacity).and_then(Vec::pop);
        let mut data = match found {
            Some((_, data)) => data,
            None => Vec::with_capacity(capacity),
        };
        data.resize(len, 0.0);
        Buffer { data, pool: Arc::clone(self) }
    }

    /// Marks the end of a pass, and lets go of what the last ones had no use for.
    pub(crate) fn end_pass(&self) {
        let mut pass = lock(&self.pass);
        *pass += 1;
        let oldest = pass.saturating_sub(KEPT_PASSES);
        let mut free = lock(&self.free);
        for arrays in free.values_mut() {
            arrays.retain(|(used, _)| *used >= oldest);
        }
        free.retain(|_, arrays| !arrays.is_empty());
    }
}

/// Capacities grow in eighths of a power of two, so that batches of similar lengths share arrays.
fn size_class(len: usize) -> usize {
    let step = (len.next_power_of_two() / 16).max(64);
    len.div_ceil(step) * step
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.data
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let data = std::mem::take(&mut self.data);
        if data.capacity() > 0 {
            let pass = *lock(&self.pool.pass);
            lock(&self.pool.free).entry(size_class(data.capacity())).or_default().push((pass, data));
        }
    }
}
