//! Which pools: pairs of languages, pairs less the query's own document, or n languages.

use std::fmt;

use clirbench_plugin::{Error, Result};

const PAIR: [&str; 7] =
    ["complete@10", "max@r", "max@r_norm", "max@r_norm_of_mean", "ndcg@10", "mrr", "recall@10"];
const PAIR_LESS_ONE: [&str; 7] =
    ["ndcg@1", "ndcg@10", "mrr", "complete@10", "recall@10", "max@r", "max@r_norm_of_mean"];
/// `map` is LAReQA's measure of a pool in all languages (Roy et al. 2020).
const MANY: [&str; 8] =
    ["complete@10", "max@r", "max@r_norm", "max@r_norm_of_mean", "ndcg@10", "mrr", "recall@10", "map"];

/// Fewest languages of a `pool-n`: with two it would be `multi`.
const FEWEST: usize = 3;

/// A kind of mixed pool; prints as the scenario's name in `scores.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Two languages.
    Multi,
    /// Two languages, less the query's own document in its own language.
    Multi1,
    /// This many languages, three or more.
    Pool(usize),
    /// All chosen languages, three or more.
    PoolAll,
}

impl Kind {
    /// Reads a scenario name: `multi`, `multi-1`, `pool-3` and up, `pool-all`, or `pool-n` with `n`.
    pub fn parse(name: &str, n: Option<usize>) -> Result<Self> {
        match (name, name.strip_prefix("pool-").and_then(|n| n.parse().ok())) {
            ("multi", _) => Ok(Self::Multi),
            ("multi-1", _) => Ok(Self::Multi1),
            ("pool-all", _) => Ok(Self::PoolAll),
            ("pool-n", _) => n.filter(|&n| n >= FEWEST).map(Self::Pool).ok_or_else(|| {
                Error::config("kind `pool-n` needs a number of languages, three or more")
                    .hint("set `n = 3`, or name the kind `pool-3`")
            }),
            (_, Some(n)) if n >= FEWEST => Ok(Self::Pool(n)),
            _ => Err(Error::config(format!("there is no kind `{name}` of mixed pool"))
                .hint("choose from multi, multi-1, pool-3 (or more), pool-all, pool-n")),
        }
    }

    /// Languages per pool where `languages` are chosen; 0 for no pool at all.
    pub(crate) fn pool_size(self, languages: usize) -> usize {
        match self {
            Self::Multi | Self::Multi1 => 2,
            Self::Pool(n) => n,
            Self::PoolAll if languages >= FEWEST => languages,
            Self::PoolAll => 0,
        }
    }

    pub(crate) fn metrics(self) -> &'static [&'static str] {
        match self {
            Self::Multi => &PAIR,
            Self::Multi1 => &PAIR_LESS_ONE,
            Self::Pool(_) | Self::PoolAll => &MANY,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Multi => f.write_str("multi"),
            Self::Multi1 => f.write_str("multi-1"),
            Self::Pool(n) => write!(f, "pool-{n}"),
            Self::PoolAll => f.write_str("pool-all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in ["multi", "multi-1", "pool-3", "pool-12", "pool-all"] {
            assert_eq!(Kind::parse(name, None).unwrap().to_string(), name);
        }
        assert_eq!(Kind::parse("pool-n", Some(4)).unwrap().to_string(), "pool-4");
    }

    #[test]
    fn other_names_are_refused_with_a_hint() {
        for (name, n) in
            [("pool-2", None), ("pool-n", None), ("pool-n", Some(2)), ("pool-", None), ("mono", None)]
        {
            let error = Kind::parse(name, n).unwrap_err();
            assert_eq!(error.kind, "config");
            assert!(error.hint.contains("pool-3"), "{name}: {}", error.hint);
        }
    }
}
