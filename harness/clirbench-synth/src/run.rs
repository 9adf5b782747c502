//! Asking: several workers, one board, one journal, one budget.
//!
//! A worker takes the first step of the plan that can be asked for, so triples become whole one
//! after the other. A request without a reply goes back to the board with a time before which
//! nobody takes it; no worker waits for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    board::Board,
    draw::number,
    endpoint::Endpoint,
    error::Error,
    fault::{Fault, FaultKind},
    journal::Journal,
    ledger::{Room, Spending, room},
    pace::Pace,
    recipe::Recipe,
    reply::Reply,
    request::Request,
};

/// How a run ended that met no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every step has a result, or can have none.
    Finished,
    /// Some requests got no reply, often enough; another run asks them again. The last message.
    Unanswered(usize, String),
    /// The next request would not fit into the budget.
    BudgetUsed,
    /// The user stopped it.
    Stopped,
}

/// What a run has come to.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Triples with all their texts, of how many.
    pub triples: [usize; 2],
    /// Steps with a result, of how many.
    pub steps: [usize; 2],
    /// What was spent, in this run and earlier ones.
    pub spending: Spending,
    /// Why the last request got no reply, where it got none.
    pub trouble: Option<String>,
}

/// How often waiting workers look whether the user stopped the run.
const LOOK: Duration = Duration::from_millis(100);

/// Asks for everything that the board lacks.
pub(crate) fn ask_all(
    recipe: &Recipe,
    board: &mut Board,
    journal: &mut Journal,
    endpoint: &Endpoint,
    cancel: &AtomicBool,
    on_progress: &mut dyn FnMut(&Progress),
) -> Result<Ending, Error> {
    let workers = recipe.endpoint.concurrency;
    // An earlier run's replies count: the endpoint does take such requests.
    let answered = journal.spending().replies > 0;
    let state = State {
        board,
        journal,
        pace: Pace::of(&recipe.endpoint),
        later: BTreeSet::new(),
        tries: BTreeMap::new(),
        under_way: 0,
        failures: 0,
        answered,
        unanswered: None,
        stop: None,
    };
    let shared = Shared { recipe, cancel, state: Mutex::new(state), changed: Condvar::new() };
    let (events, received) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..workers {
            let (shared, events) = (&shared, events.clone());
            scope.spawn(move || {
                while let Some((step, request)) = shared.next() {
                    let start = Instant::now();
                    let outcome = endpoint.ask(&request);
                    // Nobody listens any more only when the run is over.
                    let _ = events.send(shared.settle(step, &request, outcome, start.elapsed()));
                }
            });
        }
        drop(events);
        received.iter().for_each(|progress| on_progress(&progress));
    });
    shared.ending()
}

struct Shared<'a, 'b> {
    recipe: &'a Recipe,
    cancel: &'a AtomicBool,
    state: Mutex<State<'a, 'b>>,
    changed: Condvar,
}

struct State<'a, 'b> {
    board: &'a mut Board<'b>,
    journal: &'a mut Journal,
    pace: Pace,
    /// Steps to ask again, not before a time.
    later: BTreeSet<(Instant, usize)>,
    /// Requests of a step in a row that got no reply.
    tries: BTreeMap<usize, u32>,
    under_way: usize,
    /// Requests of any step in a row that got no reply.
    failures: u32,
    /// Whether any request of this run got a reply.
    answered: bool,
    /// Steps that were given up in this run, and the last message.
    unanswered: Option<(usize, String)>,
    stop: Option<Stop>,
}

enum Stop {
    User,
    Budget,
    Error(Error),
}

impl<'a, 'b> Shared<'a, 'b> {
    fn lock(&self) -> MutexGuard<'_, State<'a, 'b>> {
        // A worker that panicked has left the journal whole; the panic itself ends the scope.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next request to send; nothing when the run is over.
    fn next(&self) -> Option<(usize, Request)> {
        let mut state = self.lock();
        loop {
            if self.cancel.load(Ordering::Relaxed) && state.stop.is_none() {
                state.stop = Some(Stop::User);
            }
            if state.stop.is_some() {
                break;
            }
            let now = Instant::now();
            state.wake(now);
            let wait = match state.board.first_ready() {
                None if state.under_way == 0 && state.later.is_empty() => break,
                None => state.later.first().map(|(at, _)| *at),
                Some((step, request)) => {
                    let request = request.clone();
                    let free = state.pace.free_at();
                    match state.room(self.recipe, &request) {
                        Room::Never => {
                            state.stop = Some(Stop::Budget);
                            continue;
                        }
                        Room::Now if free <= now => {
                            state.pace.started(now, request.bound);
                            match state.send(step, &request) {
                                Ok(()) => return Some((step, request)),
                                Err(error) => state.stop = Some(Stop::Error(error)),
                            }
                            continue;
                        }
                        Room::Now => Some(free),
                        Room::Later => None,
                    }
                }
            };
            let wait = wait.map_or(LOOK, |at| at.saturating_duration_since(now).min(LOOK));
            let waited = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
            state = waited.0;
        }
        self.changed.notify_all();
        None
    }

    /// Takes in what became of a request.
    fn settle(
        &self,
        step: usize,
        request: &Request,
        outcome: Result<Reply, Fault>,
        took: Duration,
    ) -> Progress {
        let mut state = self.lock();
        state.under_way -= 1;
        let trouble = outcome.as_ref().err().map(|fault| fault.message.clone());
        let kept = match outcome {
            Ok(reply) => state.replied(step, request, reply, took),
            Err(fault) => state.failed(self.recipe, step, request, fault, took),
        };
        if let Err(error) = kept {
            state.stop.get_or_insert(Stop::Error(error));
        }
        self.changed.notify_all();
        let plan = state.board.requests().plan;
        Progress {
            triples: [state.board.whole(), plan.triples.len()],
            steps: [state.board.steps_made(), plan.steps.len()],
            spending: state.journal.spending().clone(),
            trouble,
        }
    }

    fn ending(self) -> Result<Ending, Error> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        match (state.stop, state.unanswered) {
            (Some(Stop::Error(error)), _) => Err(error),
            (Some(Stop::User), _) => Ok(Ending::Stopped),
            (Some(Stop::Budget), _) => Ok(Ending::BudgetUsed),
            (None, Some((steps, message))) => Ok(Ending::Unanswered(steps, message)),
            (None, None) => Ok(Ending::Finished),
        }
    }
}

impl State<'_, '_> {
    /// Puts steps back whose time has come.
    fn wake(&mut self, now: Instant) {
        while let Some((at, step)) = self.later.first().copied().filter(|(at, _)| *at <= now) {
            self.later.remove(&(at, step));
            self.board.put_back(step);
        }
    }

    fn room(&self, recipe: &Recipe, request: &Request) -> Room {
        let (spending, under_way) = (self.journal.spending(), self.journal.under_way());
        room(&recipe.budget, recipe.prices.as_ref(), spending, under_way, request.bound)
    }

    fn send(&mut self, step: usize, request: &Request) -> Result<(), Error> {
        self.board.take(step);
        self.under_way += 1;
        self.journal.sent(&self.board.requests().plan.steps[step], request)
    }

    fn replied(&mut self, step: usize, request: &Request, reply: Reply, took: Duration) -> Result<(), Error> {
        self.journal.replied(&request.key, reply, took)?;
        (self.failures, self.answered) = (0, true);
        self.tries.remove(&step);
        self.board.advance(step, self.journal);
        Ok(())
    }

    fn failed(
        &mut self,
        recipe: &Recipe,
        step: usize,
        request: &Request,
        fault: Fault,
        took: Duration,
    ) -> Result<(), Error> {
        self.journal.failed(&request.key, fault.kind, took)?;
        let endpoint = &recipe.endpoint;
        let tries = self.tries.entry(step).or_default();
        *tries += 1;
        let tries = *tries;
        if let Some(error) = self.ends_the_run(recipe, &fault, tries) {
            return Err(error);
        }
        if !fault.kind.is_transient() || tries > endpoint.retries {
            let unanswered = self.unanswered.get_or_insert((0, String::new()));
            *unanswered = (unanswered.0 + 1, fault.message);
            return Ok(());
        }
        let now = Instant::now();
        let own = backoff(recipe, &self.board.requests().plan.steps[step].name, tries);
        let wait = fault.retry_after.map_or(own, |asked| asked.max(own));
        if fault.retry_after.is_some() || fault.kind == FaultKind::RateLimited {
            // It is about all requests, not this one.
            self.pace.pause_until(now + wait);
        }
        self.later.insert((now + wait, step));
        Ok(())
    }

    /// Why the whole run should end because of a fault.
    fn ends_the_run(&mut self, recipe: &Recipe, fault: &Fault, tries: u32) -> Option<Error> {
        let endpoint = &recipe.endpoint;
        let hint = |text: &str| Some(Error::new(fault.message.clone(), text));
        let longest = Duration::try_from_secs_f64(endpoint.max_wait_seconds).unwrap_or(Duration::MAX);
        if let Some(asked) = fault.retry_after.filter(|asked| fault.kind.is_transient() && *asked > longest) {
            let message = format!("{} (and asks to wait {} s)", fault.message, asked.as_secs());
            let hint =
                "run again later: what was answered is kept; `max_wait_seconds` is how long to wait at most";
            return Some(Error::new(message, hint));
        }
        match fault.kind {
            FaultKind::Denied => {
                let variable = endpoint.api_key_env.as_deref().unwrap_or("(no `api_key_env`)");
                return hint(&format!("check `base_url`, `model`, the key in {variable} and its account"));
            }
            FaultKind::Refused if !self.answered => {
                return hint("check `model` and [generation]: the endpoint does not take such requests");
            }
            FaultKind::RateLimited => {
                return (tries > endpoint.retries)
                    .then(|| {
                        hint("lower `concurrency`, or set `requests_per_minute` and `tokens_per_minute`")
                    })
                    .flatten();
            }
            _ => {}
        }
        self.failures += 1;
        if self.failures < endpoint.max_failures {
            return None;
        }
        let message =
            format!("{} requests in a row got no reply; the last: {}", self.failures, fault.message);
        Some(Error::new(
            message,
            "check the endpoint and the network, and run again: what was answered is kept",
        ))
    }
}

/// The wait before a request is sent again: twice as long each time, by up to half shorter so that
/// not all come back at once.
fn backoff(recipe: &Recipe, step: &str, tries: u32) -> Duration {
    let endpoint = &recipe.endpoint;
    let doubled = endpoint.backoff_seconds * 2f64.powi(tries.min(30) as i32 - 1);
    let jitter = (number(recipe.seed, &format!("backoff/{step}/{tries}")) % 1000) as f64 / 2000.0;
    Duration::try_from_secs_f64(doubled.min(endpoint.max_wait_seconds) * (1.0 - jitter))
        .unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::tests::MINIMAL;

    #[test]
    fn waits_double_up_to_the_longest_and_differ_from_step_to_step() {
        let recipe = format!(
            "{MINIMAL}backoff_seconds = 2
max_wait_seconds = 10
"
        );
        let recipe = Recipe::parse(&recipe).expect("a recipe");
        for (tries, full) in [(1, 2.0), (2, 4.0), (3, 8.0), (4, 10.0), (40, 10.0)] {
            let waits: Vec<f64> =
                (0..50).map(|n| backoff(&recipe, &format!("triple/{n}"), tries).as_secs_f64()).collect();
            assert!(waits.iter().all(|w| (full / 2.0..=full).contains(w)), "{tries}: {waits:?}");
            assert!(waits.iter().any(|w| *w != waits[0]));
        }
        assert_eq!(backoff(&recipe, "a", 2), backoff(&recipe, "a", 2));
    }
}
