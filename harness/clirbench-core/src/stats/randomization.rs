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

/// How many sign patterns are drawn where there are too many to enumerate.
///
/// A family of m tests needs p-values far below alpha / m, so many patterns; but most tests of a
/// family are far from that. A test whose first patterns leave it above `settled` ends there
/// (Besag and Clifford 1991). Every p up to `settled` rests on all patterns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Permutations {
    /// Patterns of every test.
    pub first: usize,
    /// Patterns of a test that the first ones do not settle.
    pub most: usize,
    /// A p above this is not made more precise.
    pub settled: f64,
}

impl Permutations {
    /// The same number for every test.
    #[must_use]
    pub const fn fixed(count: usize) -> Permutations {
        Permutations { first: count, most: count, settled: 1.0 }
    }

    /// `first` patterns, and for tests with p up to 2 alpha so many that the smallest p there is,
    /// times the size of the family, is a fifth of alpha; at most two million.
    #[must_use]
    pub fn for_family(first: usize, tests: usize, alpha: f64) -> Permutations {
        let needed = (5.0 * tests as f64 / alpha).min(2e6) as usize;
        Permutations { first, most: needed.max(first), settled: 2.0 * alpha }
    }
}

/// Two-sided paired randomization test of the mean difference `head - base`.
///
/// Under the null hypothesis the two systems' values are exchangeable within a query, so each
/// cluster's summed difference keeps or flips its sign with equal chance. p is the share of sign
/// patterns whose absolute sum reaches the observed one: exact when at most [`EXACT_CLUSTERS`]
/// clusters differ, else `(b + 1) / (permutations + 1)` from patterns drawn with ChaCha8 (Phipson
/// and Smyth 2010: a drawn p is never 0).
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
    permutations: Permutations,
    seed: u64,
) -> Result<Randomization, StatsError> {
    let (base, head) = (clusters.sums(base)?, clusters.sums(head)?);
    let differences = base.iter().zip(&head).map(|(b, h)| h - b).collect();
    sign_test(differences, permutations, seed)
}

/// The test of the sum of `differences`, one per cluster.
pub(super) fn sign_test(
    mut differences: Vec<f64>,
    permutations: Permutations,
    seed: u64,
) -> Result<Randomization, StatsError> {
    differences.retain(|&d| d != 0.0);
    let sums = SignedSums::new(&differences);
    // Sums of the same terms in another order differ by rounding; they still count as equal.
    let rounding = 1e-12 * differences.iter().map(|d| d.abs()).sum::<f64>();
    let observed = differences.iter().sum::<f64>().abs() - rounding;
    share_of_patterns(differences.len(), permutations, seed, |pattern| sums.of(pattern).abs() >= observed)
}

/// The share of sign patterns over `differing` clusters that reach what was observed.
pub(super) fn share_of_patterns(
    differing: usize,
    permutations: Permutations,
    seed: u64,
    reaches: impl Fn(&[u8]) -> bool,
) -> Result<Randomization, StatsError> {
    if permutations.first == 0 {
        return Err(StatsError::NoDraws);
    }
    if differing <= EXACT_CLUSTERS {
        let patterns = 1_u32 << differing;
        let reached = (0..patterns).filter(|p| reaches(&p.to_le_bytes())).count();
        let p = reached as f64 / f64::from(patterns);
        return Ok(Randomization { p, exact: true, differing });
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut pattern = vec![0_u8; differing.div_ceil(8)];
    let (mut drawn, mut reached) = (0_usize, 0_usize);
    let p = |reached: usize, drawn: usize| (reached + 1) as f64 / (drawn + 1) as f64;
    for until in [permutations.first, permutations.most] {
        while drawn < until {
            rng.fill_bytes(&mut pattern);
            reached += usize::from(reaches(&pattern));
            drawn += 1;
        }
        if p(reached, drawn) > permutations.settled {
            break;
        }
    }
    Ok(Randomization { p: p(reached, drawn), exact: false, differing })
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
        let test = randomization_test(&clusters(3), &[0.0; 3], &[1.0, 2.0, 4.0], Permutations::fixed(10), 0)
            .expect("valid");
        assert_eq!(test, Randomization { p: 0.25, exact: true, differing: 3 });
        // Differences 1, 1, -1 (sum 1): every pattern sums to an odd number, so all reach 1.
        let test =
            randomization_test(&clusters(3), &[0.0, 0.0, 1.0], &[1.0, 1.0, 0.0], Permutations::fixed(10), 0)
                .expect("valid");
        assert_eq!(test.p, 1.0);
        // Differences 3, 1, 1, -1 (sum 4): |sum| >= 4 needs, with 3 positive, at least two of the
        // three ones positive (3 + 1 = 4 of 8), and the mirror image: 8 of 16.
        let test =
            randomization_test(&clusters(4), &[0.0; 4], &[3.0, 1.0, 1.0, -1.0], Permutations::fixed(10), 0)
                .expect("valid");
        assert_eq!(test.p, 0.5);
    }

    #[test]
    fn equal_systems_have_p_one() {
        let test = randomization_test(&clusters(40), &[0.3; 40], &[0.3; 40], Permutations::fixed(10), 0)
            .expect("valid");
        assert_eq!(test, Randomization { p: 1.0, exact: true, differing: 0 });
    }

    #[test]
    fn rounding_does_not_hide_equal_sums() {
        // 0.1 + 0.2 != 0.3 in floating point; all signs equal or all flipped: p = 2 / 8.
        let test = randomization_test(&clusters(3), &[0.0; 3], &[0.1, 0.2, 0.3], Permutations::fixed(10), 0)
            .expect("valid");
        assert_eq!(test.p, 0.25);
    }

    #[test]
    fn drawn_p_is_near_the_exact_one_and_never_zero() {
        // Square roots with mixed signs: no two patterns tie.
        let small: Vec<f64> =
            (1..=12).map(|i| f64::from(i).sqrt() * if i % 3 == 0 { -1.0 } else { 1.0 }).collect();
        let exact = randomization_test(&clusters(12), &[0.0; 12], &small, Permutations::fixed(10), 0)
            .expect("valid")
            .p;
        // Five more clusters that hardly differ push the test over the limit of enumeration.
        let mut large = small;
        large.extend([1e-9; 5]);
        let drawn = randomization_test(&clusters(17), &[0.0; 17], &large, Permutations::fixed(20_000), 3)
            .expect("valid");
        assert!(!drawn.exact && (drawn.p - exact).abs() < 0.01, "{} {exact}", drawn.p);

        let apart = randomization_test(&clusters(60), &[0.0; 60], &[1.0; 60], Permutations::fixed(999), 3)
            .expect("valid");
        assert_eq!(apart.p, 1.0 / 1000.0);
    }

    #[test]
    fn rows_of_one_query_flip_together() {
        // Two rows per query: as clusters there are 2 patterns of 4 that reach the observed sum;
        // as independent rows there would be 2 of 16.
        let clusters = Clusters::of(&["a", "b", "a", "b"]).expect("not empty");
        let test =
            randomization_test(&clusters, &[0.0; 4], &[1.0; 4], Permutations::fixed(10), 0).expect("valid");
        assert_eq!(test.p, 0.5);
    }

    #[test]
    fn a_large_family_draws_more_patterns_only_where_they_count() {
        assert_eq!(Permutations::for_family(10_000, 100, 0.05).most, 10_000);
        let family = Permutations::for_family(1_000, 1_000, 0.05);
        assert_eq!(family, Permutations { first: 1_000, most: 100_000, settled: 0.1 });
        let test = |head: &[f64; 60]| randomization_test(&clusters(60), &[0.0; 60], head, family, 3);
        // No drawn pattern reaches sixty differences of one sign.
        assert_eq!(test(&[1.0; 60]).expect("valid").p, 1.0 / 100_001.0);
        // A difference of nearly nothing: the first 1,000 are enough.
        let signs = std::array::from_fn(|i| if i % 2 == 0 { 1.0 } else { -0.999 });
        let p = test(&signs).expect("valid").p;
        assert!((p * 1_001.0 - (p * 1_001.0).round()).abs() < 1e-9 && p > 0.1, "{p}");
    }

    #[test]
    fn bad_input_is_an_error() {
        let clusters = clusters(2);
        assert_eq!(
            randomization_test(&clusters, &[0.0; 2], &[0.0; 2], Permutations::fixed(0), 0),
            Err(StatsError::NoDraws)
        );
        assert!(randomization_test(&clusters, &[0.0; 3], &[0.0; 2], Permutations::fixed(1), 0).is_err());
        assert!(randomization_test(&clusters, &[f64::NAN; 2], &[0.0; 2], Permutations::fixed(1), 0).is_err());
    }
}
