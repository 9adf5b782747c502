//! Datasets whose size is known: what a pool has to hold, what a query has to find.

/// Sizes of a parallel retrieval dataset in each of its languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownDataset {
    /// The name, without case and punctuation.
    pub name: &'static str,
    /// Questions, each with one relevant document.
    pub queries: u64,
    /// Distinct documents.
    pub documents: u64,
}

impl KnownDataset {
    /// Documents in a pool of `languages`, each distinct document once.
    #[must_use]
    pub fn unique(&self, languages: u64) -> u64 {
        self.documents * languages
    }

    /// Documents in a pool of `languages`, a copy for each question.
    #[must_use]
    pub fn per_question(&self, languages: u64) -> u64 {
        self.queries * languages
    }
}

const KNOWN: [KnownDataset; 3] = [
    // Artetxe et al. 2020.
    KnownDataset { name: "xquad", queries: 1190, documents: 240 },
    // Bandarkar et al. 2023.
    KnownDataset { name: "belebele", queries: 900, documents: 488 },
    // datasets/kdc-parallel.toml
    KnownDataset { name: "kdcparallel", queries: 100, documents: 200 },
];

/// The dataset of this name, whatever its case and punctuation and whether a task's name
/// (`XQuADRetrieval`) or its own.
#[must_use]
pub fn known_dataset(name: &str) -> Option<&'static KnownDataset> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let plain = plain.strip_suffix("retrieval").unwrap_or(&plain);
    KNOWN.iter().find(|known| known.name == plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tasks_and_datasets_are_found() {
        for name in ["xquad", "XQuAD", "XQuADRetrieval"] {
            assert_eq!(known_dataset(name).map(|d| d.queries), Some(1190), "{name}");
        }
        assert_eq!(known_dataset("kdc-parallel").map(|d| d.per_question(2)), Some(200));
        assert_eq!(known_dataset("belebele").map(|d| d.unique(2)), Some(976));
        assert!(known_dataset("xquad-r").is_none() && known_dataset("").is_none());
    }
}
