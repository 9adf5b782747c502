//! A queue of work that several threads share.

use std::{
    panic,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crate::SearchError;

/// Applies `work` to every item on `threads` threads, the caller's among them, and returns the results
/// in the order of the items. Each thread has `scratch` of its own.
///
/// Items are taken in order, none after an error, and the error of the earliest item is returned. So
/// which error it is does not depend on which thread was faster: everything before the earliest
/// failing item is taken before it, and finished.
pub(crate) fn share<I, S, T>(
    threads: usize,
    items: I,
    scratch: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, I::Item) -> Result<T, SearchError> + Sync,
) -> Result<Vec<T>, SearchError>
where
    I: Iterator + Send,
    T: Send,
{
    let queue = Mutex::new(items.enumerate());
    let failed = AtomicBool::new(false);
    let worker = || {
        let mut scratch = scratch();
        let mut results = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            // A panic elsewhere ends the search anyway; the queue itself is sound.
            let item = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((i, item)) = item else { break };
            let result = work(&mut scratch, item);
            if result.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            results.push((i, result));
        }
        results
    };
    let mut results = thread::scope(|scope| {
        let others = (1..threads)
            .map(|_| thread::Builder::new().name("search".to_owned()).spawn_scoped(scope, worker))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| {
                failed.store(true, Ordering::Relaxed);
                SearchError::Threads { threads, source }
            })?;
        let mut results = worker();
        for other in others {
            results.extend(other.join().unwrap_or_else(|payload| panic::resume_unwind(payload)));
        }
        Ok(results)
    })?;
    results.sort_unstable_by_key(|(i, _)| *i);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        for threads in 0..5 {
            let doubled = share(threads, 0..100, || (), |(), i| Ok(2 * i)).expect("no error");
            assert!(doubled.into_iter().eq((0..100).map(|i| 2 * i)));
        }
    }

    #[test]
    fn the_earliest_error_is_returned_and_no_item_taken_after_it_was_seen() {
        for _ in 0..50 {
            let fail = |(): &mut (), document_row| match document_row {
                30 | 31 | 33 => Err(SearchError::NonFinite { query_row: 0, document_row, score: f32::NAN }),
                _ => Ok(()),
            };
            let error = share(4, 0.., || (), fail).expect_err("an endless queue ends by its errors only");
            assert!(matches!(error, SearchError::NonFinite { document_row: 30, .. }), "{error}");
        }
    }

    #[test]
    fn each_thread_has_scratch_of_its_own() {
        let seen = share(
            3,
            0..60,
            || 0,
            |count, _| {
                *count += 1;
                Ok(*count)
            },
        );
        let first = seen.expect("no error").into_iter().filter(|&count| count == 1).count();
        assert!((1..=3).contains(&first));
    }
}
