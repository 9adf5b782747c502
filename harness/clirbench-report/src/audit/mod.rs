//! The formats of an audit.

pub mod json;
mod line;
pub mod markdown;
pub mod text;
