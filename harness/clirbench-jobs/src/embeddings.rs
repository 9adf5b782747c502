//! All committed vectors of a group, as one matrix that is read block by block.

use std::{io, ops::Range};

use clirbench_search::{Rows, normalise};
use clirbench_store::{Dtype, Key, Matrix, Object, Store};
use serde::{Deserialize, Serialize};

use crate::{
    arranged::stored,
    job::{Failure, embed_kind},
};

/// Identity of a text within a group: its BLAKE3 hash.
pub type TextId = [u8; 32];

/// The first half of an id. Two of 2^40 texts that share one would be a chance of 1 in 2^49.
type IdStart = [u8; 16];

fn start_of(id: &[u8]) -> Option<IdStart> {
    id.first_chunk().copied()
}

/// Hash of a text.
#[must_use]
pub fn text_id(text: &str) -> TextId {
    *blake3::hash(text.as_bytes()).as_bytes()
}

/// What a shard's manifest says about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShardMeta {
    /// Texts.
    pub rows: usize,
    /// Length of a row.
    pub dim: usize,
    /// Storage of the rows.
    pub dtype: Dtype,
    /// That encoding took.
    pub seconds: f64,
}

/// Tokens, unknown tokens and truncation of one text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextCounts {
    /// Tokens that the model saw.
    pub tokens: u32,
    /// Of those, unknown.
    pub unknown: u32,
    /// Whether the text was cut.
    pub truncated: bool,
}

/// Every committed text of a group.
#[derive(Debug, Default)]
pub struct Embeddings {
    shards: Vec<Matrix>,
    /// First global row of each shard, and the end.
    starts: Vec<usize>,
    /// Each text's row, sorted by the start of its id: 20 bytes a text, the only memory that grows
    /// with a pool apart from the pool itself.
    rows: Vec<(IdStart, u32)>,
    objects: Vec<Object>,
    dim: usize,
    seconds: f64,
}

impl Embeddings {
    /// Opens every shard of `group`; row numbers are the same whenever the same shards are there.
    ///
    /// # Errors
    /// When a shard is damaged.
    pub fn open(store: &Store, group: &Key) -> Result<Embeddings, Failure> {
        let objects = store.list(&embed_kind(group)).map_err(stored)?;
        let metas = objects.iter().map(shard_meta).collect::<Result<Vec<_>, _>>()?;
        let texts = metas.iter().map(|meta| meta.rows).sum();
        let mut all = Embeddings { starts: vec![0], rows: Vec::with_capacity(texts), ..Default::default() };
        for (object, meta) in objects.iter().zip(metas) {
            let start = *all.starts.last().expect("starts with 0");
            let ids = object.file("ids").map_err(stored)?;
            let starts = ids.chunks_exact(size_of::<TextId>()).filter_map(start_of);
            all.rows.extend(starts.zip(start as u32..));
            all.shards.push(object.matrix("rows", meta.rows, meta.dim, meta.dtype).map_err(stored)?);
            all.starts.push(start + meta.rows);
            all.dim = meta.dim;
            all.seconds += meta.seconds;
        }
        all.rows.sort_unstable();
        all.rows.dedup_by_key(|(id, _)| *id);
        all.objects = objects;
        Ok(all)
    }

    /// Global row of a text.
    #[must_use]
    pub fn row(&self, id: &TextId) -> Option<u32> {
        let start = start_of(id)?;
        let at = self.rows.binary_search_by(|(other, _)| other.cmp(&start)).ok()?;
        Some(self.rows[at].1)
    }

    /// What happened to each row's text on its way in; read anew, since only `run.json` wants it.
    ///
    /// # Errors
    /// When a shard is damaged.
    pub fn counts(&self) -> Result<Vec<TextCounts>, Failure> {
        let mut counts = Vec::with_capacity(*self.starts.last().expect("starts with 0"));
        for object in &self.objects {
            let stats = object.file("stats").map_err(stored)?;
            counts.extend(stats.chunks_exact(9).map(|c| TextCounts {
                tokens: u32::from_le_bytes([c[0], c[1], c[2], c[3]]),
                unknown: u32::from_le_bytes([c[4], c[5], c[6], c[7]]),
                truncated: c[8] != 0,
            }));
        }
        Ok(counts)
    }

    /// Seconds that encoding took, summed over shards.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// The rows, scaled to unit length where `normalise`.
    #[must_use]
    pub fn rows(&self, normalise: bool) -> EmbeddingRows<'_> {
        EmbeddingRows { all: self, normalise }
    }
}

fn shard_meta(object: &Object) -> Result<ShardMeta, Failure> {
    serde_json::from_value(object.meta().clone()).map_err(|e| {
        Failure::new(
            format!("{} has an unreadable manifest: {e}", object.folder().display()),
            "run `clirbench cache verify --repair`",
        )
    })
}

/// [`Embeddings`] for a search.
#[derive(Debug)]
pub struct EmbeddingRows<'a> {
    all: &'a Embeddings,
    normalise: bool,
}

impl Rows for EmbeddingRows<'_> {
    fn len(&self) -> usize {
        *self.all.starts.last().expect("starts with 0")
    }

    fn dim(&self) -> usize {
        self.all.dim
    }

    fn read(&self, rows: Range<usize>, out: &mut [f32]) -> io::Result<()> {
        let dim = self.all.dim;
        let (mut at, mut out_row) = (rows.start, 0);
        while at < rows.end {
            let shard = self.all.starts.partition_point(|&start| start <= at) - 1;
            let start = self.all.starts[shard];
            let end = rows.end.min(self.all.starts[shard + 1]);
            let part = &mut out[out_row * dim..(out_row + end - at) * dim];
            self.all.shards[shard].read(at - start..end - start, part);
            out_row += end - at;
            at = end;
        }
        if self.normalise {
            out.chunks_exact_mut(dim).for_each(normalise);
        }
        Ok(())
    }
}

/// The files of a shard: ids, then statistics, in row order.
pub fn shard_files(texts: &[String], counts: &[TextCounts]) -> (Vec<u8>, Vec<u8>) {
    let ids = texts.iter().flat_map(|t| text_id(t)).collect();
    let stats = counts
        .iter()
        .flat_map(|c| {
            let mut bytes = [0; 9];
            bytes[..4].copy_from_slice(&c.tokens.to_le_bytes());
            bytes[4..8].copy_from_slice(&c.unknown.to_le_bytes());
            bytes[8] = u8::from(c.truncated);
            bytes
        })
        .collect();
    (ids, stats)
}
