//! The paired randomization test: how often chance alone separates two systems this far.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use serde::{Deserialize, Serialize};

use super::{Clusters, StatsError};

/// Permutations unless told otherwise.
pub const DEFAULT_PERMUTATIONS: usize = 10_000;

/// Up to this many clusters that differ, all sign patterns are enumerated: at most 65,536.
pub const EXACT_CLUSTERS: usize = 16;

/// Outcome of [`randomization_test`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Randomization {
    /// Two-sided p-value.
    pub p: f64,
    /// Whether every sign pattern was enumerated.
    pub exact: bool,
    /// Clusters whose two sides differ; the others cannot change the statistic.
    pub differing: usize,
}

/// Fewer drawn patterns than this that reach what was observed do not say how rare they are.
const FEW: usize = 20;

/// Tilted patterns that then do: a relative standard error of about 4%, however small p is.
const TILTED: usize = 2000;

/// Two-sided paired randomization test of the mean difference `head - base`.
///
/// Under the null hypothesis the two systems' values are exchangeable within a query, so each
/// cluster's summed difference keeps or flips its sign with equal chance. p is the share of sign
/// patterns whose absolute sum reaches the observed one:
/// - exact when at most [`EXACT_CLUSTERS`] clusters differ;
/// - else `(b + 1) / (permutations + 1)` from patterns drawn with ChaCha8, of which b reach it
///   (Phipson and Smyth 2010);
/// - where b is below 20, from importance sampling: signs are drawn with the exponential tilt whose
///   expected sum is the observed one, and weighted back. A share of plain draws cannot fall below
///   `1 / permutations`, with which nothing is significant in a large family of tests.
///
/// It also serves statistics that are a monotone function of the mean, such as
/// `max@r_norm_of_mean`: swapping keeps the sum of both means, so both order patterns alike.
///
/// # Errors
/// When a side is not parallel to the clusters' rows or not finite, or `permutations` is 0.
pub fn randomization_test(
    clusters: &Clusters,
    base: &[f64],
    head: &[f64],
    permutations: usize,
    seed: u64,
) -> Result<Randomization, StatsError> {
    let (base, head) = (clusters.sums(base)?, clusters.sums(head)?);
    let differences = base.iter().zip(&head).map(|(b, h)| h - b).collect();
    sign_test(differences, permutations, seed)
}

/// The test of the sum of `differences`, one per cluster.
pub(super) fn sign_test(
    mut differences: Vec<f64>,
    permutations: usize,
    seed: u64,
) -> Result<Randomization, StatsError> {
    differences.retain(|&d| d != 0.0);
    let observed = differences.iter().sum::<f64>();
    // Sums of the same terms in another order differ by rounding; they still count as equal.
    let rounding = 1e-12 * differences.iter().map(|d| d.abs()).sum::<f64>();
    let sums = SignedSums::new(&differences);
    share_of_patterns(&differences, observed, rounding, permutations, seed, |pattern| sums.of(pattern))
}

/// The share of sign patterns whose statistic is as far from 0 as the observed one, or falls short
/// of it by `rounding`. The statistic is odd: all signs flipped, it changes its sign. `pulls` say
/// what each cluster adds to it, at least nearly: they only guide the importance sampling.
pub(super) fn share_of_patterns(
    pulls: &[f64],
    observed: f64,
    rounding: f64,
    permutations: usize,
    seed: u64,
    statistic: impl Fn(&[u8]) -> f64,
) -> Result<Randomization, StatsError> {
    if permutations == 0 {
        return Err(StatsError::NoDraws);
    }
    let differing = pulls.len();
    let at_least = observed.abs() - rounding;
    if differing <= EXACT_CLUSTERS {
        let patterns = 1_u32 << differing;
        let reached = (0..patterns).filter(|p| statistic(&p.to_le_bytes()).abs() >= at_least).count();
        let p = reached as f64 / f64::from(patterns);
        return Ok(Randomization { p, exact: true, differing });
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut pattern = vec![0_u8; differing.div_ceil(8)];
    let mut reached = 0_usize;
    for _ in 0..permutations {
        rng.fill_bytes(&mut pattern);
        reached += usize::from(statistic(&pattern).abs() >= at_least);
    }
    let p = if reached < FEW {
        tilted_share(pulls, observed.signum(), at_least, &mut rng, statistic)
    } else {
        (reached + 1) as f64 / (permutations + 1) as f64
    };
    Ok(Randomization { p, exact: false, differing })
}

/// The share of a far tail, by importance sampling (Mehta, Patel and Senchaudhuri 1988): with
/// signs tilted by theta, a pattern of pulls with the sum S weighs `prod cosh(theta d) exp(-theta S)`.
/// Twice the tail on the side of what was observed, since the statistic is odd.
fn tilted_share(
    pulls: &[f64],
    side: f64,
    at_least: f64,
    rng: &mut ChaCha8Rng,
    statistic: impl Fn(&[u8]) -> f64,
) -> f64 {
    let pulls: Vec<f64> = pulls.iter().map(|d| side * d).collect();
    let theta = tilt(&pulls);
    // ln cosh x, where cosh x itself may not fit.
    let log_cosh = |x: f64| x.abs() + (-2.0 * x.abs()).exp().ln_1p() - std::f64::consts::LN_2;
    let log_scale: f64 = pulls.iter().map(|d| log_cosh(theta * d)).sum();
    let keeps: Vec<u64> =
        pulls.iter().map(|d| (4_294_967_296.0 / (1.0 + (-2.0 * theta * d).exp())).round() as u64).collect();
    let mut pattern = vec![0_u8; pulls.len().div_ceil(8)];
    let mut share = 0.0;
    for _ in 0..TILTED {
        pattern.fill(0);
        let mut sum = 0.0;
        for (i, (&d, &keep)) in pulls.iter().zip(&keeps).enumerate() {
            let flips = u64::from(rng.next_u32()) >= keep;
            pattern[i / 8] |= u8::from(flips) << (i % 8);
            sum += if flips { -d } else { d };
        }
        if side * statistic(&pattern) >= at_least {
            share += (log_scale - theta * sum).exp();
        }
    }
    // The observed pattern and its mirror image are always among those that reach.
    let least = (1.0 - pulls.len() as f64).exp2().max(f64::MIN_POSITIVE);
    (2.0 * share / TILTED as f64).clamp(least, 1.0)
}

/// The theta under which the expected sum, of `d tanh(theta d)`, is that of the pulls themselves;
/// as large as makes no difference where they all have one sign and no theta is large enough.
fn tilt(pulls: &[f64]) -> f64 {
    let target = pulls.iter().sum::<f64>() * (1.0 - 1e-9);
    let largest = pulls.iter().fold(0.0_f64, |largest, d| largest.max(d.abs()));
    let short = |theta: f64| pulls.iter().map(|d| d * (theta * d).tanh()).sum::<f64>() < target;
    let (mut low, mut high) = (0.0, 1.0 / largest);
    for _ in 0..60 {
        if !short(high) {
            break;
        }
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if short(middle) { low = middle } else { high = middle }
    }
    high
}

/// The sum of differences under a pattern of signs, eight differences at a time: every byte of the
/// pattern looks up one of 256 sums.
pub(super) struct SignedSums {
    /// For each group of eight differences, the sum for each byte.
    groups: Vec<[f64; 256]>,
}

impl SignedSums {
    pub(super) fn new(differences: &[f64]) -> SignedSums {
        let groups = differences.chunks(8).map(|group| {
            std::array::from_fn(|byte| {
                let signed = group.iter().enumerate();
                signed.map(|(bit, &d)| if byte >> bit & 1 == 1 { -d } else { d }).sum()
            })
        });
        SignedSums { groups: groups.collect() }
    }

    /// Bytes beyond the last group, and bits beyond the last difference, change nothing.
    pub(super) fn of(&self, pattern: &[u8]) -> f64 {
        self.groups.iter().zip(pattern).map(|(sums, &byte)| sums[usize::from(byte)]).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clusters(n: usize) -> Clusters {
        let ids: Vec<String> = (0..n).map(|i| format!("q{i}")).collect();
        Clusters::of(&ids).expect("not empty")
    }

    #[test]
    fn exact_by_hand() {
        // Differences 1, 2, 4 (sum 7): of the 8 patterns only +++ and --- reach 7.
        let test = randomization_test(&clusters(3), &[0.0; 3], &[1.0, 2.0, 4.0], 10, 0).expect("valid");
        assert_eq!(test, Randomization { p: 0.25, exact: true, differing: 3 });
        // Differences 1, 1, -1 (sum 1): every pattern sums to an odd number, so all reach 1.
        let test =
            randomization_test(&clusters(3), &[0.0, 0.0, 1.0], &[1.0, 1.0, 0.0], 10, 0).expect("valid");
        assert_eq!(test.p, 1.0);
        // Differences 3, 1, 1, -1 (sum 4): |sum| >= 4 needs, with 3 positive, at least two of the
        // three ones positive (3 + 1 = 4 of 8), and the mirror image: 8 of 16.
        let test = randomization_test(&clusters(4), &[0.0; 4], &[3.0, 1.0, 1.0, -1.0], 10, 0).expect("valid");
        assert_eq!(test.p, 0.5);
    }

    #[test]
    fn equal_systems_have_p_one() {
        let test = randomization_test(&clusters(40), &[0.3; 40], &[0.3; 40], 10, 0).expect("valid");
        assert_eq!(test, Randomization { p: 1.0, exact: true, differing: 0 });
    }

    #[test]
    fn rounding_does_not_hide_equal_sums() {
        // 0.1 + 0.2 != 0.3 in floating point; all signs equal or all flipped: p = 2 / 8.
        let test = randomization_test(&clusters(3), &[0.0; 3], &[0.1, 0.2, 0.3], 10, 0).expect("valid");
        assert_eq!(test.p, 0.25);
    }

    #[test]
    fn drawn_p_is_near_the_exact_one() {
        // Square roots with mixed signs: no two patterns tie.
        let small: Vec<f64> =
            (1..=12).map(|i| f64::from(i).sqrt() * if i % 3 == 0 { -1.0 } else { 1.0 }).collect();
        let exact = randomization_test(&clusters(12), &[0.0; 12], &small, 10, 0).expect("valid").p;
        // Five more clusters that hardly differ push the test over the limit of enumeration.
        let mut large = small;
        large.extend([1e-9; 5]);
        let drawn = randomization_test(&clusters(17), &[0.0; 17], &large, 20_000, 3).expect("valid");
        assert!(!drawn.exact && (drawn.p - exact).abs() < 0.01, "{} {exact}", drawn.p);
    }

    #[test]
    fn rows_of_one_query_flip_together() {
        // Two rows per query: as clusters there are 2 patterns of 4 that reach the observed sum;
        // as independent rows there would be 2 of 16.
        let clusters = Clusters::of(&["a", "b", "a", "b"]).expect("not empty");
        let test = randomization_test(&clusters, &[0.0; 4], &[1.0; 4], 10, 0).expect("valid");
        assert_eq!(test.p, 0.5);
    }

    #[test]
    fn tails_that_no_plain_draw_reaches() {
        // All of 60 signs equal: 2 of 2^60 patterns.
        let test = |head: &[f64]| {
            let test = randomization_test(&clusters(head.len()), &vec![0.0; head.len()], head, 999, 3);
            test.expect("valid").p
        };
        assert!((test(&[1.0; 60]) / 2.0_f64.powi(-59) - 1.0).abs() < 1e-6);
        assert!((test(&[-0.25; 60]) / 2.0_f64.powi(-59) - 1.0).abs() < 1e-6);
        // 50 of 60 signs equal: the binomial tail, on steps of two.
        let mut head = [1.0; 60];
        head[..10].fill(-1.0);
        let ways = |k: u32| (0..k).fold(1.0, |ways, i| ways * f64::from(60 - i) / f64::from(i + 1));
        let exact = 2.0 * (0..=10).map(ways).sum::<f64>() / 2.0_f64.powi(60);
        assert!((test(&head) / exact - 1.0).abs() < 0.15, "{} {exact}", test(&head));
        // More clusters than the exponent of an f64 has room for.
        assert_eq!(test(&[1.0; 1200]), f64::MIN_POSITIVE);
    }

    #[test]
    fn bad_input_is_an_error() {
        let clusters = clusters(2);
        assert_eq!(randomization_test(&clusters, &[0.0; 2], &[0.0; 2], 0, 0), Err(StatsError::NoDraws));
        assert!(randomization_test(&clusters, &[0.0; 3], &[0.0; 2], 1, 0).is_err());
        assert!(randomization_test(&clusters, &[f64::NAN; 2], &[0.0; 2], 1, 0).is_err());
    }
}
