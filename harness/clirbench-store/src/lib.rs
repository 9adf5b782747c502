//! clirbench-store
