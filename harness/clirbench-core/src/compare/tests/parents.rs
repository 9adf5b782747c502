use super::super::*;
use super::{is, row, side};

/// Twelve queries around a mean; `shift` is added to all, so that models differ by a constant, and
/// with twelve of one sign p = 2 / 4096.
fn around(mean: f64) -> Vec<f64> {
    (0..12).map(|q| mean + if q % 2 == 0 { 0.125 } else { -0.125 }).collect()
}

/// The same with one query changed: not told apart, p = 1.
fn nearly(mean: f64) -> Vec<f64> {
    let mut values = around(mean);
    values[3] += 0.0625;
    values
}

/// What the merged model `m` has of `a` (0.5) and `b` (0.25), each given as values of one cell.
fn inherited(merged: &[f64], a: &[f64], b: &[f64]) -> InheritanceRow {
    let side =
        side([row("a", "ko", "ndcg@10", a), row("b", "ko", "ndcg@10", b), row("m", "ko", "ndcg@10", merged)]);
    let parents = ["a", "b"].map(str::to_owned);
    let mut found = inheritance(&side, "m", &parents, &CompareOptions::default()).expect("measured");
    assert_eq!(found.rows.len(), 1);
    found.rows.remove(0)
}

#[test]
fn every_class_by_hand() {
    let of = |merged: &[f64]| inherited(merged, &around(0.5), &around(0.25)).inherited;
    assert_eq!(of(&around(0.75)), Some(Inherited::BeatsAll));
    assert_eq!(of(&nearly(0.5)), Some(Inherited::KeepsBest));
    assert_eq!(of(&around(0.375)), Some(Inherited::Interpolates));
    assert_eq!(of(&nearly(0.25)), Some(Inherited::FallsToWorst));
    assert_eq!(of(&around(0.125)), Some(Inherited::BelowAll));
    let alike = inherited(&nearly(0.5), &around(0.5), &around(0.5));
    assert_eq!(alike.inherited, Some(Inherited::NotToldApart));
    // a is ahead of b by one query alone, m is ahead of a everywhere, and of b by a sum of both.
    let mut b = around(0.5);
    b[3] -= 1.5;
    b[5] += 1.25;
    let unclear = inherited(&around(0.53125), &around(0.5), &b);
    assert_eq!(unclear.inherited, Some(Inherited::Unclear), "{unclear:?}");
}

#[test]
fn differences_are_merged_less_parent_with_intervals_and_one_family() {
    let row = inherited(&around(0.375), &around(0.5), &around(0.25));
    assert_eq!((row.value, row.scope.cells), (0.375, 1));
    let [a, b] = &row.against[..] else { panic!("two parents") };
    assert_eq!((a.value, a.delta, a.verdict), (0.5, -0.125, Verdict::Regression));
    assert_eq!((b.value, b.delta, b.verdict), (0.25, 0.125, Verdict::Gain));
    assert!(is(a.interval, -0.125, -0.125));
    // 2 / 4096 in a family of two.
    assert_eq!((a.p, a.p_holm), (Some(1.0 / 2048.0), Some(1.0 / 1024.0)));
}

#[test]
fn queries_of_one_id_are_one_cluster_across_cells() {
    // Two cells of four queries each: 2 of 16 patterns, not 2 of 256.
    let of = |model: &str, v: f64| ["ko", "zh"].map(|lang| row(model, lang, "ndcg@10", &[v; 4]));
    let side = side([of("a", 0.5), of("b", 0.5), of("m", 0.75)].concat());
    let parents = ["a", "b"].map(str::to_owned);
    let found = inheritance(&side, "m", &parents, &CompareOptions::default()).expect("measured");
    assert_eq!((found.rows[0].scope.cells, found.rows[0].against[0].p), (2, Some(0.125)));
    assert_eq!(found.rows[0].inherited, Some(Inherited::NotToldApart));
}

#[test]
fn parents_come_from_the_results_or_by_name() {
    let three = ["a", "b", "m"].map(|m| row(m, "ko", "ndcg@10", &around(0.5)));
    let mut side = side(three);
    let find = |side: &Side, named: &[&str]| {
        let named: Vec<String> = named.iter().map(|&n| n.to_owned()).collect();
        inheritance(side, "m", &named, &CompareOptions::default()).map(|found| found.parents)
    };
    let error = find(&side, &[]).expect_err("nobody says").to_string();
    assert!(error.contains("do not say what `m` was merged from; name each parent with --parent"), "{error}");
    side.parents.insert("m".to_owned(), vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(find(&side, &[]).expect("stated"), ["a", "b"]);
    assert_eq!(find(&side, &["b", "b"]).expect("named"), ["b"]);
    let error = find(&side, &["x"]).expect_err("no x").to_string();
    assert!(
        error.starts_with("`x`, a parent of `m`, is not among the results; they have a, b, m"),
        "{error}"
    );
    assert!(find(&side, &["m"]).is_err());
    assert!(matches!(
        inheritance(&side, "x", &[], &CompareOptions::default()),
        Err(CompareError::UnknownModel { .. })
    ));
}

#[test]
fn untested_parents_leave_the_class_open() {
    let mut side = side(["a", "b", "m"].map(|m| row(m, "ko", "ndcg@10", &around(0.5))));
    side.per_query.remove(1);
    let parents = ["a", "b"].map(str::to_owned);
    let found = inheritance(&side, "m", &parents, &CompareOptions::default()).expect("measured");
    assert_eq!(
        (found.rows[0].inherited, found.rows[0].note.as_deref()),
        (None, Some("the result has no per-query values"))
    );
    assert_eq!((found.rows[0].against[0].p, found.rows[0].against[1].p), (Some(1.0), None));
}
