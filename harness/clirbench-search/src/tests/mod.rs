//! - `by_hand`: a pool of six documents, worked out on paper
//! - `properties`: random searches against a plain reference that sorts everything
//! - `golden`: integer vectors whose ranks an independent script found
//! - `reading`: which rows are read, in which pieces, and what stops a search
//! - `refusals`: searches whose parts do not fit, vectors that are not finite

mod by_hand;
mod golden;
mod properties;
mod reading;
mod reference;
mod refusals;

use std::sync::atomic::AtomicBool;

static NEVER: AtomicBool = AtomicBool::new(false);
