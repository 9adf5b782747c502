//! scenario-mixed
