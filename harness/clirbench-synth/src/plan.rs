//! The plan: every request that a recipe leads to, in the order in which triples are written.

use std::collections::BTreeMap;

use crate::{
    draw::{Category, Draw, Level, Manner, draws},
    recipe::Recipe,
};

/// What one accepted reply gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Narrower subjects of a division.
    Subcategories {
        /// The division.
        division: String,
    },
    /// Task descriptions for a category.
    Tasks {
        /// Which draw they are for.
        draw: usize,
    },
    /// A query, its positive and its hard negative in the first language.
    Triple {
        /// Which triple.
        triple: usize,
    },
    /// The same three in another language.
    Translation {
        /// Which triple.
        triple: usize,
        /// Which of the recipe's languages.
        language: usize,
    },
}

/// One request of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Names it in journal and messages.
    pub name: String,
    /// What it is for.
    pub kind: StepKind,
    /// Steps whose results its prompt is made of; all come before it.
    pub needs: Vec<usize>,
}

/// A triple of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTriple {
    /// Its id: the category and a number within it.
    pub id: String,
    /// Which draw it belongs to.
    pub draw: usize,
    /// Which of the draw's task descriptions.
    pub task: usize,
    /// In which manner it is written.
    pub manner: Manner,
    /// The step that writes it; those that translate it follow, in the order of the languages.
    pub step: usize,
}

/// Everything that a recipe asks for. A recipe with more triples has a plan that starts with this
/// one, but for the requests of its last draw.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The draws, in order.
    pub draws: Vec<Draw>,
    /// For each draw the steps of its subcategories, if it has any, and of its tasks.
    pub sources: Vec<(Option<usize>, usize)>,
    /// The triples, in order.
    pub triples: Vec<PlannedTriple>,
    /// The requests; a step comes after those that it needs.
    pub steps: Vec<Step>,
}

impl Plan {
    /// The plan of a recipe.
    #[must_use]
    pub fn of(recipe: &Recipe) -> Plan {
        let sampling = &recipe.sampling;
        let per_draw = sampling.tasks * sampling.triples;
        let count = recipe.triples.div_ceil(per_draw);
        let draws = draws(sampling, recipe.seed, count);
        let mut plan = Plan { draws, sources: Vec::new(), triples: Vec::new(), steps: Vec::new() };
        let mut of_division: BTreeMap<String, usize> = BTreeMap::new();
        let mut of_category: BTreeMap<Category, Vec<usize>> = BTreeMap::new();
        let mut written: BTreeMap<Category, usize> = BTreeMap::new();
        for draw in 0..count {
            let Draw { category, round } = plan.draws[draw].clone();
            let subcategories = (category.level == Level::Subcategory).then(|| {
                *of_division.entry(category.code.clone()).or_insert_with(|| {
                    let kind = StepKind::Subcategories { division: category.code.clone() };
                    plan.step(format!("subcategories/{}", category.code), kind, Vec::new())
                })
            });
            let earlier = of_category.entry(category.clone()).or_default();
            let needs = subcategories.iter().chain(earlier.iter()).copied().collect();
            let tasks = plan.step(
                format!("tasks/{}/{}", category.label(), round + 1),
                StepKind::Tasks { draw },
                needs,
            );
            earlier.push(tasks);
            plan.sources.push((subcategories, tasks));
            let wanted = per_draw.min(recipe.triples - plan.triples.len());
            for n in 0..wanted {
                let number = written.entry(category.clone()).or_default();
                *number += 1;
                let id = format!("kdc-{}-{:04}", category.label(), *number);
                plan.triple(recipe, id, draw, n / sampling.triples);
            }
        }
        plan
    }

    fn step(&mut self, name: String, kind: StepKind, needs: Vec<usize>) -> usize {
        self.steps.push(Step { name, kind, needs });
        self.steps.len() - 1
    }

    fn triple(&mut self, recipe: &Recipe, id: String, draw: usize, task: usize) {
        let triple = self.triples.len();
        let (subcategories, tasks) = self.sources[draw];
        let needs = std::iter::once(tasks).chain(subcategories).collect();
        let step = self.step(format!("triple/{id}"), StepKind::Triple { triple }, needs);
        for (language, code) in recipe.languages.iter().enumerate().skip(1) {
            let kind = StepKind::Translation { triple, language };
            self.step(format!("translation/{id}/{code}"), kind, vec![step]);
        }
        let manner = Manner::of(recipe.seed, &id);
        self.triples.push(PlannedTriple { id, draw, task, manner, step });
    }

    /// How many steps of each kind there are: subcategories, tasks, triples, translations.
    #[must_use]
    pub fn counts(&self) -> [usize; 4] {
        let mut counts = [0; 4];
        for step in &self.steps {
            counts[match step.kind {
                StepKind::Subcategories { .. } => 0,
                StepKind::Tasks { .. } => 1,
                StepKind::Triple { .. } => 2,
                StepKind::Translation { .. } => 3,
            }] += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::recipe::tests::MINIMAL;

    fn plan(triples: usize, rest: &str) -> Plan {
        let text = MINIMAL.replace("triples = 10", &format!("triples = {triples}"));
        let text = text.replace("\"ko\"", "\"ko\", \"ja\"");
        Plan::of(&Recipe::parse(&format!("{text}{rest}")).expect("a recipe"))
    }

    #[test]
    fn a_plan_asks_for_what_the_recipe_says() {
        let plan = plan(50, "[sampling]\ntasks = 2\ntriples = 3\n");
        assert_eq!((plan.draws.len(), plan.triples.len()), (9, 50));
        let subcategories = plan.draws.iter().filter(|d| d.category.level == Level::Subcategory).count();
        assert_eq!(plan.counts(), [subcategories, 9, 50, 100]);
        let tasks: Vec<_> = plan.triples[..7].iter().map(|t| (t.draw, t.task)).collect();
        assert_eq!(tasks, [(0, 0), (0, 0), (0, 0), (0, 1), (0, 1), (0, 1), (1, 0)]);
    }

    #[test]
    fn ids_and_steps_are_named_once_and_needs_come_first() {
        let plan = plan(700, "[sampling]\nclasses = [\"4\"]\nsubcategories = 2\ntasks = 2\ntriples = 2\n");
        let ids: BTreeSet<_> = plan.triples.iter().map(|t| &t.id).collect();
        let names: BTreeSet<_> = plan.steps.iter().map(|s| &s.name).collect();
        assert_eq!((ids.len(), names.len()), (700, plan.steps.len()));
        for (at, step) in plan.steps.iter().enumerate() {
            assert!(step.needs.iter().all(|need| *need < at), "{step:?}");
        }
        let again = plan.draws.iter().position(|d| d.round == 2).expect("drawn a third time");
        assert_eq!(plan.steps[plan.sources[again].1].needs.len(), 2, "it knows the tasks of both rounds");
    }

    #[test]
    fn more_triples_go_on_with_the_same_data() {
        let (few, many) = (plan(100, ""), plan(250, ""));
        assert_eq!(few.triples, many.triples[..100]);
        assert_eq!(few.steps, many.steps[..few.steps.len()]);
    }
}
