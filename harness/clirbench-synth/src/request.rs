//! What is sent: the body of a chat completion, and the key that stands for it.

use clirbench_store::Key;
use serde_json::{Map, Value, json};

use crate::{
    classification::{Classification, Subject},
    draw::{Level, number},
    language,
    made::{Made, Triplet},
    plan::{Plan, Step, StepKind},
    prompts::Prompts,
    recipe::Recipe,
};

/// A request that can be sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Hash of the endpoint, the body and the attempt: a reply belongs to it and to no other.
    pub(crate) key: Key,
    /// JSON.
    pub(crate) body: String,
    /// Counts the replies that were not accepted, from 1.
    pub(crate) attempt: u32,
    /// Most tokens that it can cost.
    pub(crate) bound: Tokens,
}

/// Tokens of a prompt and of its reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tokens {
    /// Of the prompt.
    pub input: u64,
    /// Of the reply.
    pub output: u64,
}

impl Tokens {
    /// Both together.
    #[must_use]
    pub fn total(self) -> u64 {
        self.input + self.output
    }
}

impl std::ops::AddAssign for Tokens {
    fn add_assign(&mut self, other: Tokens) {
        self.input += other.input;
        self.output += other.output;
    }
}

/// Tokens that servers add around messages.
const FRAMING: u64 = 64;

/// Descriptions that a later round of a category is shown.
const SHOWN: usize = 60;

/// Makes the requests of a plan.
pub(crate) struct Requests<'a> {
    pub(crate) recipe: &'a Recipe,
    pub(crate) prompts: &'a Prompts,
    pub(crate) plan: &'a Plan,
}

impl Requests<'_> {
    /// The request of a step. `made` holds what the steps that it needs gave, in their order;
    /// `refused` says why the attempt before was not accepted.
    pub(crate) fn make(&self, step: &Step, made: &[&Made], attempt: u32, refused: Option<&str>) -> Request {
        let mut prompt = self.prompt(step, made);
        if let Some(reason) = refused {
            prompt += &self.prompts.render("retry", &[("reason", reason)]);
        }
        let body = self.body(step, &prompt, attempt);
        // Two steps may have the same body where no seed is sent; each wants a reply of its own.
        let key = Key::of(&json!({
            "base_url": self.recipe.endpoint.base_url,
            "step": step.name,
            "body": body,
            "attempt": attempt,
        }));
        let system = self.prompts.render("system", &[]);
        // No tokeniser makes more tokens than there are bytes.
        let input = (prompt.len() + system.len()) as u64 + FRAMING;
        let output = u64::from(self.recipe.generation.max_tokens);
        Request { key, body: body.to_string(), attempt, bound: Tokens { input, output } }
    }

    fn body(&self, step: &Step, prompt: &str, attempt: u32) -> Value {
        let generation = &self.recipe.generation;
        let mut messages = Vec::new();
        let system = self.prompts.render("system", &[]);
        if !system.is_empty() {
            messages.push(json!({"role": "system", "content": system}));
        }
        messages.push(json!({"role": "user", "content": prompt}));
        let temperature = match step.kind {
            StepKind::Translation { .. } => generation.translation_temperature,
            _ => generation.temperature,
        };
        let mut body = Map::new();
        body.insert("model".to_owned(), json!(self.recipe.endpoint.model));
        body.insert("messages".to_owned(), json!(messages));
        body.insert("temperature".to_owned(), json!(temperature));
        if let Some(top_p) = generation.top_p {
            body.insert("top_p".to_owned(), json!(top_p));
        }
        body.insert(generation.max_tokens_field.name().to_owned(), json!(generation.max_tokens));
        if generation.send_seed {
            // Servers take signed numbers of 32 bits.
            let seed = number(self.recipe.seed, &format!("{}/{attempt}", step.name)) % (1 << 31);
            body.insert("seed".to_owned(), json!(seed));
        }
        if generation.json_mode {
            body.insert("response_format".to_owned(), json!({"type": "json_object"}));
        }
        for (key, value) in &generation.extra {
            body.insert(key.clone(), json!(value));
        }
        Value::Object(body)
    }

    fn prompt(&self, step: &Step, made: &[&Made]) -> String {
        match &step.kind {
            StepKind::Subcategories { division } => {
                let (count, subject) = (self.recipe.sampling.subcategories, subject(division));
                let count = count.to_string();
                let values = [
                    ("count", count.as_str()),
                    ("code", division),
                    ("category", &subject.name),
                    ("about", &subject.about),
                ];
                self.prompts.render("subcategories", &values)
            }
            StepKind::Tasks { draw } => {
                let (category, about) = self.category(*draw, made.first().copied());
                let count = self.recipe.sampling.tasks.to_string();
                let is_tasks = |need: &&usize| matches!(self.plan.steps[**need].kind, StepKind::Tasks { .. });
                let earlier = step.needs.iter().zip(made).filter(|(need, _)| is_tasks(need));
                let earlier: Vec<String> =
                    earlier.flat_map(|(_, made)| made.list()).map(|task| format!("- {task}")).collect();
                let avoid = match &earlier[earlier.len().saturating_sub(SHOWN)..] {
                    [] => "(none yet)".to_owned(),
                    last => last.join("\n"),
                };
                let values = [
                    ("count", count.as_str()),
                    ("category", &category),
                    ("about", &about),
                    ("avoid", &avoid),
                ];
                self.prompts.render("tasks", &values)
            }
            StepKind::Triple { triple } => {
                let planned = &self.plan.triples[*triple];
                let task = made.first().and_then(|made| made.list().get(planned.task)).cloned();
                let words = planned.manner.words.to_string();
                let category = made.get(1).copied();
                let (category, _) = self.category(planned.draw, category);
                let values = [
                    ("task", task.unwrap_or_default()),
                    ("category", category),
                    ("language", self.language(0).to_owned()),
                    ("form", planned.manner.form.to_owned()),
                    ("rarity", planned.manner.rarity.to_owned()),
                    ("words", words),
                    ("reader", planned.manner.reader.to_owned()),
                ];
                self.prompts.render("triple", &values.each_ref().map(|(k, v)| (*k, v.as_str())))
            }
            StepKind::Translation { language, .. } => {
                let source = made.first().and_then(|made| made.triplet());
                let triple = source.map(Triplet::to_json).unwrap_or_default();
                let values =
                    [("source", self.language(0)), ("target", self.language(*language)), ("triple", &triple)];
                self.prompts.render("translation", &values)
            }
        }
    }

    /// Hash of what replies depend on: of everything in a recipe but how many triples there are, how
    /// fast and for how much money.
    pub(crate) fn hash(&self) -> Key {
        let (recipe, generation) = (self.recipe, &self.recipe.generation);
        Key::of(&json!({
            "base_url": recipe.endpoint.base_url,
            "model": recipe.endpoint.model,
            "seed": recipe.seed,
            "languages": recipe.languages,
            "levels": recipe.sampling.levels,
            "classes": recipe.sampling.classes,
            "counts": [recipe.sampling.subcategories, recipe.sampling.tasks, recipe.sampling.triples],
            "temperatures": [generation.temperature, generation.translation_temperature],
            "top_p": generation.top_p,
            "max_tokens": [json!(generation.max_tokens_field.name()), json!(generation.max_tokens)],
            "json_mode": generation.json_mode,
            "send_seed": generation.send_seed,
            "attempts": generation.attempts,
            "extra": generation.extra,
            "limits": [recipe.limits.query, recipe.limits.passage],
            "prompts": self.prompts.hash_of_all(),
        }))
    }

    fn language(&self, at: usize) -> &'static str {
        language::find(&self.recipe.languages[at]).expect("a recipe names known languages").name
    }

    /// Name and description of a draw's category; `subcategories` are those of its division.
    pub(crate) fn category(&self, draw: usize, subcategories: Option<&Made>) -> (String, String) {
        let category = &self.plan.draws[draw].category;
        let subject = subject(&category.code);
        match category.level {
            Level::Subcategory => {
                let named = subcategories.and_then(|made| made.list().get(category.subcategory));
                let name = named.cloned().unwrap_or_default();
                (name, format!("a subject within {}: {}", subject.name, subject.about))
            }
            _ => (subject.name.clone(), subject.about.clone()),
        }
    }
}

/// A main class by its digit, or a division by its three.
pub(crate) fn subject(code: &str) -> &'static Subject {
    let kdc = Classification::kdc();
    let subjects = if code.len() == 1 { &kdc.classes } else { &kdc.divisions };
    subjects.get(code).expect("only categories of the table are drawn")
}
