//! An audit as a pull request comment.

use std::fmt::Write as _;

use clirbench_core::audit::Audit;

use super::line::{HEAD, RULE_HEAD, fields, rules, summary};
use crate::markdown::escape;

/// How many findings, the findings, and, folded away, the rules.
#[must_use]
pub fn render(audit: &Audit) -> String {
    let mut out = format!("### clirbench audit\n\n{}\n\n", summary(audit));
    if !audit.findings.is_empty() {
        let _ = writeln!(out, "| {} |\n|:--|:--|:--|:--|--:|:--|", HEAD.join(" | "));
        for finding in &audit.findings {
            let _ = writeln!(out, "| {} |", fields(finding).map(|f| escape(&f)).join(" | "));
        }
        out.push('\n');
    }
    let rules = rules(audit);
    let _ = writeln!(out, "<details><summary>Rules: {}</summary>\n", rules.len());
    let _ = writeln!(out, "| {} |\n|:--|:--|--:|:--|", RULE_HEAD.join(" | "));
    for rule in rules {
        let _ = writeln!(out, "| {} |", rule.map(|f| escape(&f)).join(" | "));
    }
    out + "\n</details>\n"
}
