//! `run.json`: the rates that a run noted about its cells and inputs.

use clirbench_core::{
    figure::{Fault, Figure, Place},
    printed::Printed,
    results::Cell,
};
use serde_json::Value;

/// The figures of a document; `None` where it is no `run.json`.
pub(super) fn figures(file: &str, document: &Value) -> Option<Vec<Figure>> {
    document.get("clirbench")?;
    let cells = document.get("cells")?;
    let mut figures = Vec::new();
    let mut push = |path: &str, about: &Value, model: &str, field: &str| {
        let Some(value) = about.get(field) else { return };
        let text = |key: &str| about.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let cell = Cell {
            model: if model.is_empty() { text("model") } else { model.to_owned() },
            dataset: text("dataset"),
            documents: text("documents"),
            scenario: text("scenario") + &text("role"),
            query_lang: text("query_lang") + &text("language"),
            pool_langs: text("pool_langs"),
        };
        let mut figure = Figure::new(Place::key(file, format!("{path}.{field}")), cell, field);
        figure.value = value.as_f64().filter(|v| v.is_finite()).map(Printed::exact);
        if figure.value.is_none() {
            let (field, found) = (field.to_owned(), value.to_string());
            figure.faults.push(Fault { field, found, expected: "a finite number".to_owned() });
        }
        figures.push(figure);
    };
    for (i, cell) in cells.as_array().into_iter().flatten().enumerate() {
        push(&format!("cells[{i}]"), cell, "", "tie_rate");
    }
    for (model, about) in document.get("models").and_then(Value::as_object).into_iter().flatten() {
        for (i, input) in about.get("inputs").and_then(Value::as_array).into_iter().flatten().enumerate() {
            for field in ["truncated", "unknown_tokens"] {
                push(&format!("models.{model}.inputs[{i}]"), input, model, field);
            }
        }
    }
    Some(figures)
}
