//! From what the network puts out to the final vector: pooling, Dense and Normalize modules, Matryoshka.

use clirbench_plugin::{Error, Result};

use crate::dense::Dense;
use crate::pooling::{Pooling, normalize};

/// A module after pooling.
#[derive(Clone, Debug)]
pub enum Step {
    /// A linear layer with an activation.
    Dense(Dense),
    /// L2 normalisation.
    Normalize,
}

/// What one text's part of the network's output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Vectors of tokens: all modules apply.
    Tokens,
    /// A pooled vector (`pooler_output`): the modules after pooling apply.
    Pooled,
    /// The network's own sentence embedding, Dense modules included: only Normalize applies.
    Sentence,
}

/// The modules after the transformer.
#[derive(Clone, Debug)]
pub struct Head {
    /// Used where the network puts out tokens.
    pub pooling: Pooling,
    /// In the order of modules.json.
    pub steps: Vec<Step>,
    /// Keep the first components only.
    pub truncate: Option<usize>,
}

impl Head {
    /// Length of the final vector when the network puts out vectors of length `hidden`.
    ///
    /// # Errors
    /// Kind `model` when a Dense module wants another length, `config` when `dim` is too large.
    pub fn dim(&self, kind: Kind, hidden: usize) -> Result<usize> {
        let mut dim = if kind == Kind::Tokens { self.pooling.dim(hidden) } else { hidden };
        for step in self.steps(kind) {
            if let Step::Dense(dense) = step {
                if dense.inputs() != dim {
                    return Err(Error::model(format!(
                        "a Dense module takes {} components, the vector before it has {dim}",
                        dense.inputs()
                    ))
                    .hint("check `pooling`, and that graph and modules come from the same model"));
                }
                dim = dense.outputs();
            }
        }
        match self.truncate {
            Some(truncate) if truncate > dim => {
                Err(Error::config(format!("`dim` is {truncate}, the model's vectors have {dim} components"))
                    .hint(format!("set `dim` to at most {dim}")))
            }
            Some(truncate) => Ok(truncate),
            None => Ok(dim),
        }
    }

    /// Whether final vectors have length 1.
    pub fn normalizes(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Normalize))
    }

    /// Computes the final vector of one text into `out`, of length [`Head::dim`]. `values` is the
    /// network's output for its real tokens (`[tokens, hidden]`), or one vector of length `hidden`.
    /// The first `prompt` tokens are its prompt.
    pub fn apply(&self, kind: Kind, values: &[f32], hidden: usize, prompt: usize, out: &mut [f32]) {
        let mut vector = if kind == Kind::Tokens {
            let mut pooled = vec![0.0; self.pooling.dim(hidden)];
            self.pooling.pool(values, hidden, prompt, &mut pooled);
            pooled
        } else {
            values.to_vec()
        };
        for step in self.steps(kind) {
            match step {
                Step::Dense(dense) => vector = dense.apply(&vector),
                Step::Normalize => normalize(&mut vector),
            }
        }
        if self.truncate.is_some() {
            vector.truncate(out.len());
            if self.normalizes() {
                normalize(&mut vector);
            }
        }
        out.copy_from_slice(&vector);
    }

    fn steps(&self, kind: Kind) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| kind != Kind::Sentence || matches!(step, Step::Normalize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dense::Activation;
    use crate::pooling::PoolingMode;

    fn head(steps: Vec<Step>, truncate: Option<usize>) -> Head {
        Head { pooling: Pooling { modes: vec![PoolingMode::Mean], include_prompt: true }, steps, truncate }
    }

    fn doubling() -> Step {
        let weight = vec![2.0, 0.0, 0.0, 2.0];
        Step::Dense(Dense::new(weight, None, 2, Activation::Identity).expect("sizes fit"))
    }

    #[test]
    fn modules_apply_in_order_and_by_kind() {
        let head = head(vec![doubling(), Step::Normalize], None);
        let mut out = [0.0; 2];
        head.apply(Kind::Tokens, &[1.0, 2.0, 5.0, 6.0], 2, 0, &mut out);
        assert_eq!(out, [0.6, 0.8], "mean (3, 4), doubled, normalised");
        head.apply(Kind::Sentence, &[5.0, 0.0], 2, 0, &mut out);
        assert_eq!(out, [1.0, 0.0]);

        let bare = Head { steps: vec![doubling()], ..head };
        bare.apply(Kind::Pooled, &[3.0, 4.0], 2, 0, &mut out);
        assert_eq!(out, [6.0, 8.0]);
        bare.apply(Kind::Sentence, &[3.0, 4.0], 2, 0, &mut out);
        assert_eq!(out, [3.0, 4.0], "the graph's sentence embedding has its Dense module inside");
    }

    #[test]
    fn matryoshka_truncates_and_renormalises_only_where_the_model_normalises() {
        let tokens = [3.0, 4.0, 12.0];
        let mut out = [0.0; 2];
        head(vec![Step::Normalize], Some(2)).apply(Kind::Tokens, &tokens, 3, 0, &mut out);
        assert!((out[0] - 0.6).abs() < 1e-6 && (out[1] - 0.8).abs() < 1e-6, "{out:?}");
        head(vec![], Some(2)).apply(Kind::Tokens, &tokens, 3, 0, &mut out);
        assert_eq!(out, [3.0, 4.0]);
    }

    #[test]
    fn lengths_that_do_not_fit_are_errors() {
        assert_eq!(head(vec![doubling()], None).dim(Kind::Tokens, 2).expect("fits"), 2);
        assert_eq!(head(vec![doubling()], None).dim(Kind::Tokens, 3).expect_err("3 into 2").kind, "model");
        assert_eq!(head(vec![], Some(4)).dim(Kind::Tokens, 3).expect_err("4 of 3").kind, "config");
        assert_eq!(head(vec![], Some(2)).dim(Kind::Tokens, 3).expect("2 of 3"), 2);
    }
}
