//! Makes the types of this crate look like those of `clirbench-abi`: a type of another package would
//! be refused for its package alone, before anything of its layout is looked at.

fn main() {
    println!("cargo::rustc-env=CARGO_PKG_NAME=clirbench-abi");
    println!("cargo::rerun-if-changed=build.rs");
}
