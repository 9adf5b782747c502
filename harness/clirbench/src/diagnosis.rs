//! A bench file's error, drawn at the lines it is about.

use std::path::Path;

use clirbench_jobs::bench::BenchError;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};

/// A bench file's error together with the file, to be drawn where it occurs.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {error}")]
pub(crate) struct Diagnosed {
    path: String,
    text: String,
    error: BenchError,
}

impl Diagnosed {
    pub(crate) fn new(path: &Path, text: String, error: BenchError) -> Diagnosed {
        Diagnosed { path: path.display().to_string(), text, error }
    }

    /// What to do.
    pub(crate) fn hint(&self) -> &str {
        self.error.hint.as_deref().unwrap_or_default()
    }

    /// The error with the lines it is about.
    pub(crate) fn render(&self, colours: bool) -> String {
        // Where there is no place in the file to show, the message has to name the file.
        let message = match &self.error.span {
            Some(_) => self.error.message.clone(),
            None => self.to_string(),
        };
        let mut diagnostic = MietteDiagnostic::new(message);
        if let Some(hint) = &self.error.hint {
            diagnostic = diagnostic.with_help(hint.clone());
        }
        if let Some(span) = &self.error.span {
            diagnostic = diagnostic.with_label(LabeledSpan::underline(span.clone()));
        }
        let source = NamedSource::new(&self.path, self.text.clone());
        let report = Report::new(diagnostic).with_source_code(source);
        let colours = colours && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        let theme = if colours { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let mut out = String::new();
        let drawn = GraphicalReportHandler::new_themed(theme).render_report(&mut out, report.as_ref());
        if drawn.is_ok() { out.trim_end().to_owned() } else { format!("error: {self}") }
    }
}
