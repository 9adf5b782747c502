//! What the harness does for a fit, as small as it gets.

use clirbench_plugin::{Error, Result, Session, StepReport};

/// Losses of a test, validation scores in order, and what was reported.
pub(crate) struct Watch<'a> {
    loss: Loss,
    /// Scores of the validations; of the first queries and documents where there are none left.
    pub(crate) scores: Vec<f64>,
    /// Called with the number of each call of the loss and of each validation, before it.
    pub(crate) before: Box<dyn FnMut(Call) -> Result<()> + 'a>,
    pub(crate) reports: Vec<StepReport>,
    pub(crate) losses: usize,
    pub(crate) validations: usize,
}

/// A call that the trainer makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Loss(usize),
    Validate(usize),
    Step(usize),
}

#[derive(Clone, Copy)]
enum Loss {
    InfoNce { columns: usize },
    Bce,
}

impl<'a> Watch<'a> {
    /// InfoNCE of the first two columns of unit vectors, scale 20; the others take no part.
    pub(crate) fn info_nce() -> Self {
        Watch::new(Loss::InfoNce { columns: 2 })
    }

    /// Binary cross-entropy of logits; even rows are matches.
    pub(crate) fn bce() -> Self {
        Watch::new(Loss::Bce)
    }

    fn new(loss: Loss) -> Self {
        Watch {
            loss,
            scores: Vec::new(),
            before: Box::new(|_| Ok(())),
            reports: Vec::new(),
            losses: 0,
            validations: 0,
        }
    }

    pub(crate) fn before(mut self, before: impl FnMut(Call) -> Result<()> + 'a) -> Self {
        self.before = Box::new(before);
        self
    }

    pub(crate) fn with_scores(mut self, scores: &[f64]) -> Self {
        self.scores = scores.to_vec();
        self
    }
}

impl Session for Watch<'_> {
    fn loss(
        &mut self,
        rows: &[u32],
        embeddings: &[f32],
        gradients: &mut [f32],
        parts: &mut [f64],
    ) -> Result<f64> {
        self.losses += 1;
        (self.before)(Call::Loss(self.losses))?;
        assert!(gradients.iter().all(|g| *g == 0.0), "gradients are zero on entry");
        let value = match self.loss {
            Loss::InfoNce { columns } => info_nce(embeddings, gradients, rows.len(), columns),
            Loss::Bce => bce(rows, embeddings, gradients),
        };
        parts.fill(value / 2.0);
        Ok(value)
    }

    fn validate(&mut self, queries: &[f32], documents: &[f32]) -> Result<f64> {
        self.validations += 1;
        (self.before)(Call::Validate(self.validations))?;
        if queries.is_empty() || documents.is_empty() {
            return Err(Error::input("nothing to validate"));
        }
        let cosine = queries.iter().zip(documents).map(|(q, d)| f64::from(q * d)).sum();
        Ok(self.scores.get(self.validations - 1).copied().unwrap_or(cosine))
    }

    fn step(&mut self, report: &StepReport) {
        self.reports.push(report.clone());
        (self.before)(Call::Step(report.step)).expect("a step cannot fail");
    }
}

/// -mean_i log softmax_j(20 q_i . p_j)_i
fn info_nce(embeddings: &[f32], gradients: &mut [f32], rows: usize, columns: usize) -> f64 {
    const SCALE: f64 = 20.0;
    let dim = embeddings.len() / (rows * columns);
    let at = |column: usize, row: usize| (column * rows + row) * dim;
    let mut value = 0.0;
    for i in 0..rows {
        let query = &embeddings[at(0, i)..][..dim];
        let logits: Vec<f64> = (0..rows)
            .map(|j| {
                let positive = &embeddings[at(1, j)..][..dim];
                SCALE * query.iter().zip(positive).map(|(q, p)| f64::from(*q) * f64::from(*p)).sum::<f64>()
            })
            .collect();
        let max = logits.iter().copied().fold(f64::MIN, f64::max);
        let sum: f64 = logits.iter().map(|l| (l - max).exp()).sum();
        value += (sum.ln() + max - logits[i]) / rows as f64;
        for j in 0..rows {
            let one = if i == j { 1.0 } else { 0.0 };
            let slope = (((logits[j] - max).exp() / sum - one) * SCALE / rows as f64) as f32;
            for d in 0..dim {
                gradients[at(0, i) + d] += slope * embeddings[at(1, j) + d];
                gradients[at(1, j) + d] += slope * embeddings[at(0, i) + d];
            }
        }
    }
    value
}

fn bce(rows: &[u32], scores: &[f32], gradients: &mut [f32]) -> f64 {
    let mut value = 0.0;
    for ((row, score), gradient) in rows.iter().zip(scores).zip(gradients) {
        let label = if row % 2 == 0 { 1.0 } else { 0.0 };
        let probability = 1.0 / (1.0 + f64::from(-score).exp());
        value -= (label * probability.ln() + (1.0 - label) * (1.0 - probability).ln()) / rows.len() as f64;
        *gradient = ((probability - label) / rows.len() as f64) as f32;
    }
    value
}
