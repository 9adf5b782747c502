//! Tokenization and inference side by side.
//!
//! Texts are sorted by bytes and cut into chunks; tokenizer threads turn chunks into batches while the
//! runners, one per thread, run the batches before. On a CPU several ONNX Runtime sessions of one thread
//! each are about a third faster than one session of several threads: nothing waits inside an operator,
//! and small batches stay in the cache of their core.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use clirbench_plugin::{Error, Host, Result, TextStats};

use crate::batches::{Batch, Plan, longest_first};
use crate::head::{Head, Kind};
use crate::tokens::TextTokenizer;

/// How long a cancelled call can go unnoticed.
const POLL: Duration = Duration::from_millis(100);

/// A network that computes batches. Each runner of a call has a thread of its own.
pub trait Runner: Send {
    /// Runs a batch, of which no text is longer than the tokenizer's limit and at least one is not
    /// empty, and calls `each` once per text, in the batch's order.
    ///
    /// # Errors
    /// Whatever the network says; it ends the call.
    fn run(&mut self, batch: &Batch, each: &mut dyn FnMut(Row<'_>)) -> Result<()>;

    /// Called before the batches of a call: returns what ends a run in progress, from another thread,
    /// when the call is cancelled or has failed elsewhere. Without it the batch that is being computed
    /// is finished first.
    ///
    /// # Errors
    /// When the runner cannot be made ready.
    fn arm(&mut self) -> Result<Box<dyn Fn() + Send + Sync>> {
        Ok(Box::new(|| {}))
    }
}

/// The part of a network's output that belongs to one text.
pub struct Row<'a> {
    /// Position in the batch.
    pub index: usize,
    /// Whether `values` are token vectors or one vector.
    pub kind: Kind,
    /// `[tokens, hidden]` without padding, or `[hidden]`.
    pub values: &'a [f32],
    /// Length of one vector.
    pub hidden: usize,
}

/// What stays the same for all texts of a call.
pub(crate) struct Call<'a> {
    /// Turns texts into tokens.
    pub(crate) tokenizer: &'a TextTokenizer,
    /// In front of every text.
    pub(crate) prompt: &'a str,
    /// Tokens of the prompt, special tokens in front included.
    pub(crate) prompt_tokens: usize,
    /// The modules after the transformer.
    pub(crate) head: &'a Head,
    /// Length of a final vector.
    pub(crate) dim: usize,
    /// How texts are grouped.
    pub(crate) plan: Plan,
    /// Threads that tokenize.
    pub(crate) tokenizer_threads: usize,
    /// Asked whether to stop, told of progress.
    pub(crate) host: &'a Host,
}

/// The finished rows of one batch.
struct Encoded {
    positions: Vec<usize>,
    /// `[positions.len(), dim]`
    vectors: Vec<f32>,
    stats: Vec<TextStats>,
}

impl Call<'_> {
    /// Encodes `texts` into `out` (`[texts.len(), dim]`) and `stats`.
    ///
    /// # Errors
    /// Kind `cancelled`, or the first error of a tokenizer or runner.
    pub(crate) fn run<R: Runner>(
        &self,
        runners: &mut [R],
        texts: &[&str],
        out: &mut [f32],
        stats: &mut [TextStats],
    ) -> Result<()> {
        let order = longest_first(&texts.iter().map(|text| text.len()).collect::<Vec<_>>());
        let chunks: Vec<&[usize]> = order.chunks(self.plan.chunk).collect();
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let stoppers = runners.iter_mut().map(Runner::arm).collect::<Result<Vec<_>>>()?;
        let (send_batch, batches) = sync_channel(2 * runners.len());
        let batches = Arc::new(Mutex::new(batches));
        let (send_rows, rows) = channel();
        thread::scope(|scope| {
            for _ in 0..self.tokenizer_threads.min(chunks.len()) {
                let (send, next, stop, chunks) = (send_batch.clone(), &next, &stop, &chunks);
                scope.spawn(move || self.tokenize(texts, chunks, next, stop, &send));
            }
            drop(send_batch);
            for runner in runners {
                let (batches, send, stop) = (Arc::clone(&batches), send_rows.clone(), &stop);
                scope.spawn(move || {
                    while let Some(batch) = receive(&batches) {
                        // After a stop, batches are taken off the channel so that no sender waits.
                        if !stop.load(Ordering::Relaxed)
                            && send.send(batch.and_then(|batch| self.infer(runner, batch))).is_err()
                        {
                            return;
                        }
                    }
                });
            }
            drop(batches);
            drop(send_rows);
            let result = self.collect(&rows, out, stats);
            if result.is_err() {
                stop.store(true, Ordering::Relaxed);
                stoppers.iter().for_each(|stop| stop());
            }
            result
        })
    }

    fn tokenize(
        &self,
        texts: &[&str],
        chunks: &[&[usize]],
        next: &AtomicUsize,
        stop: &AtomicBool,
        send: &SyncSender<Result<Batch>>,
    ) {
        while let Some(positions) = chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
            let tokens = positions.iter().map(|i| self.tokenizer.encode(self.prompt, texts[*i])).collect();
            let batches = match tokens {
                Ok(tokens) => self.plan.group(positions, tokens).into_iter().map(Ok).collect(),
                Err(e) => vec![Err(e)],
            };
            for batch in batches {
                if stop.load(Ordering::Relaxed) || send.send(batch).is_err() {
                    return;
                }
            }
        }
    }

    fn infer<R: Runner>(&self, runner: &mut R, batch: Batch) -> Result<Encoded> {
        let mut vectors = vec![0.0; batch.tokens.len() * self.dim];
        // A text without a single token (no special tokens, nothing left of it) keeps its zeros.
        if batch.width() > 0 {
            runner.run(&batch, &mut |row| {
                let prompt = self.prompt_tokens.min(batch.tokens[row.index].ids.len());
                let out = &mut vectors[row.index * self.dim..][..self.dim];
                self.head.apply(row.kind, row.values, row.hidden, prompt, out);
            })?;
        }
        let stats = batch.tokens.iter().map(|tokens| tokens.stats).collect();
        Ok(Encoded { positions: batch.positions, vectors, stats })
    }

    /// Writes rows as they come, until all are there.
    fn collect(
        &self,
        rows: &Receiver<Result<Encoded>>,
        out: &mut [f32],
        stats: &mut [TextStats],
    ) -> Result<()> {
        let mut done = 0;
        loop {
            if self.host.cancelled() {
                return Err(Error::cancelled(format!("cancelled after {done} of {} texts", stats.len())));
            }
            let encoded = match rows.recv_timeout(POLL) {
                Ok(encoded) => encoded?,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) if done == stats.len() => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::internal(format!("{done} of {} texts came back", stats.len())));
                }
            };
            let vectors = encoded.vectors.chunks_exact(self.dim);
            for ((position, vector), text) in encoded.positions.iter().zip(vectors).zip(&encoded.stats) {
                out[position * self.dim..][..self.dim].copy_from_slice(vector);
                stats[*position] = *text;
            }
            done += encoded.positions.len();
            self.host.progress(done, stats.len());
        }
    }
}

/// The next batch, or `None` when there are no more.
fn receive(batches: &Mutex<Receiver<Result<Batch>>>) -> Option<Result<Batch>> {
    batches.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).recv().ok()
}
