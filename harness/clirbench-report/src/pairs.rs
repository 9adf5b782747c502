//! `pairs.md`: pools of two languages, laid out as table 3 of Hong et al. 2026: a row per model, a
//! column per pair, in each cell the queries in either language.

use std::fmt::Write as _;

use clirbench_core::results::ScoreRow;

use crate::error::ReportError;
use crate::leaderboard::printed;
use crate::markdown::escape;
use crate::{Exporter, Options, Results};

/// The metrics of table 1 there; table 3 has the last.
const METRICS: [(&str, &str); 3] = [
    ("complete@10", "Complete@10"),
    ("max@r", "Max@R (lower is better)"),
    ("max@r_norm_of_mean", "Max@R_norm"),
];

pub(crate) struct PairsMarkdown;

impl Exporter for PairsMarkdown {
    fn file_name(&self) -> &'static str {
        "pairs.md"
    }

    fn render(&self, results: &Results, _: &Options) -> Result<Vec<u8>, ReportError> {
        let mut out = String::from("# Multi, by pair\n\n");
        let pairs: Vec<&ScoreRow> = results
            .scores
            .iter()
            .filter(|row| row.scenario == "multi" && row.pool_langs.split('+').count() == 2)
            .collect();
        if pairs.is_empty() {
            out.push_str("No results.\n");
            return Ok(out.into_bytes());
        }
        out.push_str(
            "Pools of two languages; in each cell the queries in the first / in the second of them.\n",
        );
        for dataset in distinct(pairs.iter().map(|row| (row.dataset.as_str(), row.documents.as_str()))) {
            for (metric, title) in METRICS {
                let rows: Vec<&ScoreRow> = pairs
                    .iter()
                    .copied()
                    .filter(|row| (row.dataset.as_str(), row.documents.as_str()) == dataset)
                    .filter(|row| row.metric == metric)
                    .collect();
                if !rows.is_empty() {
                    let _ = write!(out, "\n## {title}, {} ({} documents)\n\n", escape(dataset.0), dataset.1);
                    table(&mut out, &rows);
                }
            }
        }
        Ok(out.into_bytes())
    }
}

fn table(out: &mut String, rows: &[&ScoreRow]) {
    let pools = distinct(rows.iter().map(|row| row.pool_langs.as_str()));
    let heads: Vec<String> = pools.iter().map(|pool| escape(pool)).collect();
    let _ = write!(out, "| model | {} |\n|:--|{}\n", heads.join(" | "), "--:|".repeat(pools.len()));
    for model in distinct(rows.iter().map(|row| row.model.as_str())) {
        let cells: Vec<String> = pools
            .iter()
            .map(|pool| {
                let value = |language: &str| {
                    let row = rows
                        .iter()
                        .find(|r| r.model == model && r.pool_langs == *pool && r.query_lang == language);
                    row.map_or_else(|| "–".to_owned(), |row| printed(&row.metric, row.value))
                };
                pool.split('+').map(value).collect::<Vec<_>>().join(" / ")
            })
            .collect();
        let _ = writeln!(out, "| {} | {} |", escape(model), cells.join(" | "));
    }
}

/// The first of each, in order.
pub(crate) fn distinct<'a, T: PartialEq + 'a>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.fold(Vec::new(), |mut seen, item| {
        if !seen.contains(&item) {
            seen.push(item);
        }
        seen
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(model: &str, query_lang: &str, pool_langs: &str, value: f64) -> ScoreRow {
        ScoreRow {
            model: model.into(),
            dataset: "xquad".into(),
            documents: "unique".into(),
            scenario: "multi".into(),
            query_lang: query_lang.into(),
            pool_langs: pool_langs.into(),
            metric: "max@r_norm_of_mean".into(),
            value,
            ci_low: value,
            ci_high: value,
            queries: 10,
            pool_size: 20,
        }
    }

    #[test]
    fn a_cell_holds_both_query_languages_and_pools_of_three_are_left_out() {
        let scores = vec![
            row("base", "en", "en+es", 50.0),
            row("base", "es", "en+es", 40.25),
            row("base", "en", "en+es+de", 1.0),
            row("tuned", "en", "en+es", 60.0),
        ];
        let results = Results { scores, ..Results::default() };
        let page = PairsMarkdown.render(&results, &Options::default()).expect("it renders");
        let page = String::from_utf8(page).expect("UTF-8");
        assert!(
            page.contains("| model | en+es |\n|:--|--:|\n| base | 50.00 / 40.25 |\n| tuned | 60.00 / – |"),
            "{page}"
        );
        assert!(!page.contains("+de"), "{page}");
    }
}
