//! `clirbench audit`: what in a results file cannot be true.

use anyhow::Result;
use clirbench_core::audit::{Strictness, audit};
use clirbench_report::{
    audit::{json, markdown, text},
    figures::read_sheets,
    published::source,
};

use super::published::named;
use crate::{
    cli::{AuditArgs, AuditFormat},
    failure::Exit,
    screen::Screen,
};

pub(crate) fn run(args: &AuditArgs, screen: &Screen) -> Result<Exit> {
    let mut sheets = Vec::new();
    for path in &args.files {
        match named(path) {
            Some(name) => sheets.push(source(name)?.sheet()),
            None => sheets.extend(read_sheets(path)?),
        }
    }
    let audited = audit(&sheets, if args.strict { Strictness::Strict } else { Strictness::Printed });
    let format = if screen.json { AuditFormat::Json } else { args.format };
    screen.print(&match format {
        AuditFormat::Text => text::render(&audited),
        AuditFormat::Markdown => markdown::render(&audited),
        AuditFormat::Json => json::render(&audited)?,
    });
    Ok(if audited.findings.is_empty() { Exit::Done } else { Exit::Findings })
}
