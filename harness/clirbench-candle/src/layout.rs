//! Where the texts of a batch lie among its tokens.

use std::ops::Range;

use crate::Batch;

/// Places of texts and tokens, made once per forward pass.
#[derive(Debug)]
pub(crate) struct Layout {
    /// First token of each text, and the number of tokens behind the last.
    offsets: Vec<usize>,
    /// The table rows that the batch uses, ascending.
    pub(crate) unique_ids: Vec<u32>,
    /// For each token: its row among `unique_ids`.
    pub(crate) rows: Vec<u32>,
    /// Segment of each token; empty for all 0.
    pub(crate) types: Vec<u32>,
}

impl Layout {
    pub(crate) fn new(batch: &Batch) -> Self {
        let mut offsets = Vec::with_capacity(batch.lengths.len() + 1);
        offsets.push(0);
        let mut end = 0;
        offsets.extend(batch.lengths.iter().map(|length| {
            end += length;
            end
        }));
        let mut unique_ids = batch.ids.clone();
        unique_ids.sort_unstable();
        unique_ids.dedup();
        let row = |id: &u32| unique_ids.partition_point(|other| other < id) as u32;
        let rows = batch.ids.iter().map(row).collect();
        Layout { offsets, unique_ids, rows, types: batch.types.clone() }
    }

    pub(crate) fn tokens(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn texts(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Tokens of the text `text`.
    pub(crate) fn text(&self, text: usize) -> Range<usize> {
        self.offsets[text]..self.offsets[text + 1]
    }

    /// Tokens of all texts in turn.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = Range<usize>> {
        (0..self.texts()).map(|text| self.text(text))
    }

    /// Tokens of the longest text.
    pub(crate) fn longest(&self) -> usize {
        self.iter().map(|text| text.len()).max().unwrap_or(0)
    }

    /// Place of each token in its text.
    pub(crate) fn positions(&self) -> impl Iterator<Item = usize> {
        self.iter().flat_map(|text| 0..text.len())
    }
}
