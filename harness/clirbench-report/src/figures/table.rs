//! Tables: `scores.csv`, `bias.csv`, and tidy tables of published figures.

use std::collections::BTreeMap;

use clirbench_core::{
    figure::{Fault, Figure, Measure, Place, Scale},
    printed::{Printed, Span},
    results::Cell,
};

use super::unreadable;

/// The figures of a CSV table; `None` where its header is not that of a table of results.
///
/// Published figures (a column `source` or `paper`) are known to their last digit, all others exactly.
/// A column `unit` says whether they are percentages; without it, a metric whose values are mostly above 1
/// is taken for one that is printed times 100.
#[must_use]
pub fn parse_table(file: &str, bytes: &[u8]) -> Option<Vec<Figure>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let columns = Columns::of(reader.byte_headers().ok()?)?;
    let mut figures = Vec::new();
    for record in reader.byte_records() {
        match record {
            Ok(record) => figures.push(columns.figure(file, &record)),
            // Only reading fails here, and bytes in memory are read.
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                figures.push(unreadable(Place::line(file, line), error.to_string(), "a line of CSV"));
            }
        }
    }
    if columns.published && columns.unit.is_none() {
        guess_percentages(&mut figures);
    }
    Some(figures)
}

/// Where each field is.
struct Columns {
    fields: usize,
    published: bool,
    table: Option<usize>,
    model: usize,
    variant: Option<usize>,
    dataset: usize,
    documents: Option<usize>,
    scenario: usize,
    query_lang: usize,
    pool_langs: usize,
    metric: usize,
    language: Option<usize>,
    unit: Option<usize>,
    value: usize,
    ci: Option<(usize, usize)>,
    queries: Option<usize>,
    pool_size: Option<usize>,
}

impl Columns {
    fn of(header: &csv::ByteRecord) -> Option<Columns> {
        let at = |name: &str| header.iter().position(|h| h.trim_ascii() == name.as_bytes());
        Some(Columns {
            fields: header.len(),
            published: at("source").or_else(|| at("paper")).is_some(),
            table: at("table"),
            model: at("model")?,
            variant: at("variant"),
            dataset: at("dataset")?,
            documents: at("documents"),
            scenario: at("scenario")?,
            query_lang: at("query_lang")?,
            pool_langs: at("pool_langs").or_else(|| at("doc_langs"))?,
            metric: at("metric").or_else(|| at("statistic"))?,
            language: at("language"),
            unit: at("unit"),
            value: at("value")?,
            ci: at("ci_low").zip(at("ci_high")),
            queries: at("queries"),
            pool_size: at("pool_size"),
        })
    }

    fn figure(&self, file: &str, record: &csv::ByteRecord) -> Figure {
        let place = Place::line(file, record.position().map_or(0, csv::Position::line));
        if record.len() != self.fields {
            let found = format!("{} fields", record.len());
            return unreadable(place, found, &format!("{} fields, as in the header", self.fields));
        }
        let text = |at: usize| String::from_utf8_lossy(record.get(at).unwrap_or_default()).trim().to_owned();
        let maybe = |at: Option<usize>| at.map(text).unwrap_or_default();
        let name = [text(self.metric), maybe(self.language)].join(":");
        let mut figure = Figure::new(place, self.cell(&text), name.trim_end_matches(':'));
        figure.table = maybe(self.table);
        if self.published && self.unit.is_none() {
            // The tables print the norm of the mean under the name of the mean of norms.
            if figure.name == "max@r_norm" {
                figure.measure = Measure::of("max@r_norm_of_mean");
            }
        }
        if maybe(self.unit) == "percent" && figure.measure.scale() != Scale::Percent {
            figure.factor = 100.0;
        }
        self.numbers(&mut figure, &text);
        figure
    }

    fn cell(&self, text: &impl Fn(usize) -> String) -> Cell {
        let mut model = text(self.model);
        if let Some(variant) = self.variant.map(text).filter(|v| !v.is_empty()) {
            model = format!("{model}/{variant}");
        }
        let scenario = match text(self.scenario).as_str() {
            "mono-same" => "mono".to_owned(),
            "mono-cross" => "clir".to_owned(),
            other => other.to_owned(),
        };
        Cell {
            model,
            dataset: text(self.dataset),
            documents: self.documents.map(text).unwrap_or_default(),
            scenario,
            query_lang: text(self.query_lang),
            pool_langs: text(self.pool_langs),
        }
    }

    fn numbers(&self, figure: &mut Figure, text: &impl Fn(usize) -> String) {
        let mut faults = Vec::new();
        let mut fault = |field: &str, found: String, expected: &str| {
            faults.push(Fault { field: field.to_owned(), found, expected: expected.to_owned() });
        };
        let published = self.published;
        let mut number = |field: &str, at: usize| {
            let parsed = Printed::parse(&text(at));
            if parsed.is_none() {
                fault(field, text(at), "a finite number");
            }
            parsed.map(|p| if published { p } else { Printed::exact(p.value) })
        };
        figure.value = number("value", self.value).map(|p| p.scaled(1.0 / figure.factor));
        if let Some((low, high)) = self.ci {
            let (low, high) = (number("ci_low", low), number("ci_high", high));
            figure.interval = low.zip(high).map(|(l, h)| Span { low: l.value, high: h.value });
        }
        let mut count = |field: &str, at: Option<usize>| {
            let found = at.map(text).filter(|t| !(published && t.is_empty()))?;
            let parsed = found.parse().ok();
            if parsed.is_none() {
                fault(field, found, "a count");
            }
            parsed
        };
        figure.queries = count("queries", self.queries);
        figure.pool_size = count("pool_size", self.pool_size);
        figure.faults = faults;
    }
}

fn guess_percentages(figures: &mut [Figure]) {
    let mut above: BTreeMap<Measure, (usize, usize)> = BTreeMap::new();
    for figure in figures.iter().filter(|f| f.measure.scale() == Scale::Fraction) {
        let (large, all) = above.entry(figure.measure.clone()).or_default();
        *large += usize::from(figure.value.is_some_and(|v| v.value > 1.0));
        *all += 1;
    }
    for figure in figures {
        if above.get(&figure.measure).is_some_and(|(large, all)| 2 * large > *all) {
            figure.factor = 100.0;
            figure.value = figure.value.map(|v| v.scaled(0.01));
        }
    }
}
