//! What a merge says of itself.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How many of the least similar tensors a summary lists.
const LISTED: usize = 5;

/// What became of one tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorReport {
    /// Its name; the folder is in front for a tensor of a Dense module (`2_Dense/linear.weight`).
    pub name: String,
    /// How many numbers it has.
    pub elements: usize,
    /// The cosine of each model's tensor with the base's, where the method takes a base, else with the
    /// first model's; nothing where either is zero.
    pub cosines: Vec<Option<f64>>,
    /// What the merger says.
    pub note: Map<String, Value>,
}

impl TensorReport {
    /// The cosine of the model that is farthest away.
    #[must_use]
    pub fn lowest(&self) -> Option<f64> {
        self.cosines.iter().flatten().copied().min_by(f64::total_cmp)
    }

    /// Whether the method could not be applied as it is defined: a slerp that fell back to a line.
    #[must_use]
    pub fn fell_back(&self) -> bool {
        self.note.get("fell_back").and_then(Value::as_bool).unwrap_or_default()
    }
}

/// What became of all tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct MergeReport {
    /// Names of the models.
    pub models: Vec<String>,
    /// Name of the model that the cosines are with, where it is none of the models.
    pub base: Option<String>,
    /// In the order in which the tensors lie on disk.
    pub tensors: Vec<TensorReport>,
    /// Integer tensors, which are equal in all models and were copied.
    pub copied: usize,
    /// What a reader of the merge has to know.
    pub notes: Vec<String>,
}

impl MergeReport {
    /// The report in a few numbers, for `clirbench.json` and for people: how many tensors, how many fell
    /// back, the least similar ones.
    #[must_use]
    pub fn summary(&self) -> Value {
        let mut lowest: Vec<(f64, &str)> =
            self.tensors.iter().filter_map(|t| Some((t.lowest()?, t.name.as_str()))).collect();
        lowest.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
        let lowest: Vec<Value> = lowest
            .into_iter()
            .take(LISTED)
            .map(|(cosine, name)| json!({"tensor": name, "cosine": cosine}))
            .collect();
        json!({
            "tensors": self.tensors.len(),
            "copied": self.copied,
            "fell_back": self.tensors.iter().filter(|tensor| tensor.fell_back()).count(),
            "lowest_cosines": lowest,
            "notes": self.notes,
        })
    }

    /// `merge.csv`: a row per tensor. The model that the cosines are with has no column.
    #[must_use]
    pub fn csv(&self) -> String {
        let skipped = usize::from(self.base.is_none());
        let mut text = "tensor,elements".to_owned();
        for name in self.models.iter().skip(skipped) {
            text += &format!(",{}", quoted(&format!("cosine {name}")));
        }
        text += ",note\n";
        for tensor in &self.tensors {
            text += &format!("{},{}", quoted(&tensor.name), tensor.elements);
            for cosine in tensor.cosines.iter().skip(skipped) {
                text.push(',');
                if let Some(cosine) = cosine {
                    write!(text, "{cosine:.8}").expect("a string takes everything");
                }
            }
            let note = if tensor.note.is_empty() {
                String::new()
            } else {
                quoted(&Value::Object(tensor.note.clone()).to_string())
            };
            text += &format!(",{note}\n");
        }
        text
    }
}

/// A field of a CSV file (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_as_csv_and_in_short() {
        let tensor = |name: &str, cosine, note: Value| TensorReport {
            name: name.into(),
            elements: 6,
            cosines: vec![Some(1.0), cosine],
            note: note.as_object().cloned().unwrap_or_default(),
        };
        let report = MergeReport {
            models: vec!["a".into(), "b,c".into()],
            base: None,
            tensors: vec![
                tensor("w", Some(0.5), json!({})),
                tensor("v", Some(0.25), json!({"fell_back": true})),
                tensor("zero", None, json!({})),
            ],
            copied: 1,
            notes: vec![],
        };
        assert_eq!(
            report.csv(),
            "tensor,elements,\"cosine b,c\",note\nw,6,0.50000000,\nv,6,0.25000000,\"{\"\"fell_back\"\":true}\"\nzero,6,,\n"
        );
        let summary = report.summary();
        assert_eq!((&summary["tensors"], &summary["fell_back"]), (&json!(3), &json!(1)));
        let names: Vec<&Value> =
            summary["lowest_cosines"].as_array().expect("a list").iter().map(|t| &t["tensor"]).collect();
        assert_eq!(names, ["v", "w", "zero"]);
    }
}
