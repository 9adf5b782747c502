//! How texts are grouped: the plan depends on the texts and the token budget only, never on threads,
//! so that the same texts give the same bytes.

use std::ops::Range;

use crate::tokens::Tokens;

/// Texts that go through the network together.
pub struct Batch {
    /// Positions of the texts in the call.
    pub positions: Vec<usize>,
    /// Their tokens; parallel to `positions`, longest first.
    pub tokens: Vec<Tokens>,
}

impl Batch {
    /// Tokens per row, padding included.
    pub fn width(&self) -> usize {
        self.tokens.iter().map(|t| t.ids.len()).max().unwrap_or(0)
    }
}

/// Positions sorted by length, longest first; texts of equal length keep their order.
pub(crate) fn longest_first(lengths: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(lengths[i]), i));
    order
}

/// How texts are cut into batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Most tokens of a batch, padding included; a longer text is a batch of its own.
    pub budget: usize,
    /// Only texts of equal length share a batch. There is no padding then, so a text's vector does not
    /// depend on its neighbours, and no work is lost on padding: the faster choice on a CPU, where
    /// small batches cost nothing.
    pub equal_lengths: bool,
    /// Texts that are tokenized, sorted and cut together.
    pub chunk: usize,
}

impl Plan {
    /// Cuts texts of these lengths in tokens, longest first, into batches.
    pub fn cut(&self, lengths: &[usize]) -> Vec<Range<usize>> {
        let mut batches = Vec::new();
        let mut start = 0;
        while let Some(&longest) = lengths.get(start) {
            let mut rows = (self.budget / longest.max(1)).clamp(1, lengths.len() - start);
            if self.equal_lengths {
                rows = lengths[start..start + rows].partition_point(|length| *length == longest);
            }
            batches.push(start..start + rows);
            start += rows;
        }
        batches
    }

    /// Groups the tokens of some texts into batches.
    pub fn group(&self, positions: &[usize], tokens: Vec<Tokens>) -> Vec<Batch> {
        let mut rows: Vec<(usize, Tokens)> = positions.iter().copied().zip(tokens).collect();
        rows.sort_by_key(|(position, tokens)| (std::cmp::Reverse(tokens.ids.len()), *position));
        let lengths: Vec<usize> = rows.iter().map(|(_, tokens)| tokens.ids.len()).collect();
        let mut rows = rows.into_iter();
        self.cut(&lengths)
            .into_iter()
            .map(|range| {
                let (positions, tokens) = rows.by_ref().take(range.len()).unzip();
                Batch { positions, tokens }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(budget: usize, equal_lengths: bool) -> Plan {
        Plan { budget, equal_lengths, chunk: 8 }
    }

    #[test]
    fn batches_keep_the_budget_and_cover_every_text_once() {
        // 20: over the budget; 10: one row; 4: 3 rows of 4 = 12; 3, 1: 2 rows of 3.
        let lengths = [20, 10, 4, 4, 4, 3, 1];
        assert_eq!(plan(12, false).cut(&lengths), [0..1, 1..2, 2..5, 5..7]);
        assert_eq!(plan(8, true).cut(&lengths), [0..1, 1..2, 2..4, 4..5, 5..6, 6..7]);
        assert_eq!(plan(1, true).cut(&lengths).len(), lengths.len(), "a budget of 1 keeps texts apart");
        assert!(plan(12, false).cut(&[]).is_empty());
        assert_eq!(plan(1, false).cut(&[0, 0]), [0..1, 1..2], "an empty row still takes one");
    }

    #[test]
    fn equal_lengths_keep_their_order() {
        assert_eq!(longest_first(&[2, 5, 2, 5, 9]), [4, 1, 3, 0, 2]);
    }

    #[test]
    fn groups_are_sorted_by_tokens_then_position() {
        let tokens = |n: usize| Tokens { ids: vec![7; n], types: vec![0; n], stats: Default::default() };
        let batches = plan(4, true).group(&[8, 3, 5], vec![tokens(2), tokens(4), tokens(2)]);
        let plan: Vec<_> = batches.iter().map(|b| (b.positions.clone(), b.width())).collect();
        assert_eq!(plan, [(vec![3], 4), (vec![5, 8], 2)]);
    }
}
