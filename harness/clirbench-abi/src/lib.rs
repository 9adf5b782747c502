//! clirbench-abi
