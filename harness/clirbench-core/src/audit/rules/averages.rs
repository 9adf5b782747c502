//! Averages that a table prints beside what they average (Jang et al. 2025): `average` stands for a mean over
//! datasets, `overall` for a mean of those averages.

use std::collections::{HashMap, HashSet};

use super::{Checks, Reading, Sheet};
use crate::printed::{Printed, Span};

const AVERAGE: &str = "average";
const OVERALL: &str = "overall";

/// Averages are followed within one table.
pub(super) fn check(sheet: &Sheet, checks: &mut Checks<'_>) {
    let mut blocks: HashMap<_, Vec<Reading<'_>>> = HashMap::new();
    let (mut order, mut seen) = (Vec::new(), HashSet::new());
    for (position, figure) in sheet.figures().iter().enumerate() {
        let Some(number) = figure.value else { continue };
        let block = (&figure.place.file, &figure.table, &figure.cell.model, &figure.name);
        blocks.entry(block).or_insert_with(|| {
            order.push(block);
            Vec::new()
        });
        // A figure that is there twice counts once.
        if let Some(readings) = blocks.get_mut(&block)
            && seen.insert((block, &figure.cell))
        {
            readings.push(Reading { position, figure, number });
        }
    }
    for block in order {
        let readings = &blocks[&block];
        for average in readings {
            let parts: Vec<Printed> = parts_of(average, readings).map(|r| r.number).collect();
            if parts.len() < 2 {
                continue;
            }
            let shown: Vec<String> = parts.iter().map(|p| average.figure.shown(p.value, 0)).collect();
            let why = format!("the mean of {}", shown.join(", "));
            let mean = |units: f64| {
                let spans: Vec<Span> = parts.iter().map(|p| p.span(units)).collect();
                Span::mean(&spans).expect("two parts at least")
            };
            checks.follow(*average, mean, &why);
        }
    }
}

/// What an average is the mean of; nothing for a figure that is none.
fn parts_of<'a>(
    average: &'a Reading<'_>,
    readings: &'a [Reading<'_>],
) -> impl Iterator<Item = &'a Reading<'a>> {
    let cell = &average.figure.cell;
    readings.iter().filter(move |part| {
        let other = &part.figure.cell;
        match cell.dataset.as_str() {
            AVERAGE => {
                !matches!(other.dataset.as_str(), AVERAGE | OVERALL)
                    && other.scenario == cell.scenario
                    && other.query_lang == cell.query_lang
                    && other.pool_langs == cell.pool_langs
            }
            OVERALL => {
                other.dataset == AVERAGE && (cell.scenario == OVERALL || other.scenario == cell.scenario)
            }
            _ => false,
        }
    })
}
