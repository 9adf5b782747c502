//! Every rule fires on the mistake it is about, and on nothing else: a sheet that is right, and one change.

use std::collections::BTreeSet;

use super::RULES;
use crate::{
    audit::{Audit, Sheet, Strictness, audit},
    figure::{Fault, Figure, Place},
    printed::{Printed, Span},
    results::{Cell, QueryValues},
};

fn cell(dataset: &str, scenario: &str, pool: &str) -> Cell {
    Cell {
        model: "m".into(),
        dataset: dataset.into(),
        documents: "unique".into(),
        scenario: scenario.into(),
        query_lang: "en".into(),
        pool_langs: pool.into(),
    }
}

fn exact(cell: &Cell, metric: &str, value: f64) -> Figure {
    Figure {
        value: Some(Printed::exact(value)),
        interval: Some(Span { low: value - 0.01, high: value + 0.01 }),
        queries: Some(10),
        pool_size: Some(16),
        ..Figure::new(Place::line("scores.csv", 0), cell.clone(), metric)
    }
}

fn printed(table: &str, cell: &Cell, metric: &str, percentage: &str) -> Figure {
    let value = Printed::parse(percentage).map(|p| p.scaled(0.01));
    let figure = Figure::new(Place::line("table.csv", 0), cell.clone(), metric);
    Figure { table: table.into(), value, factor: 100.0, ..figure }
}

/// The place of each figure, by which mutations name it.
fn sheet(figures: Vec<Figure>) -> Vec<Figure> {
    let number = |(i, f): (usize, Figure)| Figure { place: Place::line(&f.place.file, i as u64), ..f };
    figures.into_iter().enumerate().map(number).collect()
}

/// Ten questions with one relevant document each, at the ranks 1 1 1 1 1 2 2 4 5 16 of 16.
fn one_relevant() -> Vec<Figure> {
    let cell = cell("belebele", "clir", "ko");
    let ndcg = |rank: f64| 1.0 / (rank + 1.0).log2();
    let first_ten = (5.0 + 2.0 * ndcg(2.0) + ndcg(4.0) + ndcg(5.0)) / 10.0;
    let reciprocal = (5.0 + 1.0 + 0.25 + 0.2 + 1.0 / 16.0) / 10.0;
    let values = [
        ("ndcg@1", 0.5),
        ("ndcg@10", first_ten),
        ("mrr", reciprocal),
        ("mrr@1", 0.5),
        ("precision@1", 0.5),
        ("precision@10", 0.09),
        ("hit@1", 0.5),
        ("hit@10", 0.9),
        ("recall@1", 0.5),
        ("recall@10", 0.9),
        ("recall@100", 1.0),
        ("map", reciprocal),
    ];
    values.into_iter().map(|(metric, value)| exact(&cell, metric, value)).collect()
}

/// Ten questions with two relevant documents each in a pool of 16; the last is at the ranks 2 x 4, 4 x 4 and
/// 16 x 2.
fn two_relevant() -> Vec<Figure> {
    let cell = cell("belebele", "multi", "en+ko");
    let last = (4.0 * 2.0 + 4.0 * 4.0 + 2.0 * 16.0) / 10.0;
    let norm = |rank: f64| 100.0 * (4.0 - f64::log2(rank)) / 3.0;
    let values = [
        ("complete@10", 0.8),
        ("recall@10", 0.9),
        ("max@r", last),
        ("max@r/best", last - 0.5),
        ("max@r/worst", last + 0.5),
        ("max@r_norm", (4.0 * 100.0 + 4.0 * norm(4.0) + 2.0 * norm(16.0)) / 10.0),
        ("max@r_norm_of_mean", norm(last)),
    ];
    values.into_iter().map(|(metric, value)| exact(&cell, metric, value)).collect()
}

/// Two directions over two datasets, their averages and the mean of these, as Jang et al. print them.
fn averages() -> Vec<Figure> {
    let place = |dataset: &str, query: &str, pool: &str| Cell {
        query_lang: query.into(),
        documents: String::new(),
        ..cell(dataset, "clir", pool)
    };
    let rows = [
        ("belebele", "en", "ko", "90.37"),
        ("belebele", "ko", "en", "88.36"),
        ("strategyqa", "en", "ko", "81.24"),
        ("strategyqa", "ko", "en", "71.65"),
        ("average", "en", "ko", "85.81"),
        ("average", "ko", "en", "80.01"),
        ("overall", "", "", "82.91"),
    ];
    let mut figures: Vec<Figure> =
        rows.into_iter().map(|(d, q, p, value)| printed("1", &place(d, q, p), "ndcg@10", value)).collect();
    // Another table prints one of them again.
    figures.push(printed("2", &place("average", "en", "ko"), "ndcg@10", "85.81"));
    figures
}

/// An MTEB file; the split is the scenario.
fn mteb() -> Vec<Figure> {
    let values =
        [("ndcg@10", 0.9), ("precision@1", 0.85), ("ndcg@1", 0.85), ("mrr@1", 0.85), ("main_score", 0.9)];
    let cell = Cell { documents: String::new(), ..cell("BelebeleRetrieval", "test", "") };
    let figure = |(metric, value)| Figure {
        value: Some(Printed { value, unit: 1e-5 }),
        ..Figure::new(Place::key("task.json", ""), cell.clone(), metric)
    };
    values.into_iter().map(figure).collect()
}

fn right() -> Vec<Figure> {
    sheet([one_relevant(), two_relevant(), averages(), mteb()].concat())
}

fn audited(figures: Vec<Figure>) -> Audit {
    let per_query = QueryValues {
        cell: cell("belebele", "clir", "ko"),
        metric: "hit@1".into(),
        queries: (0..10).map(|q| format!("q{q}")).collect(),
        values: [[1.0; 5], [0.0; 5]].concat(),
    };
    audit(&[Sheet::new(figures).with_per_query(vec![per_query])], Strictness::Printed)
}

/// Names of the rules that fire when `change` is done to the figure (scenario, metric) of the right sheet.
fn fired(scenario: &str, metric: &str, change: impl Fn(&mut Figure)) -> Vec<&'static str> {
    let mut figures = right();
    let mut changed = 0;
    let measured = figures.iter_mut().filter(|f| f.place.file != "table.csv");
    for figure in measured.filter(|f| f.cell.scenario == scenario && f.name == metric) {
        change(figure);
        changed += 1;
    }
    assert_eq!(changed, 1, "{scenario} {metric} names one figure");
    rules_of(&audited(figures))
}

fn rules_of(audit: &Audit) -> Vec<&'static str> {
    audit.findings.iter().map(|f| f.rule).collect::<BTreeSet<_>>().into_iter().collect()
}

fn set(value: f64) -> impl Fn(&mut Figure) {
    move |figure| {
        let unit = figure.value.map_or(0.0, |v| v.unit);
        figure.value = Some(Printed { value, unit });
        figure.interval = None;
    }
}

#[test]
fn what_is_right_has_no_finding_and_every_rule_looks_at_it() {
    let audit = audited(right());
    assert_eq!(audit.findings, []);
    let idle: Vec<_> = audit.rules.iter().filter(|r| r.total() == 0).map(|r| r.rule).collect();
    assert_eq!(idle, [""; 0]);
    assert_eq!(audit.rules.iter().map(|r| r.close).sum::<usize>(), 0);
}

#[test]
fn impossible_values() {
    let nan = |f: &mut Figure| {
        f.value = None;
        f.faults.push(Fault { field: "value".into(), found: "NaN".into(), expected: "a number".into() });
    };
    assert_eq!(fired("clir", "map", nan), ["finite"]);
    assert_eq!(fired("clir", "map", set(-0.1)), ["range"]);
    assert_eq!(fired("multi", "max@r_norm", set(101.0)), ["range"]);
    // nDCG above 1 is also above recall.
    assert_eq!(fired("clir", "ndcg@10", set(1.001)), ["order", "range"]);
    assert_eq!(fired("clir", "map", |f| f.queries = Some(901)), ["counts", "range"]);
    let misses = |f: &mut Figure| f.interval = Some(Span { low: 0.1, high: 0.2 });
    assert_eq!(fired("clir", "map", misses), ["intervals"]);
    let reversed = |f: &mut Figure| f.interval = f.interval.map(|i| Span { low: i.high, high: i.low });
    assert_eq!(fired("clir", "map", reversed), ["intervals"]);
}

#[test]
fn values_that_contradict_each_other() {
    assert_eq!(fired("clir", "map", |f| f.queries = Some(9)), ["counts"]);
    assert_eq!(fired("clir", "map", |f| f.pool_size = Some(17)), ["counts"]);
    assert_eq!(fired("clir", "mrr@1", set(0.4)), ["first-rank"]);
    assert_eq!(fired("clir", "ndcg@1", set(0.4)), ["first-rank"]);
    assert_eq!(fired("test", "mrr@1", set(0.85003)), ["first-rank"]);
    // Of ten documents the first is relevant for half of the queries.
    assert_eq!(fired("clir", "precision@10", set(0.04)), ["cutoffs"]);
    assert_eq!(fired("clir", "recall@100", set(0.8)), ["cutoffs"]);
    assert_eq!(fired("clir", "ndcg@10", set(0.95)), ["order"]);
    assert_eq!(fired("clir", "mrr", set(0.76)), ["order"]);
    assert_eq!(fired("multi", "recall@10", set(0.7)), ["order"]);
    assert_eq!(fired("multi", "max@r/worst", set(5.0)), ["ties"]);
    assert_eq!(fired("multi", "max@r/best", set(6.0)), ["ties"]);
    assert_eq!(fired("multi", "max@r_norm_of_mean", set(50.0)), ["last-rank-norm"]);
    assert_eq!(fired("multi", "max@r_norm", set(40.0)), ["last-rank-norm"]);
}

#[test]
fn the_last_rank_is_bounded_by_the_pool_and_by_what_is_complete() {
    let last = |rank: f64| {
        let norm = 100.0 * (4.0 - rank.clamp(2.0, 16.0).log2()) / 3.0;
        let mut figures = right();
        for figure in figures.iter_mut().filter(|f| f.cell.scenario == "multi" && f.ties.is_empty()) {
            match figure.name.as_str() {
                "max@r" => set(rank)(figure),
                "max@r_norm_of_mean" => set(norm)(figure),
                "max@r_norm" => set(100.0)(figure),
                _ => {}
            }
        }
        figures.retain(|f| f.ties.is_empty());
        rules_of(&audited(figures))
    };
    assert_eq!(last(5.6), [""; 0]);
    // 8 of 10 queries have both in the first 10: the mean is at least (8 x 2 + 2 x 11) / 10.
    assert_eq!(last(3.8), [""; 0]);
    assert_eq!(last(3.7), ["last-rank"]);
    // At most (8 x 10 + 2 x 16) / 10.
    assert_eq!(last(11.2), [""; 0]);
    assert_eq!(last(11.3), ["last-rank"]);
    assert_eq!(last(17.0), ["last-rank"]);
    assert_eq!(last(1.0), ["last-rank"]);
}

#[test]
fn averages_follow_from_their_parts_to_the_printed_digit() {
    // (90.37 + 81.24) / 2 = 85.805
    let average = |value: &str| {
        let mut figures = sheet(averages());
        for figure in figures.iter_mut().filter(|f| f.cell.dataset == "average" && f.cell.query_lang == "en")
        {
            figure.value = Printed::parse(value).map(|p| p.scaled(0.01));
        }
        let audit = audited(figures);
        (rules_of(&audit), audit.rules.iter().map(|r| r.close).sum::<usize>())
    };
    assert_eq!(average("85.81"), (vec![], 0));
    assert_eq!(average("85.80"), (vec![], 0));
    assert_eq!(average("85.82"), (vec![], 1), "only if something was not rounded to the nearest");
    assert_eq!(average("85.83"), (vec!["averages"], 0));
    assert_eq!(average("85.70").0, ["averages"]);
    let overall = |value: &str| {
        let mut figures = sheet(averages());
        figures[6].value = Printed::parse(value).map(|p| p.scaled(0.01));
        rules_of(&audited(figures))
    };
    assert_eq!(overall("82.91"), [""; 0]);
    assert_eq!(overall("82.95"), ["averages"]);
}

#[test]
fn a_figure_is_there_once_and_the_same_in_every_table() {
    let again = |table: &str, value: &str| {
        let mut figures = averages();
        let cell = figures[0].cell.clone();
        figures.push(printed(table, &cell, "ndcg@10", value));
        rules_of(&audited(sheet(figures)))
    };
    assert_eq!(again("9", "90.37"), [""; 0]);
    assert_eq!(again("9", "90.40"), ["duplicates"]);
    assert_eq!(again("1", "90.37"), ["duplicates"]);
}

#[test]
fn shares_are_whole_queries() {
    assert_eq!(fired("multi", "complete@10", set(0.85)), ["shares"]);
    let table = |strictness, value| {
        let cell = Cell { documents: "per-question".into(), ..cell("belebele", "multi", "en+tr") };
        let figures = sheet(vec![printed("4", &cell, "complete@10", value)]);
        rules_of(&audit(&[Sheet::new(figures)], strictness))
    };
    // 787 and 788 of 900 are 87.44% and 87.56%.
    assert_eq!(table(Strictness::Strict, "87.51"), ["shares"]);
    assert_eq!(table(Strictness::Strict, "87.56"), [""; 0]);
    assert_eq!(
        table(Strictness::Printed, "87.51"),
        [""; 0],
        "the table does not say how many queries there are"
    );
}

#[test]
fn a_main_score_is_the_metric_of_its_task() {
    assert_eq!(fired("test", "main_score", set(0.85)), ["main-score"]);
    let of = |task: &str, main: f64| {
        let mut figures = mteb();
        figures.iter_mut().for_each(|f| f.cell.dataset = task.into());
        figures.iter_mut().filter(|f| f.name == "main_score").for_each(set(main));
        rules_of(&audited(sheet(figures)))
    };
    assert_eq!(of("LEMBNeedleRetrieval", 0.85), [""; 0], "ndcg@1 there");
    assert_eq!(of("LEMBNeedleRetrieval", 0.9), ["main-score"]);
    assert_eq!(of("SomeReranking", 0.85), [""; 0], "which metric is not known");
    assert_eq!(of("SomeReranking", 0.5), ["main-score"]);
}

#[test]
fn figures_are_the_means_of_their_queries() {
    let one = |f: &mut Figure| f.value = Some(Printed::exact(0.6));
    assert!(fired("clir", "hit@1", one).contains(&"per-query"));
    assert_eq!(fired("clir", "hit@1", |f| f.queries = Some(20)), ["counts", "per-query"]);
}

/// One change for each rule that it finds, whatever else does: a rule without one fails here.
#[test]
fn every_rule_has_a_mutation_that_it_finds() {
    type Change = fn(&mut Vec<Figure>);
    fn one<'a>(figures: &'a mut [Figure], scenario: &str, metric: &str) -> &'a mut Figure {
        let named = |f: &&mut Figure| f.cell.scenario == scenario && f.name == metric;
        figures.iter_mut().find(named).expect("a figure of the right sheet")
    }
    let mutations: [(&str, Change); 15] = [
        ("finite", |f| {
            one(f, "clir", "map").faults =
                vec![Fault { field: "".into(), found: "".into(), expected: "".into() }]
        }),
        ("range", |f| set(1.1)(one(f, "clir", "map"))),
        ("intervals", |f| one(f, "clir", "map").interval = Some(Span { low: 0.0, high: 0.1 })),
        ("duplicates", |f| f.push(f[0].clone())),
        ("counts", |f| one(f, "clir", "map").queries = Some(0)),
        ("first-rank", |f| set(0.4)(one(f, "clir", "hit@1"))),
        ("cutoffs", |f| set(0.3)(one(f, "clir", "recall@10"))),
        ("order", |f| set(0.4)(one(f, "clir", "mrr"))),
        ("ties", |f| set(9.0)(one(f, "multi", "max@r/best"))),
        ("last-rank", |f| set(17.0)(one(f, "multi", "max@r"))),
        ("last-rank-norm", |f| set(17.0)(one(f, "multi", "max@r_norm_of_mean"))),
        ("averages", |f| f.iter_mut().filter(|f| f.cell.dataset == "overall").for_each(set(0.8))),
        ("shares", |f| set(0.85)(one(f, "clir", "hit@10"))),
        ("main-score", |f| set(0.8)(one(f, "test", "main_score"))),
        ("per-query", |f| set(0.6)(one(f, "clir", "hit@1"))),
    ];
    assert_eq!(mutations.map(|(rule, _)| rule).to_vec(), RULES.iter().map(|r| r.name).collect::<Vec<_>>());
    for (rule, change) in mutations {
        let mut figures = right();
        change(&mut figures);
        assert!(rules_of(&audited(figures)).contains(&rule), "{rule}");
    }
}

/// With a copy of a passage for each question, one copy or all may be relevant, so nothing is held that
/// needs to know.
#[test]
fn copies_of_documents_may_all_be_relevant() {
    let mut figures = one_relevant();
    figures.iter_mut().filter(|f| f.name == "recall@1").for_each(set(0.1));
    assert_eq!(rules_of(&audited(sheet(figures.clone()))), ["first-rank", "order"]);
    figures.iter_mut().for_each(|f| f.cell.documents = "per-question".into());
    assert_eq!(rules_of(&audited(sheet(figures))), [""; 0]);
}

/// Where the file does not say |D|, the one that most cells agree with is taken; without any it is no rule.
#[test]
fn the_pool_of_a_known_dataset_is_the_one_that_most_cells_follow() {
    let norms = |dataset: &str, rows: &[(&str, &str)]| {
        let mut figures = Vec::new();
        for (i, (rank, norm)) in rows.iter().enumerate() {
            let cell = Cell {
                query_lang: format!("q{i}"),
                documents: String::new(),
                ..cell(dataset, "multi", "en+ar")
            };
            for (metric, text) in [("max@r", rank), ("max@r_norm_of_mean", norm)] {
                let value = Printed::parse(text);
                figures.push(Figure { value, ..Figure::new(Place::line("t.csv", 0), cell.clone(), metric) });
            }
        }
        let audit = audit(&[Sheet::new(sheet(figures))], Strictness::Printed);
        let expected = audit.findings.iter().map(|f| (f.rule, f.expected.clone())).collect::<Vec<_>>();
        (audit.rules.iter().find(|r| r.rule == "last-rank-norm").map_or(0, |r| r.total()), expected)
    };
    // Hong et al., XQuAD: 2380 documents. The last norm is wrong.
    let rows = [("106.42", "43.88"), ("18.56", "68.54"), ("241.06", "33.32")];
    let (checked, findings) = norms("xquad", &rows);
    assert_eq!(checked, 3);
    assert_eq!(
        findings,
        [("last-rank-norm", "32.334 to 32.335 (max@r is 241.06, |D| 2380, |R| 2)".to_owned())]
    );
    assert_eq!(norms("wiki", &rows), (0, vec![]), "neither |D| nor |R| is known");
}
