//! What the user sees: results on standard output, everything else on standard error.

use std::{
    io::{IsTerminal, Write},
    path::Path,
};

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::{cli::Global, failure::Advice};

/// Where and how to print.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    pub(crate) quiet: bool,
    pub(crate) json: bool,
    pub(crate) verbose: bool,
}

impl Screen {
    pub(crate) fn new(global: &Global) -> Screen {
        Screen { quiet: global.quiet, json: global.json, verbose: global.verbose }
    }

    /// A result, on standard output. A closed pipe (`| head`) is not an error.
    pub(crate) fn print(&self, text: &str) {
        let mut out = anstream::stdout().lock();
        let _ = out.write_all(text.as_bytes());
        if !text.ends_with('\n') {
            let _ = out.write_all(b"\n");
        }
    }

    /// A result as JSON, on standard output.
    pub(crate) fn print_json(&self, value: &Value) {
        self.print(&serde_json::to_string_pretty(value).expect("values print"));
    }

    /// What became of rows that were written to `rows`: a result, unless the rows are the result that
    /// standard output is for.
    pub(crate) fn summary(&self, rows: &Path, text: &str, value: &Value) {
        match (rows == Path::new("-"), self.json) {
            (true, _) => self.say(text.trim_end()),
            (false, true) => self.print_json(value),
            (false, false) => self.print(text),
        }
    }

    /// A remark, on standard error.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// Something that the reader of the numbers has to know; printed even when quiet.
    pub(crate) fn warn(&self, text: &str) {
        let style = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
        self.line(&format!("{style}warning{style:#}: {text}"));
    }

    pub(crate) fn line(&self, text: &str) {
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }

    /// The error that ends the command.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let drawn = error.downcast_ref::<crate::diagnosis::Diagnosed>();
        let hint = drawn.map_or_else(|| hint_of(error), |d| d.hint().to_owned());
        if self.json {
            return self.print_json(&json!({"error": format!("{error:#}"), "hint": hint}));
        }
        if let Some(drawn) = drawn {
            return self.line(&drawn.render(self.draws()));
        }
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let bold = Style::new().bold();
        self.line(&format!("{red}error{red:#}: {error:#}"));
        if !hint.is_empty() {
            self.line(&format!("  {bold}hint{bold:#}: {hint}"));
        }
    }

    /// Whether progress bars make sense.
    pub(crate) fn draws(&self) -> bool {
        std::io::stderr().is_terminal()
    }

    /// Columns of the terminal that results go to; nothing where they go to a file.
    pub(crate) fn width(&self) -> Option<usize> {
        let size = terminal_size::terminal_size_of(std::io::stdout());
        size.map(|(terminal_size::Width(columns), _)| usize::from(columns))
    }

    /// Whether standard output shows colours: a terminal, and NO_COLOR is not set.
    pub(crate) fn colours_results(&self) -> bool {
        anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
            && std::io::stdout().is_terminal()
    }
}

fn hint_of(error: &anyhow::Error) -> String {
    let advice = error.downcast_ref::<Advice>().or_else(|| error.chain().find_map(|e| e.downcast_ref()));
    advice.map_or_else(String::new, |a| a.hint.clone())
}
