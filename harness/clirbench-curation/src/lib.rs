//! What is done to training data before a training: everything here takes rows and gives rows.
//!
//! - [`Composition`]: parallel triples in the language compositions of Jang et al. 2025.
//! - [`Deduplicator`]: near duplicates by MinHash and locality-sensitive hashing.
//! - [`mining`]: hard negatives by exact search, as in Jang et al. 2025 and sentence-transformers.
//! - [`Partition`]: parts by a seeded hash of the id, near duplicates together.
//! - [`LeakIndex`]: texts of evaluation sets, found again in training data.
//! - [`mining`]: hard negatives by exact search.
//! - [`pairs`]: word-, phrase- and query-document-level pairs as in Goworek et al. 2025.
//!
//! ```
//! use clirbench_curation::{Bands, Fingerprints, NearIndex, Shingles};
//!
//! let prints = Fingerprints::new(Shingles::CHARS_5, 128, Bands { bands: 14, rows: 9 }, 42);
//! let mut seen = NearIndex::new(prints, 0.8);
//! seen.insert(seen.fingerprint("The court dismissed the appeal on Monday morning."));
//! let again = seen.fingerprint("The court dismissed  the appeal on Monday morning");
//! assert_eq!(seen.nearest(&again).map(|near| near.item), Some(0));
//! ```

mod alignment;
mod bands;
mod composition;
mod dedup;
mod draw;
mod leaks;
mod minhash;
pub mod mining;
mod near;
mod normal;
mod overlap;
pub mod pairs;
mod partition;
mod shingles;

pub use alignment::{Lexicon, Model1, SentencePair, TranslationTable};
pub use bands::Bands;
pub use composition::{Composition, MissingLanguage};
pub use dedup::{Deduplicator, Dropped, Field};
pub use leaks::{EvaluationText, Leak, LeakIndex, LeakKind, LeakOptions, Role, same_language};
pub use minhash::MinHash;
pub use near::{Fingerprint, Fingerprints, Near, NearIndex};
pub use partition::{Partition, near_duplicate_groups};
pub use shingles::{ShingleKind, ShingleSet, Shingles};
