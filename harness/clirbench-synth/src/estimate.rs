//! What a plan will cost, before anything is known of the replies.

use serde::Serialize;

use crate::{
    draw::WORDS,
    language,
    ledger::price,
    made::{Made, Triplet},
    plan::StepKind,
    request::{Requests, Tokens},
};

/// Requests and tokens of one stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct StageEstimate {
    /// Requests, where every first reply is accepted.
    pub requests: u64,
    /// Tokens of these; within a factor of two for common models.
    pub tokens: Tokens,
    /// Money for them, where the recipe has prices.
    pub money: Option<f64>,
}

/// What a plan will cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Naming narrower subjects of divisions.
    pub subcategories: StageEstimate,
    /// Brainstorming task descriptions.
    pub tasks: StageEstimate,
    /// Writing triples.
    pub triples: StageEstimate,
    /// Translating them.
    pub translations: StageEstimate,
    /// All together.
    pub all: StageEstimate,
}

/// Tokens of an English word.
const PER_WORD: f64 = 1.35;
/// Words of a query, a task description, a subcategory.
const QUERY: u32 = 9;
const TASK: u32 = 25;
const SUBCATEGORY: u32 = 5;
/// Characters of a token of an English prompt.
const CHARACTERS: f64 = 4.4;
/// Tokens of the JSON around a reply, and of one entry of a list in it.
const AROUND: f64 = 30.0;
const ENTRY: f64 = 4.0;

impl Estimate {
    pub(crate) fn of(requests: &Requests<'_>) -> Estimate {
        let recipe = requests.recipe;
        let sampling = &recipe.sampling;
        let words = |n: u32| "subject ".repeat(n as usize).trim_end().to_owned();
        let list = |count: usize, length: u32| Made::List(vec![words(length); count]);
        let subcategories = list(sampling.subcategories, SUBCATEGORY);
        let tasks = list(sampling.tasks, TASK);
        let mut stages = [StageEstimate::default(); 4];
        for step in &requests.plan.steps {
            let needs = step.needs.iter().map(|need| &requests.plan.steps[*need].kind);
            let passage = match step.kind {
                StepKind::Triple { triple } | StepKind::Translation { triple, .. } => {
                    requests.plan.triples[triple].manner.words
                }
                _ => WORDS[0],
            };
            let text = |length: u32| words(length);
            let triplet = Made::Triplet(Triplet {
                query: text(QUERY),
                positive: text(passage),
                negative: text(passage),
            });
            let needed: Vec<&Made> = needs
                .map(|kind| match kind {
                    StepKind::Subcategories { .. } => &subcategories,
                    StepKind::Tasks { .. } => &tasks,
                    _ => &triplet,
                })
                .collect();
            let source = density(&recipe.languages[0]);
            let written = f64::from(QUERY + 2 * passage) * PER_WORD;
            let (stage, reply) = match step.kind {
                StepKind::Subcategories { .. } => {
                    (0, sampling.subcategories as f64 * (f64::from(SUBCATEGORY) * PER_WORD + ENTRY))
                }
                StepKind::Tasks { .. } => (1, sampling.tasks as f64 * (f64::from(TASK) * PER_WORD + ENTRY)),
                StepKind::Triple { .. } => (2, written * source),
                StepKind::Translation { language, .. } => (3, written * density(&recipe.languages[language])),
            };
            let prompt = requests.make(step, &needed, 1, None).bound.input as f64 / CHARACTERS;
            stages[stage].requests += 1;
            stages[stage].tokens += Tokens { input: prompt as u64, output: (reply + AROUND) as u64 };
        }
        let mut all = StageEstimate::default();
        for stage in &stages {
            all.requests += stage.requests;
            all.tokens += stage.tokens;
        }
        let [subcategories, tasks, triples, translations, all] =
            [stages[0], stages[1], stages[2], stages[3], all].map(|stage| StageEstimate {
                money: recipe.prices.as_ref().map(|prices| price(prices, stage.tokens)),
                ..stage
            });
        Estimate { subcategories, tasks, triples, translations, all }
    }
}

/// Tokens of a text for one of the same text in English.
fn density(code: &str) -> f64 {
    match language::find(code) {
        Some(language) if language.code == "en" => 1.0,
        Some(language) if language.is_latin() => 1.4,
        _ => 1.8,
    }
}
