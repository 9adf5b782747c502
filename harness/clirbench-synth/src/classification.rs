//! The Korean Decimal Classification: 10 main classes, their divisions, and what each is about.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

/// A main class or a division.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Its name, in English.
    pub name: String,
    /// What stands there, in our own words.
    pub about: String,
}

/// The classification (KDC, 6th edition).
///
/// Its third level, the sections, is not in the table: in its place a model names narrower
/// subjects of a division (subcategories).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classification {
    /// By digit, `0` to `9`.
    pub classes: BTreeMap<String, Subject>,
    /// By code of three digits, `000` to `990`; those that the edition leaves unassigned are absent.
    pub divisions: BTreeMap<String, Subject>,
}

impl Classification {
    /// The table that the program carries.
    #[must_use]
    pub fn kdc() -> &'static Classification {
        static KDC: LazyLock<Classification> =
            LazyLock::new(|| toml::from_str(include_str!("kdc.toml")).expect("a test reads this table"));
        &KDC
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_division_belongs_to_a_class_and_three_are_unassigned() {
        let kdc = Classification::kdc();
        assert_eq!(kdc.classes.keys().map(String::as_str).collect::<String>(), "0123456789");
        let all: Vec<String> = (0..100).map(|n| format!("{n:02}0")).collect();
        let absent: Vec<&String> = all.iter().filter(|code| !kdc.divisions.contains_key(*code)).collect();
        assert_eq!(absent, ["260", "610", "970"]);
        assert_eq!(kdc.divisions.len(), 97);
        assert!(kdc.divisions.keys().all(|code| all.contains(code)));
    }

    #[test]
    fn no_two_subjects_are_described_alike() {
        let kdc = Classification::kdc();
        let abouts: std::collections::BTreeSet<&str> =
            kdc.classes.values().chain(kdc.divisions.values()).map(|s| s.about.as_str()).collect();
        assert_eq!(abouts.len(), 107);
        assert!(abouts.iter().all(|about| about.len() > 20 && !about.ends_with('.')));
    }
}
