//! Tests and intervals against scipy: values and how they were made are in `tests/golden`.

use clirbench_core::stats::{
    CellStatistic, Clusters, Interval, Panel, PanelCell, Resamples, randomization_test,
};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/stats.json")).expect("JSON")
}

fn cases<'a>(value: &'a Value, name: &str) -> &'a Vec<Value> {
    let cases = value[name].as_array().expect("a list of cases");
    assert!(!cases.is_empty());
    cases
}

fn number(case: &Value, name: &str) -> f64 {
    case[name].as_f64().expect("a number")
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("q{i:03}")).collect()
}

/// The interval of the mean of head - base, as a comparison computes it.
fn paired_interval(base: &[f64], head: &[f64], resamples: usize) -> Interval {
    let queries = ids(base.len());
    let cell = PanelCell { dataset: "d", queries: &queries };
    let panel = Panel::new(&[cell], resamples, 7).expect("valid");
    let samples = |values| panel.samples(&[values], &[CellStatistic::Mean]).expect("parallel");
    let differences = samples(head).iter().zip(samples(base)).map(|(h, b)| h - b).collect();
    Interval::of_samples(differences).expect("resamples")
}

#[test]
fn every_pattern_enumerated() {
    for case in cases(&golden(), "randomization") {
        let (base, head) = (numbers(&case["base"]), numbers(&case["head"]));
        let clusters = Clusters::of(&ids(base.len())).expect("not empty");
        let test = randomization_test(&clusters, &base, &head, 1, 0).expect("valid");
        assert!(test.exact && (test.p - number(case, "p")).abs() < 1e-12, "{test:?} {case}");
    }
}

#[test]
fn clusters_are_swapped_as_a_whole() {
    for case in cases(&golden(), "clustered") {
        let ids: Vec<&str> =
            case["ids"].as_array().expect("ids").iter().map(|id| id.as_str().expect("an id")).collect();
        let clusters = Clusters::of(&ids).expect("not empty");
        let (base, head) = (numbers(&case["base"]), numbers(&case["head"]));
        let test = randomization_test(&clusters, &base, &head, 1, 0).expect("valid");
        assert!(test.exact && (test.p - number(case, "p")).abs() < 1e-12, "{test:?} {case}");
    }
}

#[test]
fn the_average_of_norms() {
    for case in cases(&golden(), "norms") {
        let side = |name: &str| -> Vec<Vec<f64>> {
            case[name].as_array().expect("cells").iter().map(numbers).collect()
        };
        let (base, head) = (side("base"), side("head"));
        let queries = ids(base[0].len());
        let cells = vec![PanelCell { dataset: "d", queries: &queries }; base.len()];
        let panel = Panel::new(&cells, 10, 0).expect("valid");
        let log2_pool = number(case, "pool").log2();
        let factor = 100.0 / (log2_pool - number(case, "relevant").log2());
        let statistics = vec![CellStatistic::Norm { factor, log2_pool }; base.len()];
        let base: Vec<&[f64]> = base.iter().map(Vec::as_slice).collect();
        let head: Vec<&[f64]> = head.iter().map(Vec::as_slice).collect();
        let test = panel.test(&base, &head, &statistics, 1, 0).expect("valid");
        assert!(test.exact && (test.p - number(case, "p")).abs() < 1e-12, "{test:?} {case}");
    }
}

#[test]
fn drawn_patterns_are_near_the_exact_tail() {
    let (mut plain, mut tilted) = (0, 0);
    for case in cases(&golden(), "drawn") {
        let differences = numbers(&case["differences"]);
        let clusters = Clusters::of(&ids(differences.len())).expect("not empty");
        let zeros = vec![0.0; differences.len()];
        let draws = 100_000;
        let test = randomization_test(&clusters, &zeros, &differences, draws, 11);
        let (p, exact) = (test.expect("valid").p, number(case, "p"));
        if exact * draws as f64 > 50.0 {
            // Four standard deviations of a share of 100,000 draws, and the one that is counted twice.
            let band = 4.0 * (exact * (1.0 - exact) / draws as f64).sqrt() + 1.0 / draws as f64;
            assert!((p - exact).abs() < band, "{p} {exact}");
            plain += 1;
        } else {
            // Importance sampling: four of its standard errors.
            assert!((p / exact - 1.0).abs() < 0.2, "{p} {exact}");
            tilted += 1;
        }
    }
    assert!(plain >= 3 && tilted >= 2, "{plain} {tilted}");
}

#[test]
fn percentiles_of_a_sample() {
    for case in cases(&golden()["bootstrap"], "percentiles") {
        let interval = Interval::of_samples(numbers(&case["sample"])).expect("not empty");
        assert!((interval.low - number(case, "low")).abs() < 1e-12, "{interval:?}");
        assert!((interval.high - number(case, "high")).abs() < 1e-12, "{interval:?}");
    }
}

#[test]
fn bootstrap_intervals() {
    // Few queries have a discrete distribution: its steps are wider than the error of the draws.
    let golden = golden();
    for (name, tolerance) in [("enumerated", 5e-3), ("drawn", 2e-3)] {
        for case in cases(&golden["bootstrap"], name) {
            let (base, head) = (numbers(&case["base"]), numbers(&case["head"]));
            let interval = paired_interval(&base, &head, 100_000);
            let (low, high) = (number(case, "low"), number(case, "high"));
            assert!((interval.low - low).abs() < tolerance, "{interval:?} {low} {high}");
            assert!((interval.high - high).abs() < tolerance, "{interval:?} {low} {high}");
        }
    }
}

#[test]
fn one_side_alone_has_the_interval_of_its_mean() {
    // The interval of a mean is that of a difference from zero.
    let golden = golden();
    for case in cases(&golden["bootstrap"], "drawn") {
        let difference: Vec<f64> =
            numbers(&case["head"]).iter().zip(numbers(&case["base"])).map(|(h, b)| h - b).collect();
        let clusters = Clusters::of(&ids(difference.len())).expect("not empty");
        let interval =
            Resamples::new(clusters, 50_000, 5).expect("n > 0").interval(&difference).expect("parallel");
        assert!((interval.low - number(case, "low")).abs() < 3e-3, "{interval:?}");
        assert!((interval.high - number(case, "high")).abs() < 3e-3, "{interval:?}");
    }
}

/// Power values of [`crate::simulation`]: queries, difference in standard deviations, power.
pub(crate) fn power() -> Vec<(usize, f64, f64)> {
    let golden = golden();
    let of = |case: &Value| {
        let queries = case["queries"].as_u64().expect("a count") as usize;
        (queries, number(case, "delta"), number(case, "power"))
    };
    cases(&golden, "power").iter().map(of).collect()
}
