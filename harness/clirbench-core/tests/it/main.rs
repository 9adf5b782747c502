//! The crate against independent values: golden files of other implementations, published tables,
//! properties and simulations. What can be worked out by hand sits beside the code instead.

mod golden;
mod golden_int8;
mod golden_scipy;
mod golden_trec;
mod metrics_by_hand;
mod npz;
mod properties;
mod simulation;
