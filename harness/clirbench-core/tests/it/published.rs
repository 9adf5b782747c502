//! The printed averages of Jang et al. 2025, table 1, from its printed cells.

use std::collections::BTreeMap;

use clirbench_core::averages::{Averages, DirectionScore};

use crate::golden;

/// Cells are printed to 0.01, so a mean of them is known to 0.005 and its own rounding to 0.005.
const ROUNDING: f64 = 0.01 + 1e-9;

#[test]
fn all_printed_averages_follow() {
    let Some(path) = golden::shared("data/published/jang2025-composition.csv") else { return };
    let mut reader = csv::Reader::from_path(path).expect("readable");
    let headers = reader.headers().expect("a header").clone();
    let column = |name: &str| headers.iter().position(|h| h == name).expect("column");
    let [model, variant, dataset, scenario, query, documents, value] =
        ["model", "variant", "dataset", "scenario", "query_lang", "doc_langs", "value"].map(column);
    let mut tables: BTreeMap<(String, String), Vec<csv::StringRecord>> = BTreeMap::new();
    for row in reader.records() {
        let row = row.expect("a row");
        tables.entry((row[model].into(), row[variant].into())).or_default().push(row);
    }

    let mut compared = 0;
    for (table, rows) in &tables {
        let number = |row: &csv::StringRecord| row[value].parse::<f64>().expect("a number");
        let is_average = |row: &csv::StringRecord| ["average", "overall"].contains(&&row[dataset]);
        let cells: Vec<DirectionScore<'_>> = rows
            .iter()
            .filter(|row| !is_average(row))
            .map(|row| DirectionScore {
                query: &row[query],
                documents: &row[documents],
                dataset: &row[dataset],
                value: number(row),
            })
            .collect();
        let averages = Averages::of(&cells).expect("one score per cell");
        for row in rows.iter().filter(|row| is_average(row)) {
            let found = match (&row[dataset], &row[scenario]) {
                ("average", _) => averages.avg(&row[query], &row[documents]),
                (_, "clir") => averages.clir,
                _ => averages.mono,
            };
            let found = found.expect("every direction has every dataset");
            assert!((found - number(row)).abs() <= ROUNDING, "{table:?} {row:?}: {found}");
            compared += 1;
        }
        let four = averages.directions.iter().map(|d| d.value.expect("complete")).sum::<f64>() / 4.0;
        assert!((averages.overall.expect("complete") - four).abs() < 1e-12);
    }
    assert_eq!(compared, 216);
}
