//! The Jensen-Shannon divergence of two softmaxes (Hong et al. 2026, eq. 3-5) and its gradient.

use clirbench_loss::log_softmax;

/// JSD(P(z1) || P(z2)) and its derivatives by z1 and z2.
pub(crate) struct Divergence {
    /// 0 to ln 2.
    pub(crate) value: f64,
    pub(crate) by_first: Vec<f64>,
    pub(crate) by_second: Vec<f64>,
}

/// The divergence between the softmaxes P and Q of two embeddings of one length.
///
/// With M = (P + Q) / 2, the derivative of JSD by P_k is log(P_k / M_k) / 2, so that by z1_k is
/// P_k (log(P_k / M_k) - KL(P || M)) / 2; for z2 with Q.
pub(crate) fn between(first: &[f64], second: &[f64]) -> Divergence {
    let logarithms = |z: &[f64]| {
        let mut logarithms = z.to_vec();
        log_softmax(&mut logarithms);
        logarithms
    };
    let (log_p, log_q) = (logarithms(first), logarithms(second));
    let side = |log_p: &[f64], log_q: &[f64]| {
        let ratios: Vec<f64> = log_p.iter().zip(log_q).map(|(&p, &q)| log_ratio_to_mean(p, q)).collect();
        let p: Vec<f64> = log_p.iter().map(|log| log.exp()).collect();
        let kl: f64 = p.iter().zip(&ratios).map(|(p, ratio)| p * ratio).sum();
        (kl, p.iter().zip(&ratios).map(|(p, ratio)| 0.5 * p * (ratio - kl)).collect::<Vec<f64>>())
    };
    let (kl_p, by_first) = side(&log_p, &log_q);
    let (kl_q, by_second) = side(&log_q, &log_p);
    // No divergence is negative; a sum that should be 0 may round to less.
    Divergence { value: (0.5 * (kl_p + kl_q)).max(0.0), by_first, by_second }
}

/// log(p / m), m = (p + q) / 2, from log p and log q: exactly 0 where these are equal, and finite
/// however far apart they are.
fn log_ratio_to_mean(log_p: f64, log_q: f64) -> f64 {
    let apart = log_q - log_p;
    // log((1 + e^x) / 2) = log(1 + (e^x - 1) / 2), for x <= 0 and, with x taken out, for x > 0.
    let log_mean = |x: f64| (x.exp_m1() / 2.0).ln_1p();
    let log_mean_ratio = if apart <= 0.0 { log_mean(apart) } else { apart + log_mean(-apart) };
    -log_mean_ratio
}

#[cfg(test)]
mod tests {
    use std::f64::consts::LN_2;

    use super::*;

    #[test]
    fn one_component_each_is_ln_2_apart() {
        let far = between(&[0.0, -1e4], &[-1e4, 0.0]);
        assert_eq!(far.value, LN_2);
        assert!(far.by_first.iter().chain(&far.by_second).all(|&g| g == 0.0), "flat where nothing overlaps");
    }

    /// P = (1/2, 1/2), Q = (1/4, 3/4), M = (3/8, 5/8).
    #[test]
    fn a_divergence_by_hand() {
        let d = between(&[0.0, 0.0], &[0.0, 3.0_f64.ln()]);
        let (p, q) = ([4.0_f64 / 3.0, 0.8].map(f64::ln), [2.0_f64 / 3.0, 1.2].map(f64::ln));
        let (kl_p, kl_q) = (0.5 * (p[0] + p[1]), 0.25 * q[0] + 0.75 * q[1]);
        assert!((d.value - 0.5 * (kl_p + kl_q)).abs() < 1e-15, "{}", d.value);
        let by_first = [0.25 * (p[0] - kl_p), 0.25 * (p[1] - kl_p)];
        let by_second = [0.125 * (q[0] - kl_q), 0.375 * (q[1] - kl_q)];
        for (got, wanted) in d.by_first.iter().chain(&d.by_second).zip(by_first.into_iter().chain(by_second))
        {
            assert!((got - wanted).abs() < 1e-15, "{got} {wanted}");
        }
    }

    #[test]
    fn the_same_embedding_is_exactly_0_apart() {
        let z = [0.3, -12.0, 80.0, 0.7];
        let d = between(&z, &z);
        assert_eq!(d.value, 0.0);
        assert!(d.by_first.iter().chain(&d.by_second).all(|&g| g == 0.0));
    }
}
