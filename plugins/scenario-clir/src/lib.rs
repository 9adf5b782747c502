//! scenario-clir
