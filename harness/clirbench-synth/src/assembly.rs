//! From a board to parallel triples, each with where its texts come from.

use clirbench_data::{ParallelTriple, Texts};
use serde_json::{Map, Value, json};

use crate::{board::Board, draw::Level, journal::Journal, plan::PlannedTriple, request::subject};

/// The whole triples, in the order of the plan.
///
/// They depend on the recipe and on the accepted replies, not on when or in which order those came.
pub(crate) fn triples<'a>(
    board: &'a Board<'_>,
    journal: &'a Journal,
) -> impl Iterator<Item = ParallelTriple> + 'a {
    let planned = board.requests().plan.triples.iter().enumerate();
    planned.filter(|(at, _)| board.is_whole(*at)).map(|(_, planned)| triple(board, journal, planned))
}

fn triple(board: &Board<'_>, journal: &Journal, planned: &PlannedTriple) -> ParallelTriple {
    let recipe = board.requests().recipe;
    let mut columns = [Texts::new(), Texts::new(), Texts::new()];
    let mut origins = Map::new();
    for (at, code) in recipe.languages.iter().enumerate() {
        // The steps of a triple follow each other in the order of the languages.
        let step = planned.step + at;
        let Some(triplet) = board.triplet(step) else { continue };
        for (column, text) in columns.iter_mut().zip(triplet.texts()) {
            column.insert(code.clone(), text.to_owned());
        }
        let template = if at == 0 { "triple" } else { "translation" };
        origins.insert(code.clone(), origin(board, journal, step, template));
    }
    let [query, positive, negative] = columns;
    let provenance = provenance(board, journal, planned, origins);
    ParallelTriple { id: planned.id.clone(), query, positive, negatives: vec![negative], provenance }
}

fn provenance(
    board: &Board<'_>,
    journal: &Journal,
    planned: &PlannedTriple,
    texts: Map<String, Value>,
) -> Map<String, Value> {
    let requests = board.requests();
    let (subcategories, tasks) = requests.plan.sources[planned.draw];
    let category = &requests.plan.draws[planned.draw].category;
    let named = subject(&category.code);
    let mut place =
        json!({"scheme": "KDC 6", "level": category.level, "code": category.code, "name": named.name});
    if category.level == Level::Subcategory {
        let (name, _) = requests.category(planned.draw, subcategories.and_then(|step| board.made(step)));
        place["subcategory"] = json!(name);
    }
    let task = board.made(tasks).and_then(|made| made.list().get(planned.task));
    let mut brainstorm = Map::new();
    for (step, template) in subcategories.map(|s| (s, "subcategories")).into_iter().chain([(tasks, "tasks")])
    {
        brainstorm.insert(template.to_owned(), origin(board, journal, step, template));
    }
    let provenance = json!({
        "generator": "clirbench synth",
        "category": place,
        "task": task,
        "manner": planned.manner,
        "seed": requests.recipe.seed,
        "recipe": requests.hash(),
        "brainstorm": brainstorm,
        "texts": texts,
    });
    match provenance {
        Value::Object(provenance) => provenance,
        _ => Map::new(),
    }
}

/// Which model wrote a step's texts, asked by which prompt and request.
fn origin(board: &Board<'_>, journal: &Journal, step: usize, template: &str) -> Value {
    let requests = board.requests();
    let Some((request, attempt)) = board.origin(step) else { return Value::Null };
    let reply = journal.reply(request);
    json!({
        "model": reply.and_then(|r| r.model.as_deref()).unwrap_or(&requests.recipe.endpoint.model),
        "prompt": {"name": template, "hash": requests.prompts.hash(template)},
        "request": request,
        "id": reply.and_then(|r| r.id.as_deref()),
        "attempt": attempt,
        "tokens": reply.and_then(|r| r.usage),
    })
}
