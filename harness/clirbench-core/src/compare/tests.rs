use proptest::prelude::*;

use super::*;
use crate::stats::Interval;

mod parents;
mod tiers;

/// A clir row over the queries q0, q1, ... with its per-query values.
fn row(model: &str, query_lang: &str, metric: &str, values: &[f64]) -> (ScoreRow, QueryValues) {
    let value = values.iter().sum::<f64>() / values.len() as f64;
    let score = ScoreRow {
        model: model.to_owned(),
        dataset: "kdc".to_owned(),
        documents: "unique".to_owned(),
        scenario: "clir".to_owned(),
        query_lang: query_lang.to_owned(),
        pool_langs: "en".to_owned(),
        metric: metric.to_owned(),
        value,
        ci_low: value - 0.1,
        ci_high: value + 0.1,
        queries: values.len() as u32,
        pool_size: 64,
    };
    let per_query = QueryValues {
        cell: score.cell(),
        metric: metric.to_owned(),
        queries: (0..values.len()).map(|i| format!("q{i}")).collect(),
        values: values.to_vec(),
    };
    (score, per_query)
}

fn side(rows: impl IntoIterator<Item = (ScoreRow, QueryValues)>) -> Side {
    let (scores, per_query) = rows.into_iter().unzip();
    let dataset_hashes = BTreeMap::from([("kdc".to_owned(), "11".to_owned())]);
    Side { scores, per_query, dataset_hashes, ..Side::default() }
}

/// Whether an interval has these ends, but for rounding.
fn is(interval: Option<Interval>, low: f64, high: f64) -> bool {
    interval.is_some_and(|i| (i.low - low).abs() < 1e-9 && (i.high - high).abs() < 1e-9)
}

fn by_default(base: &Side, head: &Side) -> Comparison {
    compare(base, head, &CompareOptions::default()).expect("comparable")
}

#[test]
fn two_rows_by_hand() {
    // ko: six queries all fall from 1 to 0.5. Of 64 sign patterns two reach |sum| = 3: p = 1/32,
    // in a family of two 1/16. es: one query rises by 0.25, p = 1 (both patterns reach it).
    let base = side([
        row("m", "ko", "ndcg@10", &[1.0; 6]),
        row("m", "es", "ndcg@10", &[0.5, 0.0, 0.0, 0.0, 0.0, 0.0]),
    ]);
    let head = side([
        row("m", "ko", "ndcg@10", &[0.5; 6]),
        row("m", "es", "ndcg@10", &[0.75, 0.0, 0.0, 0.0, 0.0, 0.0]),
    ]);
    let comparison = by_default(&base, &head);
    let [ko, es] = &comparison.rows[..] else { panic!("two rows") };
    assert_eq!((ko.delta, ko.points), (-0.5, Some(-50.0)));
    assert_eq!((ko.p, ko.p_holm), (Some(1.0 / 32.0), Some(1.0 / 16.0)));
    assert_eq!(ko.interval, Some(Interval { low: -0.5, high: -0.5 }));
    assert_eq!(ko.verdict, Verdict::Same);
    assert!((es.delta - 0.25 / 6.0).abs() < 1e-15 && es.p == Some(1.0));
    assert_eq!((&comparison.only_base[..], &comparison.only_head[..]), (&[][..], &[][..]));
    assert!(comparison.notes.is_empty(), "{:?}", comparison.notes);
    assert_eq!(comparison.data, base.dataset_hashes);

    // Alone in its family, or at another level, the fall is significant.
    let alone = by_default(&side([row("m", "ko", "ndcg@10", &[1.0; 6])]), &head);
    assert_eq!((alone.rows[0].p_holm, alone.rows[0].verdict), (Some(1.0 / 32.0), Verdict::Regression));
    assert_eq!(alone.only_head.len(), 1);
    let options = CompareOptions { alpha: 0.1, ..CompareOptions::default() };
    let lenient = compare(&base, &head, &options).expect("comparable");
    assert_eq!(lenient.rows[0].verdict, Verdict::Regression);
    assert_eq!(lenient.regressions(50.0).len(), 1);
    assert_eq!(lenient.regressions(50.1).len(), 0);
}

#[test]
fn regressions_come_first_then_gains_then_the_rest_each_by_size() {
    let twelve = |v: f64| vec![v; 12];
    let rows = |values: [f64; 5]| {
        side(
            ["ar", "de", "es", "ko", "zh"]
                .iter()
                .zip(values)
                .map(|(l, v)| row("m", l, "ndcg@10", &twelve(v))),
        )
    };
    let head = rows([0.5, 0.75, 0.25, 0.5, 0.125]);
    let mut base = rows([0.5, 0.25, 0.5, 0.25, 0.75]);
    base.scores.rotate_left(2);
    let comparison = by_default(&base, &head);
    let order: Vec<_> = comparison.rows.iter().map(|r| (r.cell.query_lang.as_str(), r.verdict)).collect();
    use Verdict::{Gain, Regression, Same};
    assert_eq!(order, [("zh", Regression), ("es", Regression), ("de", Gain), ("ko", Gain), ("ar", Same)]);
}

#[test]
fn a_lower_max_at_r_is_a_gain_and_its_norm_is_tested_on_ranks() {
    // Pool 64, |R| = 2: norm = 100 (6 - log2 mean) / 5. Mean rank 16 -> 40, mean rank 8 -> 60.
    let cell = |rank: f64| {
        let (mut ranks, values) = row("m", "ko", "max@r", &[rank; 12]);
        let norm = ScoreRow {
            metric: "max@r_norm_of_mean".to_owned(),
            value: 100.0 * (6.0 - rank.log2()) / 5.0,
            ..ranks.clone()
        };
        ranks.value = rank;
        Side { scores: vec![ranks, norm], per_query: vec![values], ..Side::default() }
    };
    let options = CompareOptions { metrics: MetricChoice::All, ..CompareOptions::default() };
    let comparison = compare(&cell(16.0), &cell(8.0), &options).expect("comparable");
    let [norm, ranks] = &comparison.rows[..] else { panic!("two rows") };
    assert_eq!((norm.delta, norm.points, norm.verdict), (20.0, Some(20.0), Verdict::Gain));
    assert_eq!(norm.p, ranks.p);
    let Interval { low, high } = norm.interval.expect("from the ranks");
    assert!((low - 20.0).abs() < 1e-9 && (high - 20.0).abs() < 1e-9, "{low} {high}");
    assert_eq!((ranks.delta, ranks.points, ranks.verdict), (-8.0, None, Verdict::Gain));

    let back = compare(&cell(8.0), &cell(16.0), &options).expect("comparable");
    assert!(back.rows.iter().all(|r| r.verdict == Verdict::Regression));
    assert_eq!(back.regressions(0.0).len(), 2);
    assert_eq!(back.regressions(1.0), [&back.rows[0]]);
}

#[test]
fn without_per_query_values_intervals_decide() {
    let bare = |value: f64| {
        let mut side = side([row("m", "ko", "ndcg@10", &[value; 6])]);
        side.per_query.clear();
        side
    };
    // Intervals are value +- 0.1.
    let far = by_default(&bare(0.75), &bare(0.5));
    assert_eq!((far.rows[0].p, far.rows[0].interval, far.rows[0].verdict), (None, None, Verdict::Regression));
    assert_eq!(far.rows[0].note.as_deref(), Some("neither side has per-query values"));
    assert_eq!(far.regressions(25.0).len(), 1);
    let near = by_default(&bare(0.75), &bare(0.625));
    assert_eq!(near.rows[0].verdict, Verdict::Same);
    assert!(near.regressions(0.0).is_empty());
}

#[test]
fn queries_pair_by_id_not_by_position() {
    let (score, values) = row("m", "ko", "ndcg@10", &[0.0, 0.25, 0.5, 1.0]);
    let base = side([(score.clone(), values.clone())]);
    let mut turned = values;
    turned.queries.reverse();
    turned.values.reverse();
    let comparison = by_default(&base, &side([(score.clone(), turned.clone())]));
    assert_eq!(comparison.rows[0].interval, Some(Interval { low: 0.0, high: 0.0 }));

    turned.queries[0] = "another".to_owned();
    let comparison = by_default(&base, &side([(score, turned)]));
    assert_eq!(comparison.rows[0].note.as_deref(), Some("the two sides have different queries"));
}

#[test]
fn per_query_values_older_than_the_scores_are_not_used() {
    let base = side([row("m", "ko", "ndcg@10", &[0.5; 4])]);
    let mut head = base.clone();
    head.scores[0].value = 0.25;
    let note = by_default(&base, &head).rows.remove(0).note.expect("a note");
    assert_eq!(note, "the per-query values of HEAD do not average to its score");
}

#[test]
fn models_pair_by_name_else_when_alone_else_by_hand() {
    let of = |names: &[&str]| side(names.iter().map(|m| row(m, "ko", "ndcg@10", &[0.5; 4])));
    let pair = |c: &Comparison| -> Vec<(String, String)> {
        c.rows.iter().map(|r| (r.cell.model.clone(), r.head_model.clone())).collect()
    };
    let names = |a: &str, b: &str| (a.to_owned(), b.to_owned());

    let same = by_default(&of(&["a", "b"]), &of(&["b", "c"]));
    assert_eq!(pair(&same), [names("b", "b")]);
    assert_eq!((&*same.only_base[0].cell.model, &*same.only_head[0].cell.model), ("a", "c"));

    let alone = by_default(&of(&["a"]), &of(&["b"]));
    assert_eq!(pair(&alone), [names("a", "b")]);
    assert_eq!(alone.notes, ["BASE model a is compared with HEAD model b"]);

    let error = compare(&of(&["a", "b"]), &of(&["c"]), &CompareOptions::default()).expect_err("unclear");
    assert!(matches!(error, CompareError::NothingInCommon { .. }), "{error}");

    let by_hand = |from: &str, to: &str| CompareOptions {
        models: BTreeMap::from([names(from, to)]),
        ..CompareOptions::default()
    };
    let mapped = compare(&of(&["a", "b"]), &of(&["a", "b"]), &by_hand("a", "b")).expect("both are there");
    assert_eq!(pair(&mapped), [names("a", "b")]);
    assert!(mapped.only_base.is_empty() && mapped.only_head.is_empty());
    let error = compare(&of(&["a"]), &of(&["b"]), &by_hand("a", "x")).expect_err("no x");
    assert_eq!(error.to_string(), "HEAD has no model `x`; it has b");
}

#[test]
fn different_data_are_refused_unless_forced() {
    let base = side([row("m", "ko", "ndcg@10", &[0.5; 4])]);
    let force = CompareOptions { force: true, ..CompareOptions::default() };

    let mut other = base.clone();
    other.dataset_hashes.insert("kdc".to_owned(), "22".to_owned());
    let error = compare(&base, &other, &CompareOptions::default()).expect_err("hashes differ").to_string();
    assert!(error.contains("dataset kdc has the hash 11 in BASE and 22 in HEAD"), "{error}");
    let notes = compare(&base, &other, &force).expect("forced").notes;
    assert!(notes[0].starts_with("compared by force: dataset kdc"), "{notes:?}");

    let mut smaller = base.clone();
    smaller.scores[0].pool_size = 32;
    assert!(compare(&base, &smaller, &CompareOptions::default()).is_err());

    let mut unknown = base.clone();
    unknown.dataset_hashes.clear();
    let notes = by_default(&base, &unknown).notes;
    assert_eq!(notes, ["not checked for equal data, a hash is missing: kdc"]);
}

#[test]
fn the_choice_of_metrics() {
    let metrics = ["ndcg@10", "ndcg@1", "ndcg@10/best"];
    let base = side(metrics.map(|m| row("m", "ko", m, &[0.5; 4])));
    let chosen = |metrics| {
        let options = CompareOptions { metrics, ..CompareOptions::default() };
        let rows = compare(&base, &base, &options).map(|c| c.rows);
        rows.map(|rows| rows.into_iter().map(|r| r.metric).collect::<Vec<_>>())
    };
    assert_eq!(chosen(MetricChoice::Main).expect("valid"), ["ndcg@10"]);
    assert_eq!(chosen(MetricChoice::All).expect("valid"), ["ndcg@10", "ndcg@1"]);
    let named = |name: &str| MetricChoice::Named(vec![name.to_owned()]);
    assert_eq!(chosen(named("ndcg@10/best")).expect("valid"), ["ndcg@10/best"]);
    let error = chosen(named("ndcg@100")).expect_err("no such metric").to_string();
    assert_eq!(error, "no result has the metric `ndcg@100`; there are ndcg@1, ndcg@10, ndcg@10/best");
}

#[test]
fn duplicate_rows_are_a_conflict() {
    let one = row("m", "ko", "ndcg@10", &[0.5; 4]);
    let twice = side([one.clone(), one.clone()]);
    let error = compare(&side([one]), &twice, &CompareOptions::default()).expect_err("two rows").to_string();
    assert!(error.starts_with("HEAD has two rows for ndcg@10 of m kdc unique clir ko en"), "{error}");
}

#[test]
fn direction_and_scale_of_metrics() {
    assert!(lower_is_better("max@r") && lower_is_better("max@r/worst"));
    assert!(!lower_is_better("max@r_norm") && !lower_is_better("ndcg@10"));
    assert_eq!(points_per_unit("max@r/best"), None);
    assert_eq!(points_per_unit("max@r_norm_of_mean"), Some(1.0));
    assert_eq!(points_per_unit("complete@10"), Some(100.0));
    assert_eq!(points_per_unit("a-plugin's-own"), Some(100.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn equal_sides_differ_nowhere(cells in prop::collection::vec(prop::collection::vec(0.0..=1.0, 1..40), 1..5)) {
        let a = side(cells.iter().enumerate().map(|(i, v)| row("m", &format!("l{i}"), "ndcg@10", v)));
        let comparison = by_default(&a, &a);
        prop_assert_eq!(comparison.rows.len(), cells.len());
        for row in &comparison.rows {
            prop_assert_eq!((row.delta, row.p, row.p_holm), (0.0, Some(1.0), Some(1.0)));
            prop_assert_eq!(row.interval, Some(Interval { low: 0.0, high: 0.0 }));
            prop_assert_eq!(row.verdict, Verdict::Same);
        }
        prop_assert!(comparison.regressions(0.0).is_empty());
    }

    #[test]
    fn swapping_sides_mirrors_the_table(
        pairs in prop::collection::vec((0.0..=1.0, 0.0..=1.0), 1..40)
    ) {
        let (base, head): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let base = side([row("m", "ko", "ndcg@10", &base)]);
        let head = side([row("m", "ko", "ndcg@10", &head)]);
        let there = by_default(&base, &head).rows.remove(0);
        let back = by_default(&head, &base).rows.remove(0);
        prop_assert_eq!(there.delta, -back.delta);
        prop_assert_eq!(there.p, back.p);
        let (a, b) = (there.interval.expect("paired"), back.interval.expect("paired"));
        prop_assert!((a.low + b.high).abs() < 1e-12 && (a.high + b.low).abs() < 1e-12);
        let mirrored = match back.verdict {
            Verdict::Regression => Verdict::Gain,
            Verdict::Gain => Verdict::Regression,
            Verdict::Same => Verdict::Same,
        };
        prop_assert_eq!(there.verdict, mirrored);
    }
}
