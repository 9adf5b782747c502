//! clirbench-jobs
