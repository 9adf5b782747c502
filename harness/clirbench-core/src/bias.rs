//! Language bias: which languages a model prefers when the pool mixes them.
//!
//! Everything is counted from two things per query: the languages of its first k documents, and
//! the ranks of its relevant documents with their languages. The statistics fill
//! [`crate::results::BiasRow`]; [`Statistic::language`] is empty where one speaks of the whole cell.
//!
//! ```
//! use clirbench_core::bias::{MixedCell, QueryHits};
//!
//! let cell = MixedCell {
//!     languages: &["en", "ko"],
//!     pool: &[(0, 50), (1, 50)],
//!     query_lang: 0,
//!     queries: &[
//!         QueryHits { top: &[0, 0, 0, 1], relevant: &[(0, 1), (1, 4)] },
//!         QueryHits { top: &[1, 0, 0, 0], relevant: &[(0, 2), (1, 1)] },
//!     ],
//! };
//! let find = |name, language| {
//!     cell.statistics(4).into_iter().find(|s| s.statistic == name && s.language == language).map(|s| s.value)
//! };
//! assert_eq!(find("top4_share", "en"), Some(0.75));
//! assert_eq!(find("top4_over_share", "en"), Some(1.5)); // half of the pool is English
//! assert_eq!(find("first_in_query_lang", ""), Some(0.5));
//! assert_eq!(find("rank_gap", "ko"), Some(-1.0)); // English is 3 ahead, then 1 behind
//! ```

/// One query's part: languages are indices into [`MixedCell::languages`].
#[derive(Clone, Copy, Debug)]
pub struct QueryHits<'a> {
    /// Language of each retrieved document, best first.
    pub top: &'a [u32],
    /// Language and rank (from 1) of each relevant document.
    pub relevant: &'a [(u32, u32)],
}

/// The queries of one language over a pool of several.
#[derive(Clone, Copy, Debug)]
pub struct MixedCell<'a, L> {
    /// Language codes of the dataset.
    pub languages: &'a [L],
    /// Languages of the pool with their number of documents, in the pool's order.
    pub pool: &'a [(u32, u32)],
    /// Language of the queries.
    pub query_lang: u32,
    /// One entry per query that has a relevant document.
    pub queries: &'a [QueryHits<'a>],
}

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistic {
    /// Its name.
    pub statistic: String,
    /// The language it is about; empty when about the whole cell.
    pub language: String,
    /// Its value.
    pub value: f64,
    /// Queries behind it.
    pub queries: u32,
}

impl<L: AsRef<str>> MixedCell<'_, L> {
    /// Every statistic of the cell that has a query behind it, in a fixed order. `k` is the cutoff.
    ///
    /// | statistic | per | meaning |
    /// |---|---|---|
    /// | `pool_share` | language | share of the pool's documents |
    /// | `topK_share` | language | share of the first K, mean over queries |
    /// | `topK_over_share` | language | `topK_share / pool_share`: 1 is no preference |
    /// | `first_in_query_lang` | cell | share of queries whose first document is in their language; only where the pool holds it |
    /// | `foreign_topK_share` | language | `topK_share` of the queries that have no relevant document in their own language |
    /// | `rank_gap` | other language | rank of the English relevant document minus that of the other language's (the first of each), mean over queries: negative means that English is ahead. Without English in the pool its first language takes that part |
    #[must_use]
    pub fn statistics(&self, k: usize) -> Vec<Statistic> {
        let mut out = Vec::new();
        let documents: u64 = self.pool.iter().map(|&(_, n)| u64::from(n)).sum();
        let shares = self.top_shares(k, |_| true);
        for (i, &(language, in_pool)) in self.pool.iter().enumerate() {
            let pool_share = f64::from(in_pool) / documents as f64;
            let top_share = shares.means[i];
            self.push(&mut out, "pool_share".into(), Some(language), pool_share, shares.queries);
            self.push(&mut out, format!("top{k}_share"), Some(language), top_share, shares.queries);
            let ratio = top_share / pool_share;
            self.push(&mut out, format!("top{k}_over_share"), Some(language), ratio, shares.queries);
        }
        self.push_first_in_query_lang(&mut out);
        let foreign = self.top_shares(k, |q| q.relevant.iter().all(|&(l, _)| l != self.query_lang));
        for (&(language, _), &share) in self.pool.iter().zip(&foreign.means) {
            self.push(&mut out, format!("foreign_top{k}_share"), Some(language), share, foreign.queries);
        }
        self.push_rank_gaps(&mut out);
        out
    }

    /// Mean over queries of each pool language's share of the first `k` documents.
    fn top_shares(&self, k: usize, counts: impl Fn(&QueryHits<'_>) -> bool) -> Shares {
        let mut sums = vec![0.0; self.pool.len()];
        let mut queries = 0;
        for query in self.queries.iter().filter(|q| !q.top.is_empty() && counts(q)) {
            let top = &query.top[..k.min(query.top.len())];
            for (sum, &(language, _)) in sums.iter_mut().zip(self.pool) {
                *sum += top.iter().filter(|&&l| l == language).count() as f64 / top.len() as f64;
            }
            queries += 1;
        }
        Shares { means: sums.into_iter().map(|sum| sum / f64::from(queries)).collect(), queries }
    }

    fn push_first_in_query_lang(&self, out: &mut Vec<Statistic>) {
        if self.pool.iter().all(|&(language, _)| language != self.query_lang) {
            return;
        }
        let first: Vec<u32> = self.queries.iter().filter_map(|q| q.top.first().copied()).collect();
        let own = first.iter().filter(|&&language| language == self.query_lang).count();
        let share = own as f64 / first.len() as f64;
        self.push(out, "first_in_query_lang".into(), None, share, first.len() as u32);
    }

    fn push_rank_gaps(&self, out: &mut Vec<Statistic>) {
        let languages = || self.pool.iter().map(|&(language, _)| language);
        let english = languages().find(|&l| is_english(&self.code(l)));
        let Some(reference) = english.or_else(|| languages().next()) else { return };
        for other in languages().filter(|&l| l != reference) {
            let best = |q: &QueryHits<'_>, language| {
                q.relevant.iter().filter(|&&(l, _)| l == language).map(|&(_, rank)| rank).min()
            };
            let gap = |q: &QueryHits<'_>| Some(f64::from(best(q, reference)?) - f64::from(best(q, other)?));
            let gaps: Vec<f64> = self.queries.iter().filter_map(gap).collect();
            let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
            self.push(out, "rank_gap".into(), Some(other), mean, gaps.len() as u32);
        }
    }

    /// Leaves out what has no query, or no document in the pool, behind it.
    fn push(&self, out: &mut Vec<Statistic>, name: String, language: Option<u32>, value: f64, queries: u32) {
        if queries > 0 && value.is_finite() {
            let language = language.map_or_else(String::new, |l| self.code(l));
            out.push(Statistic { statistic: name, language, value, queries });
        }
    }

    fn code(&self, language: u32) -> String {
        self.languages
            .get(language as usize)
            .map_or_else(|| format!("#{language}"), |l| l.as_ref().to_owned())
    }
}

struct Shares {
    /// Parallel to the pool's languages.
    means: Vec<f64>,
    queries: u32,
}

/// `en`, `eng`, with or without a region or script: `en-GB`, `eng_Latn`.
fn is_english(code: &str) -> bool {
    let language = code.split(['-', '_']).next().unwrap_or_default();
    ["en", "eng"].iter().any(|english| language.eq_ignore_ascii_case(english))
}

/// A cell's number, to compare with those of other query languages on the same pool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueryLangScore<'a> {
    /// Language of the queries.
    pub query_lang: &'a str,
    /// The metric's number.
    pub value: f64,
    /// Queries behind it.
    pub queries: u32,
}

/// A statistic that compares query languages.
#[derive(Clone, Debug, PartialEq)]
pub struct Disparity {
    /// The query languages compared, joined by `-`.
    pub query_lang: String,
    /// `disparity:METRIC` or `gap:METRIC`; about the whole cell.
    pub statistic: Statistic,
}

/// How far query languages are apart on one pool, in the metric's unit (Hong et al. 2026, figure
/// 2): first `disparity:METRIC`, the largest number minus the smallest; then for each pair in the
/// given order `gap:METRIC`, the first minus the second, signed. `queries` is the smallest count
/// behind it. Empty with fewer than two languages.
#[must_use]
pub fn disparities(metric: &str, scores: &[QueryLangScore<'_>]) -> Vec<Disparity> {
    if scores.len() < 2 {
        return Vec::new();
    }
    let row = |name: &str, of: &[QueryLangScore<'_>], value: f64| Disparity {
        query_lang: of.iter().map(|s| s.query_lang).collect::<Vec<_>>().join("-"),
        statistic: Statistic {
            statistic: format!("{name}:{metric}"),
            language: String::new(),
            value,
            queries: of.iter().map(|s| s.queries).min().unwrap_or_default(),
        },
    };
    let max = scores.iter().map(|s| s.value).fold(f64::NEG_INFINITY, f64::max);
    let min = scores.iter().map(|s| s.value).fold(f64::INFINITY, f64::min);
    let mut out = vec![row("disparity", scores, max - min)];
    for (i, &first) in scores.iter().enumerate() {
        for &second in &scores[i + 1..] {
            out.push(row("gap", &[first, second], first.value - second.value));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three languages, six documents: en 3, ko 2, zh 1.
    fn cell<'a>(query_lang: u32, queries: &'a [QueryHits<'a>]) -> MixedCell<'a, &'a str> {
        MixedCell {
            languages: &["ko", "en-GB", "de", "zh"],
            pool: &[(0, 2), (1, 3), (3, 1)],
            query_lang,
            queries,
        }
    }

    fn value(statistics: &[Statistic], name: &str, language: &str) -> Option<(f64, u32)> {
        let found = statistics.iter().find(|s| s.statistic == name && s.language == language);
        found.map(|s| (s.value, s.queries))
    }

    #[test]
    fn shares_by_hand() {
        // Top 2 of the first query: ko, ko; of the second: en, ko (its third hit is cut off).
        let queries = [
            QueryHits { top: &[0, 0], relevant: &[(0, 1)] },
            QueryHits { top: &[1, 0, 3], relevant: &[(1, 1)] },
        ];
        let s = cell(0, &queries).statistics(2);
        assert_eq!(value(&s, "pool_share", "en-GB"), Some((0.5, 2)));
        assert_eq!(value(&s, "top2_share", "ko"), Some((0.75, 2)));
        assert_eq!(value(&s, "top2_share", "zh"), Some((0.0, 2)));
        let over = value(&s, "top2_over_share", "ko").expect("present").0;
        assert!((over - 0.75 / (2.0 / 6.0)).abs() < 1e-15);
        assert_eq!(value(&s, "first_in_query_lang", ""), Some((0.5, 2)));
        // Only the second query has nothing relevant in Korean.
        assert_eq!(value(&s, "foreign_top2_share", "en-GB"), Some((0.5, 1)));
        assert_eq!(value(&s, "foreign_top2_share", "ko"), Some((0.5, 1)));
    }

    #[test]
    fn rank_gap_is_english_minus_other() {
        let queries = [
            // Two Korean copies: the first counts. 1 - 5 = -4; zh is missing.
            QueryHits { top: &[1], relevant: &[(1, 1), (0, 9), (0, 5)] },
            QueryHits { top: &[1], relevant: &[(1, 3), (0, 1), (3, 2)] },
        ];
        let s = cell(1, &queries).statistics(10);
        assert_eq!(value(&s, "rank_gap", "ko"), Some((-1.0, 2)));
        assert_eq!(value(&s, "rank_gap", "zh"), Some((1.0, 1)));
        assert_eq!(value(&s, "rank_gap", "en-GB"), None);
    }

    #[test]
    fn without_english_the_first_language_of_the_pool_is_the_reference() {
        let queries = [QueryHits { top: &[], relevant: &[(2, 4), (0, 1)] }];
        let cell = MixedCell {
            languages: &["ko", "en", "de"],
            pool: &[(0, 1), (2, 1)],
            query_lang: 2,
            queries: &queries,
        };
        let s = cell.statistics(10);
        assert_eq!(value(&s, "rank_gap", "de"), Some((-3.0, 1)));
        // Nothing was retrieved, so nothing is said about the top.
        assert!(s.iter().all(|s| s.statistic == "rank_gap"), "{s:?}");
    }

    #[test]
    fn a_query_language_outside_the_pool_cannot_come_first() {
        let queries = [QueryHits { top: &[1, 1], relevant: &[(1, 1)] }];
        let s = cell(2, &queries).statistics(2);
        assert_eq!(value(&s, "first_in_query_lang", ""), None);
        assert_eq!(value(&s, "foreign_top2_share", "en-GB"), Some((1.0, 1)));
    }

    #[test]
    fn an_empty_cell_has_no_statistics() {
        assert!(cell(0, &[]).statistics(10).is_empty());
    }

    #[test]
    fn english_by_any_code() {
        assert!(["en", "eng", "EN", "en-US", "eng_Latn"].iter().all(|c| is_english(c)));
        assert!(!["enm", "de", "", "fr-en"].iter().any(|c| is_english(c)));
    }

    #[test]
    fn disparities_by_hand() {
        let score = |query_lang, value, queries| QueryLangScore { query_lang, value, queries };
        let rows = disparities("mrr", &[score("en", 0.75, 10), score("ko", 0.25, 9), score("zh", 0.5, 10)]);
        let flat: Vec<_> = rows
            .iter()
            .map(|d| {
                (
                    d.query_lang.as_str(),
                    d.statistic.statistic.as_str(),
                    d.statistic.value,
                    d.statistic.queries,
                )
            })
            .collect();
        let expected = [
            ("en-ko-zh", "disparity:mrr", 0.5, 9),
            ("en-ko", "gap:mrr", 0.5, 9),
            ("en-zh", "gap:mrr", 0.25, 10),
            ("ko-zh", "gap:mrr", -0.25, 9),
        ];
        assert_eq!(flat, expected);
        assert!(disparities("mrr", &[score("en", 0.75, 10)]).is_empty());
    }
}
