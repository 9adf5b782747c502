//! The data room from outside, one module per promise:
//!
//! - `formats`: every layout gives the collection that its files say, on small made files;
//! - `broken`: every way to be wrong gives one message with a place and a remedy, word for word;
//! - `entries`: manifests, entries and templates, and how they are refused;
//! - `hashes`: the same content has the same hash in any layout, other content another;
//! - `mutations`: no truncation or damage of a file ever panics (properties);
//! - `bundled`: the manifests in `datasets/`;
//! - `real`: public datasets in `../shared/data`, where they are there.

mod broken;
mod bundled;
mod entries;
mod folder;
mod formats;
mod hashes;
mod mutations;
mod real;
