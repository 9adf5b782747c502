//! An audit for a terminal.

use clirbench_core::audit::Audit;

use super::line::{HEAD, RULE_HEAD, fields, rules, summary};
use crate::terminal::aligned;

/// The findings, a line each; the rules that were held against anything; how many findings.
#[must_use]
pub fn render(audit: &Audit) -> String {
    let mut out = String::new();
    if !audit.findings.is_empty() {
        let findings: Vec<_> = audit.findings.iter().map(fields).collect();
        out += &aligned(HEAD, &findings, &[4]);
        out.push('\n');
    }
    out += &aligned(RULE_HEAD, &rules(audit), &[2]);
    out.push('\n');
    out + &summary(audit) + "\n"
}
