//! What the text and Markdown reports share.

use clirbench_core::audit::{Audit, Finding, RuleCount, Strictness};

use crate::figures::words;

pub(super) const HEAD: [&str; 6] = ["where", "rule", "figure", "metric", "is", "should be"];
pub(super) const RULE_HEAD: [&str; 4] = ["rule", "checks", "findings", "what has to hold"];

/// Files whose checks a rule lists one by one; a folder of MTEB results has thousands.
const FILES: usize = 3;

/// Characters of a field.
const LONGEST: usize = 160;

pub(super) fn fields(finding: &Finding) -> [String; 6] {
    let table = if finding.table.is_empty() { String::new() } else { format!("table {} ", finding.table) };
    [
        finding.place.to_string(),
        finding.rule.to_owned(),
        shown(&(table + &words(&finding.cell))),
        shown(&finding.metric),
        shown(&finding.found),
        shown(&finding.expected),
    ]
}

/// What a file may hold, in a line that fits: without control characters, cut where it is long.
fn shown(text: &str) -> String {
    let mut out: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

/// Rules that were held against anything.
pub(super) fn rules(audit: &Audit) -> Vec<[String; 4]> {
    let held = audit.rules.iter().filter(|r| r.total() > 0);
    held.map(|r| [r.rule.to_owned(), checks(r), r.findings.to_string(), r.says.to_owned()]).collect()
}

fn checks(rule: &RuleCount) -> String {
    if !(2..=FILES).contains(&rule.checked.len()) {
        return rule.total().to_string();
    }
    let short = |file: &str| file.rsplit('/').next().unwrap_or(file).to_owned();
    let parts: Vec<_> = rule.checked.iter().map(|(file, n)| format!("{} {n}", short(file))).collect();
    format!("{} ({})", rule.total(), parts.join(", "))
}

/// How many findings, and what a stricter look would add.
pub(super) fn summary(audit: &Audit) -> String {
    let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let mut out =
        format!("{} in {}", plural(audit.findings.len(), "finding"), plural(audit.figures, "figure"));
    let close: usize = audit.rules.iter().map(|r| r.close).sum();
    if close > 0 && audit.strictness == Strictness::Printed {
        out += &format!(
            "; {close} more agree only if a printed number was not rounded to the nearest (--strict lists them)"
        );
    }
    out + "."
}
