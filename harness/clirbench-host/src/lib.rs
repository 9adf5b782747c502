//! clirbench-host
