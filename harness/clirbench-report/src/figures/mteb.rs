//! MTEB results: `scores.<split>[]` of version 2, `<split>` or `<split>.<language>` of version 1.

use clirbench_core::{
    figure::{Fault, Figure, Measure, Place, Scale},
    printed::Printed,
    results::Cell,
};
use serde_json::{Map, Value};

/// mteb rounds its scores to five decimals; JSON drops zeros at the end.
const UNIT: f64 = 1e-5;

/// The figures of a document; `None` where it is no MTEB result.
pub(super) fn figures(file: &str, document: &Value) -> Option<Vec<Figure>> {
    let document = document.as_object()?;
    let name = |key: &str| document.get(key).and_then(Value::as_str);
    let mut reader = Reader { file, task: "", figures: Vec::new() };
    match document.get("scores") {
        Some(scores) if document.contains_key("task_name") || document.contains_key("mteb_version") => {
            reader.task = name("task_name").unwrap_or_default();
            match scores.as_object() {
                Some(splits) => splits.iter().for_each(|(split, entries)| reader.split(split, entries)),
                None => reader.fault("scores", scores, "an object with a list for each split"),
            }
        }
        _ => {
            reader.task = name("mteb_dataset_name")?;
            for (split, entry) in document.iter().filter_map(|(k, v)| Some((k, v.as_object()?))) {
                reader.version_1(split, entry);
            }
        }
    }
    Some(reader.figures)
}

struct Reader<'a> {
    file: &'a str,
    task: &'a str,
    figures: Vec<Figure>,
}

impl Reader<'_> {
    fn split(&mut self, split: &str, entries: &Value) {
        let path = format!("scores.{split}");
        let Some(entries) = entries.as_array() else {
            return self.fault(&path, entries, "a list of scores");
        };
        for (i, entry) in entries.iter().enumerate() {
            let path = format!("{path}[{i}]");
            match entry.as_object() {
                Some(entry) => {
                    let subset = entry.get("hf_subset").and_then(Value::as_str).unwrap_or_default();
                    self.entry(&path, split, subset, entry);
                }
                None => self.fault(&path, entry, "an object of scores"),
            }
        }
    }

    fn version_1(&mut self, split: &str, entry: &Map<String, Value>) {
        if entry.values().any(|v| v.is_object()) {
            for (subset, entry) in entry.iter().filter_map(|(k, v)| Some((k, v.as_object()?))) {
                self.entry(&format!("{split}.{subset}"), split, subset, entry);
            }
        } else {
            self.entry(split, split, "", entry);
        }
    }

    fn entry(&mut self, path: &str, split: &str, subset: &str, entry: &Map<String, Value>) {
        for (key, value) in entry {
            let metric = key.replacen("_at_", "@", 1);
            let known = key == "main_score" || Measure::of(&metric).scale() != Scale::Unknown;
            let mut figure = self.figure(&format!("{path}.{key}"), split, subset, &metric);
            match value {
                Value::Number(number) => figure.value = printed(number.as_f64()),
                Value::String(text) if matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") => {}
                _ if known => {}
                // Names of languages, scores of single experiments.
                _ => continue,
            }
            if figure.value.is_none() {
                let found = value.to_string();
                figure.faults.push(Fault {
                    field: key.clone(),
                    found,
                    expected: "a finite number".to_owned(),
                });
            }
            self.figures.push(figure);
        }
    }

    fn figure(&self, path: &str, split: &str, subset: &str, metric: &str) -> Figure {
        let cell = Cell {
            dataset: self.task.to_owned(),
            scenario: split.to_owned(),
            query_lang: subset.to_owned(),
            ..Cell::default()
        };
        Figure::new(Place::key(self.file, path), cell, metric)
    }

    fn fault(&mut self, path: &str, found: &Value, expected: &str) {
        let mut found = found.to_string();
        if let Some((end, _)) = found.char_indices().nth(60) {
            found.truncate(end);
        }
        let fault = Fault { field: path.to_owned(), found, expected: expected.to_owned() };
        self.figures.push(Figure { faults: vec![fault], ..self.figure(path, "", "", "") });
    }
}

fn printed(value: Option<f64>) -> Option<Printed> {
    let written = Printed::parse(&value?.to_string())?;
    Some(Printed { unit: written.unit.min(UNIT), ..written })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::json;

    fn read(text: &str) -> Option<Vec<Figure>> {
        figures("t.json", &json::parse(text).expect("JSON"))
    }

    #[test]
    fn both_versions_are_read() {
        let two = r#"{"task_name": "XQuADRetrieval", "mteb_version": "2.0", "scores": {"validation": [
            {"ndcg_at_10": 0.9, "map_at_5": NaN, "main_score": 0.9, "hf_subset": "en", "languages": ["eng-Latn"]}]}}"#;
        let figures = read(two).expect("MTEB");
        let names: Vec<_> = figures.iter().map(|f| (f.name.as_str(), f.place.at.as_str())).collect();
        let at = "scores.validation[0].";
        assert_eq!(
            names,
            [
                ("ndcg@10", &*format!("{at}ndcg_at_10")),
                ("map@5", &*format!("{at}map_at_5")),
                ("main_score", &*format!("{at}main_score"))
            ]
        );
        assert_eq!(figures[0].value, Some(Printed { value: 0.9, unit: 1e-5 }));
        assert_eq!((figures[1].value, figures[1].faults.len()), (None, 1));

        let one = r#"{"mteb_dataset_name": "X", "test": {"en": {"ndcg_at_10": 0.5}, "evaluation_time": 3}}"#;
        assert_eq!(read(one).map(|f| f.len()), Some(1));
        let plain = r#"{"mteb_dataset_name": "X", "test": {"ndcg_at_10": 0.5, "evaluation_time": 3}}"#;
        assert_eq!(read(plain).map(|f| f.len()), Some(2));
        assert_eq!(read(r#"{"scores": {}}"#), None);
    }

    #[test]
    fn wrong_shapes_are_faults() {
        for scores in
            ["[]", "3", r#"{"test": {}}"#, r#"{"test": [1]}"#, r#"{"test": [{"ndcg_at_10": "high"}]}"#]
        {
            let figures = read(&format!(r#"{{"task_name": "T", "scores": {scores}}}"#)).expect("MTEB");
            assert_eq!(figures.iter().map(|f| f.faults.len()).sum::<usize>(), 1, "{scores}");
        }
    }
}
