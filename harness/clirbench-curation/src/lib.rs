//! What is done to training data before a training: everything here takes rows and gives rows.

pub mod mining;
