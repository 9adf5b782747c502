//! What came of a mining, for people and for files.

use std::{fmt::Write as _, io::Write as _, path::Path};

use anyhow::Result;
use clirbench_curation::mining::{Histogram, MiningOptions, MiningReport, RankSemantics};
use clirbench_model::{PartialFile, write_error};
use serde_json::{Value, json};

use crate::failure::Advice;

/// A report with what it was made from; no time and no place, so that the same mining writes the same.
pub(super) struct Whole<'r> {
    pub(super) report: &'r MiningReport,
    pub(super) options: &'r MiningOptions,
    pub(super) input: Value,
    pub(super) vectors: Value,
}

/// Lines of a histogram.
const BARS: usize = 12;
/// Characters of its longest bar.
const BAR: u64 = 30;

impl Whole<'_> {
    pub(super) fn json(&self) -> Value {
        json!({
            "clirbench": env!("CARGO_PKG_VERSION"),
            "input": self.input,
            "vectors": self.vectors,
            "options": self.options,
            "report": self.report,
        })
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let mut partial = PartialFile::create(path).map_err(Advice::from)?;
        serde_json::to_writer_pretty(&mut partial, &self.json())?;
        writeln!(partial).map_err(|e| Advice::from(write_error(path, &e)))?;
        Ok(partial.commit().map_err(Advice::from)?)
    }

    pub(super) fn table(&self, out_file: &Path) -> String {
        let MiningReport { rows, documents, complete, short, without, left_out, candidates, .. } =
            self.report;
        let MiningOptions { range_min, range_max, count, .. } = self.options;
        let what = match self.options.rank_semantics {
            RankSemantics::Raw => "ranks",
            RankSemantics::Survivors => "survivors",
        };
        let first = range_min + 1;
        let mut out =
            format!("{rows} rows, {documents} passages; {count} of {what} {first} to {range_max} each\n");
        let _ = writeln!(out, "candidates      {candidates:>12}");
        for (reason, dropped) in self.report.dropped.reasons() {
            if dropped > 0 {
                let _ = writeln!(out, "  {reason:<15} {dropped:>10}");
            }
        }
        let _ = writeln!(out, "mined           {:>12}", self.report.mined);
        let _ = writeln!(
            out,
            "{complete} rows have all {count}, {short} have fewer, {without} have none{}",
            if rows > left_out {
                format!("; {} are in {}", rows - left_out, out_file.display())
            } else {
                String::new()
            }
        );
        bars(&mut out, "rank", 0, &self.report.ranks);
        bars(&mut out, "score", 2, &self.report.scores);
        out.truncate(out.trim_end().len());
        out
    }
}

/// A line per interval: its lower end, how many, a bar.
fn bars(out: &mut String, what: &str, decimals: usize, histogram: &Histogram) {
    let bins: Vec<_> = histogram.coarsened(BARS).bins().collect();
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1);
    for bin in bins {
        let bar = "#".repeat((bin.count * BAR).div_ceil(most) as usize);
        let _ = writeln!(out, "{what:<5} >= {:>8.decimals$} {:>10}  {bar}", bin.from, bin.count);
    }
}
