//! Which categories are drawn, level by level, and in which manner each triple is written.
//!
//! Every draw depends on the seed and its own number alone, so the first draws of a larger recipe
//! are those of a smaller one.

use std::collections::BTreeMap;

use clirbench_store::Key;
use serde::{Deserialize, Serialize};

use crate::{classification::Classification, recipe::SamplingSpec};

/// A level of the classification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A main class: the first digit.
    Class,
    /// A division: the second.
    Division,
    /// A narrower subject of a division, in place of the third digit.
    Subcategory,
}

impl Level {
    /// From broad to narrow.
    pub const ALL: [Level; 3] = [Level::Class, Level::Division, Level::Subcategory];
}

/// A category that is drawn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Category {
    /// Its level.
    pub level: Level,
    /// A digit, or the three digits of a division.
    pub code: String,
    /// Which of the division's narrower subjects, from 0; 0 at other levels.
    pub subcategory: usize,
}

impl Category {
    /// `3`, `320`, or `320.04` for the fourth narrower subject of 320.
    #[must_use]
    pub fn label(&self) -> String {
        match self.level {
            Level::Subcategory => format!("{}.{:02}", self.code, self.subcategory + 1),
            _ => self.code.clone(),
        }
    }
}

/// A category, and how often it was drawn before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    /// What is drawn.
    pub category: Category,
    /// 0 the first time.
    pub round: usize,
}

/// A number that depends on the seed and on what it is for.
pub(crate) fn number(seed: u64, what: &str) -> u64 {
    let digits = Key::of_bytes(format!("{seed}/{what}").as_bytes());
    u64::from_str_radix(&digits.as_str()[..16], 16).expect("a key is hexadecimal digits")
}

/// The codes in an order that depends on seed and pass.
fn shuffled<'a>(codes: &[&'a str], seed: u64, pass: usize) -> Vec<&'a str> {
    let mut codes = codes.to_vec();
    codes.sort_by_key(|code| (number(seed, &format!("category/{pass}/{code}")), *code));
    codes
}

/// The first `count` draws.
///
/// Levels take turns as their weights say. Within a level every category is drawn once before any
/// is drawn again; the narrower subjects of a division come one after the other.
pub(crate) fn draws(sampling: &SamplingSpec, seed: u64, count: usize) -> Vec<Draw> {
    let kdc = Classification::kdc();
    let wanted =
        |code: &&str| sampling.classes.is_empty() || sampling.classes.iter().any(|c| code.starts_with(c));
    let classes: Vec<&str> = kdc.classes.keys().map(String::as_str).filter(wanted).collect();
    let divisions: Vec<&str> = kdc.divisions.keys().map(String::as_str).filter(wanted).collect();
    let mut taken: BTreeMap<Level, usize> = BTreeMap::new();
    let mut orders: BTreeMap<(Level, usize), Vec<&str>> = BTreeMap::new();
    let mut draws = Vec::with_capacity(count);
    for _ in 0..count {
        let level = due(&sampling.levels, &taken);
        let drawn = taken.entry(level).or_default();
        let codes = if level == Level::Class { &classes } else { &divisions };
        let pass = *drawn / codes.len();
        let order = orders
            .entry((level, pass))
            .or_insert_with(|| shuffled(codes, number(seed, &format!("level/{level:?}")), pass));
        let code = order[*drawn % codes.len()].to_owned();
        *drawn += 1;
        let (subcategory, round) = match level {
            Level::Subcategory => (pass % sampling.subcategories, pass / sampling.subcategories),
            _ => (0, pass),
        };
        draws.push(Draw { category: Category { level, code, subcategory }, round });
    }
    draws
}

/// The level that is furthest behind its share; the broader one where two are.
fn due(weights: &BTreeMap<Level, u32>, taken: &BTreeMap<Level, usize>) -> Level {
    let behind = |level: Level, weight: u32| {
        (taken.get(&level).copied().unwrap_or_default() as f64 + 1.0) / f64::from(weight)
    };
    let present = weights.iter().filter(|(_, weight)| **weight > 0);
    let due = present.map(|(level, weight)| (behind(*level, *weight), *level));
    due.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).map_or(Level::Class, |(_, level)| level)
}

/// In which manner a triple is written; as Wang et al. 2024 (arXiv:2401.00368) vary query and
/// passage, so that triples of one task differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Manner {
    /// What a query looks like.
    pub form: &'static str,
    /// How common what it asks for is.
    pub rarity: &'static str,
    /// Words of a passage, in English.
    pub words: u32,
    /// For whom passages are written.
    pub reader: &'static str,
}

const FORMS: [&str; 3] =
    ["a complete question", "a few keywords without a sentence", "a sentence that states what is needed"];
const RARITIES: [&str; 3] =
    ["something that many people look for", "a particular detail", "something that few people know about"];
pub(crate) const WORDS: [u32; 3] = [50, 90, 150];
const READERS: [&str; 3] = ["a general reader", "a student of the subject", "a specialist"];

impl Manner {
    /// The manner of a triple.
    pub(crate) fn of(seed: u64, triple: &str) -> Manner {
        let pick = |what: &str| (number(seed, &format!("{what}/{triple}")) % 3) as usize;
        Manner {
            form: FORMS[pick("form")],
            rarity: RARITIES[pick("rarity")],
            words: WORDS[pick("words")],
            reader: READERS[pick("reader")],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn sampling(levels: [u32; 3]) -> SamplingSpec {
        let levels = Level::ALL.into_iter().zip(levels).collect();
        SamplingSpec { levels, subcategories: 3, ..SamplingSpec::default() }
    }

    #[test]
    fn levels_come_as_their_weights_say() {
        let draws = draws(&sampling([1, 3, 6]), 1, 1000);
        let of = |level| draws.iter().filter(|d| d.category.level == level).count();
        assert_eq!(Level::ALL.map(of), [100, 300, 600]);
        assert!(super::draws(&sampling([0, 1, 0]), 1, 9).iter().all(|d| d.category.level == Level::Division));
    }

    #[test]
    fn every_category_is_drawn_before_any_is_drawn_again() {
        let all = draws(&sampling([0, 0, 1]), 7, 97 * 4);
        for (pass, draws) in all.chunks(97).enumerate() {
            let codes: BTreeSet<_> = draws.iter().map(|d| d.category.code.as_str()).collect();
            assert_eq!(codes.len(), 97);
            assert!(draws.iter().all(|d| (d.category.subcategory, d.round) == (pass % 3, pass / 3)));
        }
        assert_ne!(all[0].category.code, all[97].category.code);
        assert_eq!(all[98].category.label(), format!("{}.02", all[98].category.code));
    }

    #[test]
    fn a_larger_recipe_goes_on_where_a_smaller_one_ends() {
        let spec = sampling([1, 2, 3]);
        let many = draws(&spec, 5, 500);
        assert_eq!(draws(&spec, 5, 120), many[..120]);
        assert_ne!(draws(&spec, 6, 120), many[..120]);
    }

    #[test]
    fn only_named_classes_are_drawn() {
        let spec = SamplingSpec { classes: vec!["4".to_owned()], ..sampling([1, 1, 1]) };
        assert!(draws(&spec, 1, 60).iter().all(|d| d.category.code.starts_with('4')));
    }

    #[test]
    fn manners_vary_from_triple_to_triple() {
        let manners: BTreeSet<String> =
            (0..100).map(|n| format!("{:?}", Manner::of(1, &format!("kdc-320-{n}")))).collect();
        assert!(manners.len() > 40, "{}", manners.len());
        assert_eq!(Manner::of(1, "a"), Manner::of(1, "a"));
    }
}
