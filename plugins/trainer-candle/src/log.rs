//! `training.csv`: a line per step.

use std::fmt::Write;

use clirbench_plugin::StepReport;

/// Name of the file.
pub(crate) const FILE: &str = "training.csv";

/// The table of the steps so far. Equal fits give equal bytes: it holds no times.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Log {
    text: String,
}

impl Log {
    /// A table with its header: `step,epoch,loss,<parts>,learning_rate,gradient_norm,validation`.
    pub(crate) fn new(parts: &[String]) -> Self {
        let before = ["step", "epoch", "loss"].map(str::to_owned);
        let after = ["learning_rate", "gradient_norm", "validation"].map(str::to_owned);
        let names: Vec<String> = before.iter().chain(parts).chain(&after).map(|name| quoted(name)).collect();
        Log { text: names.join(",") + "\n" }
    }

    /// The table that [`Log::as_str`] gave.
    pub(crate) fn restore(text: String) -> Self {
        Log { text }
    }

    /// Adds a step. Numbers are the shortest that read back to the same value.
    pub(crate) fn push(&mut self, report: &StepReport) {
        let numbers = [report.epoch, report.loss]
            .iter()
            .chain(&report.parts)
            .chain(&[report.learning_rate, report.gradient_norm])
            .fold(report.step.to_string(), |line, number| line + "," + &number.to_string());
        let validation = report.validation.map(|score| score.to_string()).unwrap_or_default();
        writeln!(self.text, "{numbers},{validation}").expect("a String takes any text");
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

/// A field as RFC 4180 wants it.
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
    fn a_line_per_step_with_the_parts_by_name() {
        let mut log = Log::new(&["jsd".to_owned(), "n,ce".to_owned()]);
        log.push(&StepReport {
            step: 1,
            steps: 9,
            epoch: 0.5,
            loss: 2.5,
            parts: vec![0.1, 2.4],
            learning_rate: 2e-5,
            gradient_norm: 1.25,
            validation: None,
        });
        log.push(&StepReport {
            step: 2,
            parts: vec![0.0, 1.0],
            validation: Some(0.75),
            ..Default::default()
        });
        assert_eq!(
            log.as_str(),
            "step,epoch,loss,jsd,\"n,ce\",learning_rate,gradient_norm,validation\n\
             1,0.5,2.5,0.1,2.4,0.00002,1.25,\n\
             2,0,0,0,1,0,0,0.75\n"
        );
        assert_eq!(Log::restore(log.as_str().to_owned()), log);
    }
}
