//! Where every step of the plan stands, given the replies of a journal.
//!
//! The board is a function of recipe and journal: replaying the journal gives the same board as
//! the run that wrote it, whatever the order in which replies came.

use std::collections::{BTreeMap, BTreeSet};

use clirbench_store::Key;

use crate::{
    journal::Journal,
    made::{Made, Triplet},
    plan::StepKind,
    rejection::{Reason, Rejection},
    request::{Request, Requests},
    validation::judge,
};

/// Where a step stands.
enum Status {
    /// Steps that it needs are missing.
    Waiting(usize),
    /// It can be asked for, or is being.
    Open(Box<Request>),
    /// A reply was accepted: the request it answers.
    Made { made: Made, request: Key, attempt: u32 },
    /// No reply was accepted.
    Failed(Rejection),
    /// A step that it needs failed.
    Blocked,
}

/// What became of a plan.
pub(crate) struct Board<'a> {
    requests: Requests<'a>,
    statuses: Vec<Status>,
    dependents: Vec<Vec<usize>>,
    /// Steps that nobody has asked for yet, in the order of the plan.
    ready: BTreeSet<usize>,
    /// Why the replies to each step so far were not accepted.
    rejected: Vec<Vec<Reason>>,
    /// Steps left for each triple.
    left: Vec<usize>,
    made: usize,
    whole: usize,
}

impl<'a> Board<'a> {
    /// The board of a plan after the replies of a journal.
    pub(crate) fn replay(requests: Requests<'a>, journal: &Journal) -> Board<'a> {
        let steps = &requests.plan.steps;
        let mut dependents = vec![Vec::new(); steps.len()];
        for (at, step) in steps.iter().enumerate() {
            step.needs.iter().for_each(|need| dependents[*need].push(at));
        }
        let statuses = steps.iter().map(|step| Status::Waiting(step.needs.len())).collect();
        let left = vec![requests.recipe.languages.len(); requests.plan.triples.len()];
        let first: Vec<usize> = (0..steps.len()).filter(|at| steps[*at].needs.is_empty()).collect();
        let mut board = Board {
            requests,
            statuses,
            dependents,
            ready: BTreeSet::new(),
            rejected: vec![Vec::new(); steps.len()],
            left,
            made: 0,
            whole: 0,
        };
        first.into_iter().for_each(|at| board.advance(at, journal));
        board
    }

    /// Takes the replies to a step into account, and those to steps that it makes possible.
    pub(crate) fn advance(&mut self, step: usize, journal: &Journal) {
        let mut open = vec![step];
        while let Some(at) = open.pop() {
            self.ready.remove(&at);
            match self.settle(at, journal) {
                Status::Made { made, request, attempt } => {
                    self.statuses[at] = Status::Made { made, request, attempt };
                    self.count(at);
                    for dependent in self.dependents[at].clone() {
                        if let Status::Waiting(missing) = &mut self.statuses[dependent] {
                            *missing -= 1;
                            if *missing == 0 {
                                open.push(dependent);
                            }
                        }
                    }
                }
                Status::Failed(rejection) => {
                    self.statuses[at] = Status::Failed(rejection);
                    self.block(at);
                }
                other => {
                    self.statuses[at] = other;
                    self.ready.insert(at);
                }
            }
        }
    }

    /// Judges the replies to a step, attempt by attempt.
    fn settle(&mut self, at: usize, journal: &Journal) -> Status {
        let step = &self.requests.plan.steps[at];
        let recipe = self.requests.recipe;
        let mut refused: Option<Rejection> = None;
        self.rejected[at].clear();
        for attempt in 1..=recipe.generation.attempts {
            let needed: Vec<&Made> = step.needs.iter().filter_map(|need| self.made(*need)).collect();
            let reason = refused.as_ref().map(ToString::to_string);
            let request = self.requests.make(step, &needed, attempt, reason.as_deref());
            let Some(reply) = journal.reply(&request.key) else { return Status::Open(Box::new(request)) };
            let source = match step.kind {
                StepKind::Translation { .. } => needed.first().and_then(|made| made.triplet()),
                _ => None,
            };
            match judge(recipe, &step.kind, reply, source) {
                Ok(made) => return Status::Made { made, request: request.key, attempt },
                Err(rejection) => {
                    self.rejected[at].push(rejection.reason);
                    refused = Some(rejection);
                }
            }
        }
        Status::Failed(refused.unwrap_or_else(|| Rejection::new(Reason::Fields, "nothing was asked for")))
    }

    fn block(&mut self, at: usize) {
        let mut open = self.dependents[at].clone();
        while let Some(at) = open.pop() {
            if !matches!(self.statuses[at], Status::Blocked) {
                self.statuses[at] = Status::Blocked;
                open.extend(&self.dependents[at]);
            }
        }
    }

    fn count(&mut self, at: usize) {
        self.made += 1;
        if let StepKind::Triple { triple } | StepKind::Translation { triple, .. } =
            self.requests.plan.steps[at].kind
        {
            self.left[triple] -= 1;
            self.whole += usize::from(self.left[triple] == 0);
        }
    }

    /// What a step gave.
    pub(crate) fn made(&self, step: usize) -> Option<&Made> {
        match &self.statuses[step] {
            Status::Made { made, .. } => Some(made),
            _ => None,
        }
    }

    /// The texts of a step.
    pub(crate) fn triplet(&self, step: usize) -> Option<&Triplet> {
        self.made(step).and_then(Made::triplet)
    }

    /// The request whose reply was accepted, and which attempt it was.
    pub(crate) fn origin(&self, step: usize) -> Option<(&Key, u32)> {
        match &self.statuses[step] {
            Status::Made { request, attempt, .. } => Some((request, *attempt)),
            _ => None,
        }
    }

    /// The first step that can be asked for, and its request.
    pub(crate) fn first_ready(&self) -> Option<(usize, &Request)> {
        let at = *self.ready.first()?;
        match &self.statuses[at] {
            Status::Open(request) => Some((at, request)),
            _ => None,
        }
    }

    /// Takes a step off those that can be asked for.
    pub(crate) fn take(&mut self, step: usize) {
        self.ready.remove(&step);
    }

    /// Puts it back.
    pub(crate) fn put_back(&mut self, step: usize) {
        self.ready.insert(step);
    }

    /// How many steps are made.
    pub(crate) fn steps_made(&self) -> usize {
        self.made
    }

    /// How many steps can no longer be made because one that they need failed.
    pub(crate) fn blocked(&self) -> usize {
        self.statuses.iter().filter(|s| matches!(s, Status::Blocked)).count()
    }

    /// How many triples are whole.
    pub(crate) fn whole(&self) -> usize {
        self.whole
    }

    /// Whether all texts of a triple are there.
    pub(crate) fn is_whole(&self, triple: usize) -> bool {
        self.left[triple] == 0
    }

    /// Replies that were not accepted, by reason.
    pub(crate) fn rejections(&self) -> BTreeMap<Reason, u64> {
        let mut rejections = BTreeMap::new();
        for reason in self.rejected.iter().flatten() {
            *rejections.entry(*reason).or_default() += 1;
        }
        rejections
    }

    /// Steps without an accepted reply, by the reason of the last.
    pub(crate) fn failures(&self) -> BTreeMap<Reason, u64> {
        let mut failures = BTreeMap::new();
        for status in &self.statuses {
            if let Status::Failed(rejection) = status {
                *failures.entry(rejection.reason).or_default() += 1;
            }
        }
        failures
    }

    /// What requests are made of.
    pub(crate) fn requests(&self) -> &Requests<'a> {
        &self.requests
    }
}
