//! Records the compiler and the target for the manifest: only build scripts are told the target.

use std::process::Command;

fn main() {
    let target = std::env::var("TARGET").expect("cargo sets TARGET for build scripts");
    let rustc = std::env::var_os("RUSTC").expect("cargo sets RUSTC for build scripts");
    let version = Command::new(rustc)
        .arg("--version")
        .output()
        .ok()
        .filter(|out| out.status.success())
        .and_then(|out| String::from_utf8(out.stdout).ok())
        .unwrap_or_default();
    println!("cargo::rustc-env=CLIRBENCH_TARGET={target}");
    println!("cargo::rustc-env=CLIRBENCH_RUSTC={}", version.trim());
    println!("cargo::rerun-if-changed=build.rs");
}
