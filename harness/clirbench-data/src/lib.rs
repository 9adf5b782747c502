//! clirbench-data
