//! clirbench-report
