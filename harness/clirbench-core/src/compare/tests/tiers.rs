use super::super::*;
use super::{is, row, side};
use crate::stats::Interval;

/// Models of one side with nDCG@10 of every query in ko-en and zh-en.
fn models(values: &[(&str, [f64; 10], [f64; 10])]) -> Side {
    let rows = values
        .iter()
        .flat_map(|(model, ko, zh)| [row(model, "ko", "ndcg@10", ko), row(model, "zh", "ndcg@10", zh)]);
    side(rows)
}

fn ranks(table: &TierTable) -> Vec<(&str, Option<u32>)> {
    table.rows.iter().map(|row| (row.model.as_str(), row.rank)).collect()
}

/// Queries alternate by this around a mean, so that models differ by a constant.
const SWING: [f64; 10] = [0.125, -0.125, 0.125, -0.125, 0.125, -0.125, 0.125, -0.125, 0.125, -0.125];

fn around(mean: f64) -> [f64; 10] {
    SWING.map(|swing| mean + swing)
}

#[test]
fn models_that_cannot_be_told_apart_share_a_rank() {
    // c is below a and b in all ten queries of both cells; a and b differ in one query of ko, where
    // both sign patterns reach what is observed: p = 1. All patterns of one sign: 2 / 1024, and with
    // three pairs in two cells and their mean 9 tests: 2 / 1024 * 9 = 0.0176.
    let mut b = around(0.5);
    b[0] += 0.0625;
    let side =
        models(&[("c", around(0.25), around(0.25)), ("a", around(0.5), around(0.5)), ("b", b, around(0.5))]);
    let ranked = tiers(std::slice::from_ref(&side), &CompareOptions::default()).expect("three models");
    assert_eq!((ranked.tests, ranked.tables.len()), (9, 3));
    assert!(ranked.notes.is_empty() && ranked.data == side.dataset_hashes, "{:?}", ranked.notes);
    let [mean, ko, zh] = &ranked.tables[..] else { panic!("three tables") };
    assert_eq!((mean.scope.cells, &mean.scope.cell), (2, &None));
    assert_eq!(ko.scope.cell.as_ref().map(|c| c.query_lang.as_str()), Some("ko"));
    for table in [mean, ko] {
        assert_eq!(ranks(table), [("b", Some(1)), ("a", Some(1)), ("c", Some(3))]);
    }
    assert_eq!(ranks(zh), [("a", Some(1)), ("b", Some(1)), ("c", Some(3))]);

    let pair = &mean.pairs[0];
    assert_eq!((pair.first.as_str(), pair.second.as_str(), pair.verdict), ("c", "a", Verdict::Gain));
    assert_eq!((pair.delta, pair.p, pair.p_holm), (0.25, 2.0 / 1024.0, 9.0 * 2.0 / 1024.0));
    assert!(is(pair.interval, 0.25, 0.25));
    // The cell's interval is that of its row, the mean has one of its own.
    assert!(is(ko.rows[2].interval, 0.25 - 0.1, 0.25 + 0.1));
    let Interval { low, high } = mean.rows[2].interval.expect("from the resamples");
    assert!(0.125 < low && low < 0.25 && 0.25 < high && high < 0.375, "{low} {high}");

    // A family of nine is not significant at 1%.
    let strict = CompareOptions { alpha: 0.01, ..CompareOptions::default() };
    let alike = tiers(std::slice::from_ref(&side), &strict).expect("three models");
    assert!(alike.tables.iter().flat_map(|t| &t.rows).all(|row| row.rank == Some(1)));
}

#[test]
fn a_lower_max_at_r_ranks_first_and_norms_are_averaged_after_their_formula() {
    // Pool 64, |R| = 2: norm = 100 (6 - log2 mean) / 5.
    let of = |model: &str, rank: f64| {
        ["ko", "zh"].map(|lang| {
            let (mut ranks, values) = row(model, lang, "max@r", &[rank; 10]);
            let value = 100.0 * (6.0 - rank.log2()) / 5.0;
            let norm = ScoreRow { metric: "max@r_norm_of_mean".to_owned(), value, ..ranks.clone() };
            ranks.value = rank;
            ([ranks, norm], values)
        })
    };
    let cells = [of("far", 16.0), of("near", 8.0)].concat();
    let (scores, per_query): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
    let side = Side { scores: scores.concat(), per_query, ..Side::default() };
    let options = CompareOptions { metrics: MetricChoice::All, ..CompareOptions::default() };
    let ranked = tiers(&[side], &options).expect("two models");
    assert_eq!(ranked.tables.len(), 6);
    for table in &ranked.tables {
        assert_eq!(ranks(table), [("near", Some(1)), ("far", Some(2))], "{:?}", table.scope);
        assert_eq!(table.pairs[0].p, 2.0 / 1024.0);
    }
    let norm = ranked.tables.iter().find(|t| t.scope.metric == "max@r_norm_of_mean").expect("a table");
    assert_eq!((norm.rows[0].value, norm.rows[1].value, norm.pairs[0].delta), (60.0, 40.0, 20.0));
    assert!(is(norm.pairs[0].interval, 20.0, 20.0));
}

#[test]
fn models_of_several_results_are_told_apart_by_their_source() {
    let result = |source: &str, mean: f64| {
        let mut side = models(&[("m", around(mean), around(mean))]);
        side.origin.source = source.to_owned();
        side
    };
    let sides = [result("one", 0.5), result("two", 0.25), result("three", 0.75)];
    let ranked = tiers(&sides, &CompareOptions::default()).expect("three results");
    assert_eq!(
        ranks(&ranked.tables[0]),
        [("m (three)", Some(1)), ("m (one)", Some(2)), ("m (two)", Some(3))]
    );
    assert_eq!(ranked.sources.iter().map(|s| s.source.as_str()).collect::<Vec<_>>(), ["one", "two", "three"]);

    let mut other = sides.clone();
    other[2].dataset_hashes.insert("kdc".to_owned(), "22".to_owned());
    let error = tiers(&other, &CompareOptions::default()).expect_err("other data").to_string();
    assert!(error.contains("dataset kdc has the hash 11 in one and 22 in three"), "{error}");
    let force = CompareOptions { force: true, ..CompareOptions::default() };
    assert!(tiers(&other, &force).expect("forced").notes[0].starts_with("compared by force"));
}

#[test]
fn without_per_query_values_there_is_no_rank() {
    let mut side = models(&[
        ("a", around(0.5), around(0.5)),
        ("b", around(0.25), around(0.25)),
        ("c", around(0.75), around(0.75)),
    ]);
    side.per_query.retain(|values| values.cell.model != "c");
    side.origin.source = "results/x".to_owned();
    let ranked = tiers(&[side], &CompareOptions::default()).expect("three models");
    for table in &ranked.tables {
        assert_eq!(ranks(table), [("a", Some(1)), ("b", Some(2)), ("c", None)]);
        assert_eq!(table.rows[2].note.as_deref(), Some("results/x has no per-query values"));
    }
    assert_eq!(ranked.tests, 3);
}

#[test]
fn a_mean_is_over_the_cells_that_all_have() {
    let mut side = models(&[("a", around(0.5), around(0.5)), ("b", around(0.25), around(0.25))]);
    side.scores.push(row("a", "es", "ndcg@10", &[1.0; 10]).0);
    let ranked = tiers(&[side], &CompareOptions::default()).expect("two models");
    assert_eq!((ranked.tables[0].scope.cells, ranked.tables[0].rows[0].value), (2, 0.5));
    assert_eq!(ranked.tables.len(), 3, "es has one model");
    assert_eq!(ranked.notes, ["clir ndcg@10: the mean is over the 2 of 3 cells that all have"]);
}

#[test]
fn one_model_or_an_unknown_one_is_an_error() {
    let side = models(&[("a", around(0.5), around(0.5)), ("b", around(0.25), around(0.25))]);
    let only = |names: &[&str]| CompareOptions {
        models: names.iter().map(|&n| (n.to_owned(), n.to_owned())).collect(),
        ..CompareOptions::default()
    };
    let sides = [side];
    assert!(matches!(tiers(&sides, &only(&["a"])), Err(CompareError::TooFewModels { .. })));
    assert!(matches!(tiers(&sides, &only(&["a", "x"])), Err(CompareError::UnknownModel { .. })));
    assert!(tiers(&sides, &only(&["a", "b"])).is_ok());
    assert!(matches!(tiers(&[], &CompareOptions::default()), Err(CompareError::TooFewModels { .. })));
    let apart = side_without_shared_cells();
    let error = tiers(&[apart], &CompareOptions::default()).expect_err("no cell").to_string();
    assert!(error.starts_with("the models a, b share no cell and metric"), "{error}");
}

fn side_without_shared_cells() -> Side {
    side([row("a", "ko", "ndcg@10", &[0.5; 4]), row("b", "zh", "ndcg@10", &[0.5; 4])])
}
