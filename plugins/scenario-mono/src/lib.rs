//! scenario-mono
