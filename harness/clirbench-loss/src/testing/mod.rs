//! For tests of losses: finite differences, permuted batches, defaults of schemas, golden values.
//!
//! These are no part of a loss; they are here so that each loss's tests are about its maths.

mod batch;
mod defaults;
mod difference;
mod golden;
pub mod npz;
mod permutation;

pub use batch::OwnedBatch;
pub use defaults::check_defaults;
pub use difference::{Difference, check_gradient, largest_difference};
pub use golden::{GoldenFolder, check_golden, relative_error};
pub use permutation::check_permutation;
