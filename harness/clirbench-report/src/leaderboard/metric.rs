//! How the papers print each metric.

use clirbench_core::compare::points_per_unit;
use clirbench_core::metrics::Metric;

use super::Value;
use crate::number::fixed;

/// A value as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    /// The mean.
    pub(crate) mean: String,
    /// The ends of its 95% interval.
    pub(crate) interval: Option<(String, String)>,
    /// The wider side of the interval.
    pub(crate) margin: Option<String>,
}

/// Factor and decimals. Jang et al. 2025 print nDCG times 100 and Hong et al. 2026 Complete@10
/// times 100, Max@R and its norm, all with two decimals; MRR is a fraction with three (Hong, table 2).
fn scale(metric: &str) -> (f64, usize) {
    match Metric::of_row(metric) {
        Ok(Metric::Mrr(_)) => (1.0, 3),
        _ => (points_per_unit(metric).unwrap_or(1.0), 2),
    }
}

pub(super) fn printed(metric: &str, value: Value) -> Printed {
    let (factor, digits) = scale(metric);
    let text = |v: f64| fixed(v * factor, digits);
    let mean = value.mean;
    Printed {
        mean: text(mean),
        interval: value.interval.map(|(low, high)| (text(low), text(high))),
        margin: value.interval.map(|(low, high)| text((mean - low).max(high - mean))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_print_as_in_the_papers() {
        let mean = |metric, mean| printed(metric, Value { mean, interval: None }).mean;
        assert_eq!(mean("ndcg@10", 0.9037), "90.37");
        assert_eq!(mean("complete@10", 0.1546), "15.46");
        assert_eq!(mean("recall@100", 1.0), "100.00");
        assert_eq!(mean("mrr", 0.9334), "0.933");
        assert_eq!(mean("max@r", 106.418), "106.42");
        assert_eq!(mean("max@r_norm_of_mean", 43.881), "43.88");
    }

    #[test]
    fn the_margin_is_the_wider_side() {
        let value = Value { mean: 0.5, interval: Some((0.4, 0.53)) };
        assert_eq!(printed("ndcg@1", value).margin.as_deref(), Some("10.00"));
    }
}
