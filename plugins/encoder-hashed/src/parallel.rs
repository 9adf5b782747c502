//! Spreads texts over the thread budget; rows do not depend on how.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use clirbench_plugin::{Error, Host, Result, TextStats};

use crate::features::Features;
use crate::vector::Vectoriser;

/// Texts between two looks at the cancel flag: some milliseconds of passages.
const BLOCK: usize = 64;

/// Fills `out` (`[texts.len(), dim]`) and `stats`, block by block on as many threads as the host
/// allows; the calling thread works too. Lengths are the caller's to check.
pub(crate) fn encode(
    vectoriser: &Vectoriser,
    host: &Host,
    texts: &[&str],
    out: &mut [f32],
    stats: &mut [TextStats],
) -> Result<()> {
    if texts.is_empty() {
        return Ok(());
    }
    let (total, dim) = (texts.len(), out.len() / texts.len());
    let blocks = texts.chunks(BLOCK).zip(out.chunks_mut(BLOCK * dim)).zip(stats.chunks_mut(BLOCK));
    let threads = host.threads().min(blocks.len());
    let queue = Mutex::new(blocks);
    let done = AtomicUsize::new(0);
    let work = |report: bool| {
        let mut features = Features::default();
        while !host.cancelled() {
            // A panic elsewhere cannot leave the iterator half-advanced.
            let next = queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).next();
            let Some(((texts, out), stats)) = next else { return };
            for ((text, row), stats) in texts.iter().zip(out.chunks_mut(dim)).zip(stats) {
                let tokens = vectoriser.write(text, &mut features, row);
                *stats = TextStats { tokens, unknown: 0, truncated: false };
            }
            done.fetch_add(texts.len(), Ordering::Relaxed);
            if report {
                host.progress(done.load(Ordering::Relaxed), total);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| work(false));
        }
        work(true);
    });
    match done.into_inner() {
        all if all == total => Ok(()),
        some => Err(Error::cancelled(format!("stopped after {some} of {total} texts"))),
    }
}
