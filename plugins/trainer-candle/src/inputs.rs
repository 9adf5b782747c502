//! The texts of a fit as the network takes them: each distinct input is tokenized once.

use std::collections::HashMap;

use clirbench_candle::Batch;
use clirbench_model::{Prompts, TextTokenizer, Tokens};
use clirbench_plugin::{Error, LossInput, Result, Role};
use rayon::prelude::*;

use crate::examples::Examples;

/// Tokenized inputs, one after another.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    ids: Vec<u32>,
    /// Segments; empty where all are 0.
    types: Vec<u32>,
    /// Where each input ends in `ids`.
    ends: Vec<usize>,
    /// Inputs that were cut at the model's length.
    pub(crate) truncated: u64,
}

/// The training data as inputs.
#[derive(Debug)]
pub(crate) struct Training {
    pub(crate) inputs: Inputs,
    /// `[rows, columns]`: what the network takes for each cell. Of pairs there is one column.
    cells: Vec<u32>,
    columns: usize,
}

impl Training {
    /// Tokenizes the rows of `data`: every text with the prompt of its column's role, or, for a loss
    /// of scores, the two texts of a row as one pair without prompts.
    ///
    /// # Errors
    /// `input` for a text that the tokenizer refuses or that has no tokens.
    pub(crate) fn new(data: &Examples<'_>, tokenizer: &TextTokenizer, prompts: &Prompts) -> Result<Self> {
        let columns = data.columns.len();
        if data.input == LossInput::Scores {
            let (pairs, cells) = numbered(data.rows.chunks_exact(columns).map(|row| (row[0], row[1])));
            let inputs = Inputs::new(&pairs, |(first, second)| {
                let texts = (data.texts[*first as usize], data.texts[*second as usize]);
                Ok((tokenizer.encode_pair(texts.0, texts.1)?, texts.0))
            })?;
            return Ok(Training { inputs, cells, columns: 1 });
        }
        // Columns of one role share an input; so do roles with equal prompts.
        let roles = data.columns.iter().map(|column| prompts.of(column.role)).collect::<Vec<_>>();
        let (texts, cells) = numbered(data.rows.iter().zip(roles.iter().cycle()));
        let inputs = Inputs::new(&texts, |(text, prompt)| {
            let text = data.texts[**text as usize];
            Ok((tokenizer.encode(prompt, text)?, text))
        })?;
        Ok(Training { inputs, cells, columns })
    }

    /// The inputs of some rows, `[columns, rows]`.
    pub(crate) fn cells(&self, rows: &[u32]) -> Vec<u32> {
        let cell = |column: usize, row: u32| self.cells[row as usize * self.columns + column];
        (0..self.columns).flat_map(|column| rows.iter().map(move |row| cell(column, *row))).collect()
    }
}

impl Inputs {
    /// Tokenizes texts of one role.
    ///
    /// # Errors
    /// As [`Training::new`].
    pub(crate) fn of_texts(
        texts: &[&str],
        role: Role,
        tokenizer: &TextTokenizer,
        prompts: &Prompts,
    ) -> Result<Self> {
        Inputs::new(texts, |text| Ok((tokenizer.encode(prompts.of(role), text)?, *text)))
    }

    /// Tokens of what `encode` makes of each item, with the text to name in an error.
    fn new<'t, T: Sync>(
        items: &[T],
        encode: impl Fn(&T) -> Result<(Tokens, &'t str)> + Sync,
    ) -> Result<Self> {
        let encoded = items.par_iter().map(|item| {
            let (tokens, text) = encode(item)?;
            if tokens.ids.is_empty() {
                let start: String = text.chars().take(40).collect();
                return Err(Error::input(format!(
                    "nothing of the text {start:?} is left after tokenization"
                ))
                .hint("leave rows with empty texts out of the data"));
            }
            Ok(tokens)
        });
        let encoded = encoded.collect::<Result<Vec<_>>>()?;
        let mut inputs = Inputs::default();
        for tokens in &encoded {
            inputs.ids.extend(&tokens.ids);
            inputs.ends.push(inputs.ids.len());
            inputs.truncated += u64::from(tokens.stats.truncated);
        }
        if encoded.iter().any(|tokens| tokens.types.iter().any(|segment| *segment != 0)) {
            inputs.types = encoded.into_iter().flat_map(|tokens| tokens.types).collect();
        }
        Ok(inputs)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Tokens of one input.
    pub(crate) fn tokens(&self, input: u32) -> usize {
        self.range(input).len()
    }

    /// The token ids of some inputs, each once, rising.
    pub(crate) fn distinct_ids(&self, inputs: &[u32]) -> Vec<u32> {
        let mut ids: Vec<u32> =
            inputs.iter().flat_map(|input| &self.ids[self.range(*input)]).copied().collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Some inputs as the network takes them.
    pub(crate) fn batch(&self, inputs: &[u32]) -> Batch {
        let collect = |all: &[u32]| -> Vec<u32> {
            inputs.iter().filter_map(|input| all.get(self.range(*input))).flatten().copied().collect()
        };
        let lengths = inputs.iter().map(|input| self.tokens(*input)).collect();
        Batch { ids: collect(&self.ids), types: collect(&self.types), lengths }
    }

    fn range(&self, input: u32) -> std::ops::Range<usize> {
        let input = input as usize;
        input.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[input]
    }
}

/// Numbers things in order of first appearance: the distinct things, and the number of each.
fn numbered<T: Copy + Eq + std::hash::Hash>(things: impl Iterator<Item = T>) -> (Vec<T>, Vec<u32>) {
    let mut numbers = HashMap::new();
    let mut distinct = Vec::new();
    let number = |thing| {
        *numbers.entry(thing).or_insert_with(|| {
            distinct.push(thing);
            (distinct.len() - 1) as u32
        })
    };
    let all = things.map(number).collect();
    (distinct, all)
}
