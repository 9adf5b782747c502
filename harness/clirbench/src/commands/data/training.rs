//! `clirbench data validate` of a file of training data.

use std::path::Path;

use anyhow::Result;
use clirbench_data::{ColumnStatistics, inspect};
use clirbench_report::terminal::aligned;
use serde_json::json;

use crate::{
    failure::{Advice, Exit},
    screen::Screen,
};

pub(crate) fn check(path: &Path, screen: &Screen) -> Result<Exit> {
    let found = inspect(path).map_err(Advice::from)?;
    let fine = found.errors.is_empty();
    let exit = if fine { Exit::Done } else { Exit::Error };
    if screen.json {
        let error = |e: &clirbench_data::Error| json!({"message": e.to_string(), "hint": e.hint()});
        screen.print_json(&json!({
            "file": path,
            "content": found.content,
            "rows": found.rows,
            "columns": found.columns,
            "errors": found.errors.iter().map(error).collect::<Vec<_>>(),
            "more_errors": found.more_errors,
        }));
        return Ok(exit);
    }
    for error in &found.errors {
        screen.line(&format!("error: {error}"));
    }
    if found.more_errors > 0 {
        screen.line(&format!("... and {} more errors", found.more_errors));
    }
    let head = ["column", "language", "texts", "distinct", "min chars", "mean chars", "max chars"];
    screen.print(&aligned(head, &found.columns.iter().map(cells).collect::<Vec<_>>(), &[2, 3, 4, 5, 6]));
    let errors = found.errors.len() + found.more_errors;
    let verdict = match errors {
        0 => format!("fine ({} {})", found.rows, found.content.name()),
        1 => format!("1 error, {} good {}", found.rows, found.content.name()),
        _ => format!("{errors} errors, {} good {}", found.rows, found.content.name()),
    };
    screen.print(&format!("{}: {verdict}", path.display()));
    Ok(exit)
}

fn cells(column: &ColumnStatistics) -> [String; 7] {
    [
        column.column.to_owned(),
        column.language.clone().unwrap_or_else(|| "?".to_owned()),
        column.texts.to_string(),
        column.distinct.to_string(),
        column.min_chars.to_string(),
        format!("{:.1}", column.mean_chars),
        column.max_chars.to_string(),
    ]
}
