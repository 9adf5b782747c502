//! The maths that losses share: cosines, softmax, matrix products, and their gradients.
//!
//! A loss is written as an [`Objective`]: a pure function of f64 rows that also writes its
//! gradient. [`evaluate`] is the way from there to a plugin's `eval`: it checks the batch, widens
//! it, and rounds the gradient to f32 once, at the end. So the arithmetic is exact to f64 (sums
//! over thousands of candidates at temperature 0.01 leave f32 few digits), finite differences are
//! sharp, and a result depends on the batch alone: not on the number of threads, nor on the CPU's
//! instruction set ([`add_product`]).
//!
//! ```
//! use clirbench_loss::{Batch, Objective, UnitRows, evaluate};
//! use clirbench_plugin::serde_json::{Value, json};
//! use clirbench_plugin::{Host, Loss, LossBatch, LossInfo, Result};
//!
//! /// One minus the cosine of a query and its positive, averaged.
//! struct Pull;
//!
//! impl Loss for Pull {
//!     fn open(_config: &Value, _host: Host) -> Result<Self> {
//!         Ok(Pull)
//!     }
//!
//!     fn info(&self) -> LossInfo {
//!         LossInfo { columns: vec!["query".into(), "positive".into()], ..LossInfo::default() }
//!     }
//!
//!     fn eval(&mut self, batch: &LossBatch<'_>, gradients: &mut [f32], parts: &mut [f64]) -> Result<f64> {
//!         evaluate(self, batch, gradients, parts)
//!     }
//! }
//!
//! impl Objective for Pull {
//!     fn value(&self, batch: &Batch<'_>, gradients: &mut [f64], _parts: &mut [f64]) -> f64 {
//!         let (n, half) = (batch.rows as f64, batch.rows * batch.dim);
//!         let rows = UnitRows::new(batch.embeddings, batch.dim);
//!         let (queries, positives) = rows.as_slice().split_at(half);
//!         for (gradient, other) in gradients.iter_mut().zip(positives.iter().chain(queries)) {
//!             *gradient = -other / n;
//!         }
//!         rows.backward(gradients);
//!         1.0 - queries.iter().zip(positives).map(|(q, p)| q * p).sum::<f64>() / n
//!     }
//! }
//!
//! let batch = LossBatch {
//!     rows: 1, dim: 2, embeddings: &[1.0, 0.0, 0.0, 2.0], guide_dim: 0, guide: &[], labels: &[],
//! };
//! let mut gradients = [0.0; 4];
//! let mut pull = Pull::open(&json!({}), Host::detached())?;
//! assert_eq!(pull.eval(&batch, &mut gradients, &mut [])?, 1.0);
//! assert_eq!(gradients, [0.0, -1.0, -0.5, 0.0]);
//! # Ok::<(), clirbench_plugin::Error>(())
//! ```

mod check;
mod objective;
mod option;
mod product;
mod softmax;
pub mod testing;
mod unit;

pub use objective::{Batch, Objective, evaluate};
pub use option::{at_least_zero, positive};
pub use product::{Matrix, add_product};
pub use softmax::{cross_entropy, log_softmax};
pub use unit::{NORM_FLOOR, UnitRows};
