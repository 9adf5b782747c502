//! Pooling: the vectors of a text's tokens become the vector of the text.
//!
//! The modes and their order of concatenation are those of sentence-transformers' `Pooling` module.
//! Padding never takes part: callers pass the rows of real tokens only.

use clirbench_plugin::{Error, Result};

/// One way to pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolingMode {
    /// The first token.
    Cls,
    /// Component-wise maximum.
    Max,
    /// Arithmetic mean.
    Mean,
    /// Sum over the square root of the number of tokens.
    MeanSqrtLen,
    /// Mean weighted by position, counted from 1 (Muennighoff 2022, SGPT, eq. 2).
    WeightedMean,
    /// The last token.
    LastToken,
}

impl PoolingMode {
    /// The name in our spelling.
    pub fn name(self) -> &'static str {
        match self {
            PoolingMode::Cls => "cls",
            PoolingMode::Max => "max",
            PoolingMode::Mean => "mean",
            PoolingMode::MeanSqrtLen => "mean-sqrt-len",
            PoolingMode::WeightedMean => "weighted-mean",
            PoolingMode::LastToken => "last-token",
        }
    }

    /// Reads a name, in our spelling (`last-token`) or in that of a model directory (`lasttoken`).
    ///
    /// # Errors
    /// Kind `model`, with the names that are known.
    pub fn parse(name: &str) -> Result<Self> {
        Ok(match name {
            "cls" => PoolingMode::Cls,
            "max" => PoolingMode::Max,
            "mean" => PoolingMode::Mean,
            "mean-sqrt-len" | "mean_sqrt_len_tokens" => PoolingMode::MeanSqrtLen,
            "weighted-mean" | "weightedmean" => PoolingMode::WeightedMean,
            "last-token" | "lasttoken" => PoolingMode::LastToken,
            _ => {
                return Err(Error::model(format!("unknown pooling `{name}`"))
                    .hint("one of mean, cls, max, last-token, weighted-mean, mean-sqrt-len"));
            }
        })
    }
}

/// Pooling modes, concatenated in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pooling {
    /// At least one.
    pub modes: Vec<PoolingMode>,
    /// Whether the prompt's tokens take part.
    pub include_prompt: bool,
}

impl Pooling {
    /// Length of the result for token vectors of length `hidden`.
    pub fn dim(&self, hidden: usize) -> usize {
        self.modes.len() * hidden
    }

    /// Pools one text. `tokens` holds its real tokens, row-major `[n, hidden]` with n >= 1; the first
    /// `prompt` rows are its prompt and count only where `include_prompt` says so. `out` has
    /// [`Pooling::dim`] elements. A text that is all prompt gives zeros.
    pub fn pool(&self, tokens: &[f32], hidden: usize, prompt: usize, out: &mut [f32]) {
        let skip = if self.include_prompt { 0 } else { prompt };
        let rows = tokens.get(skip * hidden..).unwrap_or_default();
        for (mode, out) in self.modes.iter().zip(out.chunks_exact_mut(hidden)) {
            pool_one(*mode, rows, hidden, skip, out);
        }
    }
}

fn pool_one(mode: PoolingMode, rows: &[f32], hidden: usize, skip: usize, out: &mut [f32]) {
    out.fill(0.0);
    let n = rows.len() / hidden;
    if n == 0 {
        return;
    }
    match mode {
        PoolingMode::Cls => out.copy_from_slice(&rows[..hidden]),
        PoolingMode::LastToken => out.copy_from_slice(&rows[(n - 1) * hidden..n * hidden]),
        PoolingMode::Max => {
            out.copy_from_slice(&rows[..hidden]);
            for row in rows.chunks_exact(hidden) {
                for (o, x) in out.iter_mut().zip(row) {
                    *o = o.max(*x);
                }
            }
        }
        PoolingMode::Mean | PoolingMode::MeanSqrtLen => {
            for row in rows.chunks_exact(hidden) {
                for (o, x) in out.iter_mut().zip(row) {
                    *o += x;
                }
            }
            let n = n as f32;
            scale(out, if mode == PoolingMode::Mean { n } else { n.sqrt() });
        }
        PoolingMode::WeightedMean => {
            let mut total = 0.0;
            for (i, row) in rows.chunks_exact(hidden).enumerate() {
                let weight = (skip + i + 1) as f32;
                total += weight;
                for (o, x) in out.iter_mut().zip(row) {
                    *o += weight * x;
                }
            }
            scale(out, total);
        }
    }
}

fn scale(out: &mut [f32], divisor: f32) {
    for o in out {
        *o /= divisor;
    }
}

/// Divides by the Euclidean norm, clamped at 1e-12 as `torch.nn.functional.normalize` does.
pub fn normalize(vector: &mut [f32]) {
    let norm = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt() as f32;
    scale(vector, norm.max(1e-12));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three tokens of two components.
    const TOKENS: [f32; 6] = [1.0, -2.0, 3.0, 0.0, 5.0, 8.0];

    fn pooled(modes: &[PoolingMode], include_prompt: bool, prompt: usize) -> Vec<f32> {
        let pooling = Pooling { modes: modes.to_vec(), include_prompt };
        let mut out = vec![f32::NAN; pooling.dim(2)];
        pooling.pool(&TOKENS, 2, prompt, &mut out);
        out
    }

    #[test]
    fn every_mode_on_numbers_worked_out_by_hand() {
        assert_eq!(pooled(&[PoolingMode::Cls], true, 0), [1.0, -2.0]);
        assert_eq!(pooled(&[PoolingMode::Max], true, 0), [5.0, 8.0]);
        assert_eq!(pooled(&[PoolingMode::Mean], true, 0), [3.0, 2.0]);
        assert_eq!(pooled(&[PoolingMode::LastToken], true, 0), [5.0, 8.0]);
        // (1*1 + 2*3 + 3*5) / 6 and (1*-2 + 2*0 + 3*8) / 6
        assert_eq!(pooled(&[PoolingMode::WeightedMean], true, 0), [22.0 / 6.0, 22.0 / 6.0]);
        let root = 3f32.sqrt();
        assert_eq!(pooled(&[PoolingMode::MeanSqrtLen], true, 0), [9.0 / root, 6.0 / root]);
    }

    #[test]
    fn modes_are_concatenated_in_the_given_order() {
        assert_eq!(pooled(&[PoolingMode::Mean, PoolingMode::Cls], true, 0), [3.0, 2.0, 1.0, -2.0]);
    }

    #[test]
    fn a_prompt_left_out_takes_no_part_but_keeps_its_positions() {
        assert_eq!(pooled(&[PoolingMode::Mean], false, 1), [4.0, 4.0]);
        assert_eq!(pooled(&[PoolingMode::Mean], true, 1), [3.0, 2.0], "included, the prompt counts");
        // Positions 2 and 3: (2*3 + 3*5) / 5 and (2*0 + 3*8) / 5
        assert_eq!(pooled(&[PoolingMode::WeightedMean], false, 1), [21.0 / 5.0, 24.0 / 5.0]);
        assert_eq!(pooled(&[PoolingMode::Mean, PoolingMode::Max], false, 7), [0.0; 4], "all prompt");
    }

    #[test]
    fn normalize_gives_length_one_and_leaves_zero_alone() {
        let mut vector = [3.0, 4.0];
        normalize(&mut vector);
        assert_eq!(vector, [0.6, 0.8]);
        let mut zero = [0.0, 0.0];
        normalize(&mut zero);
        assert_eq!(zero, [0.0, 0.0]);
    }

    #[test]
    fn both_spellings_are_read() {
        for (ours, theirs) in [
            ("last-token", "lasttoken"),
            ("weighted-mean", "weightedmean"),
            ("mean-sqrt-len", "mean_sqrt_len_tokens"),
        ] {
            assert_eq!(PoolingMode::parse(ours).expect("ours"), PoolingMode::parse(theirs).expect("theirs"));
            assert_eq!(PoolingMode::parse(theirs).expect("theirs").name(), ours);
        }
        assert!(PoolingMode::parse("median").is_err());
    }
}
