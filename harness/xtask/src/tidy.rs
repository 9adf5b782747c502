//! `cargo xtask tidy`: the invariants of ARCHITECTURE.md, each a check.

mod code;
mod crates;
mod files;
mod sources;
mod tree;

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use tree::Tree;

/// An invariant.
struct Check {
    /// Its name, as in ARCHITECTURE.md.
    name: &'static str,
    /// What has to hold.
    rule: &'static str,
    /// Where it does not: place and reason.
    violations: fn(&Tree) -> Vec<String>,
}

const CHECKS: [Check; 14] = [
    Check {
        name: "plugin-dependencies",
        rule: "a plugin depends on clirbench-plugin, the libraries above it, and on nothing else of ours",
        violations: crates::plugin_dependencies,
    },
    Check {
        name: "dependency-direction",
        rule: "crates of the harness depend on each other in one direction",
        violations: crates::dependency_direction,
    },
    Check {
        name: "reserved-dependencies",
        rule: "what loads code, and what reads or writes a format, has one place",
        violations: crates::reserved_dependencies,
    },
    Check { name: "folder-names", rule: "a crate's folder has its name", violations: crates::folder_names },
    Check { name: "lints", rule: "every crate takes the workspace's lints", violations: crates::lints },
    Check { name: "unsafe", rule: "`unsafe` only where it is needed", violations: sources::unsafe_code },
    Check {
        name: "pure-core",
        rule: "clirbench-core does no IO and reads no clock",
        violations: sources::pure_core,
    },
    Check {
        name: "workers-load",
        rule: "only a worker loads plugins, and only `clirbench work` is a worker",
        violations: sources::workers_load,
    },
    Check {
        name: "file-names",
        rule: "a file is named after what it holds",
        violations: sources::file_names,
    },
    Check {
        name: "file-lengths",
        rule: "no source file needs a table of contents",
        violations: sources::file_lengths,
    },
    Check {
        name: "unfinished",
        rule: "nothing unfinished, no test left out",
        violations: sources::unfinished,
    },
    Check {
        name: "manifests",
        rule: "every TOML file of datasets/ is a dataset manifest",
        violations: files::manifests,
    },
    Check { name: "machine-paths", rule: "no path of one machine", violations: files::machine_paths },
    Check {
        name: "architecture",
        rule: "ARCHITECTURE.md names every crate and every check",
        violations: files::architecture,
    },
];

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let tree = Tree::read(workspace)?;
    let mut failed = 0;
    for check in &CHECKS {
        let violations = (check.violations)(&tree);
        let verdict = if violations.is_empty() { "ok    " } else { "FAILED" };
        eprintln!("{verdict}  {:<22} {}", check.name, check.rule);
        violations.iter().for_each(|violation| eprintln!("        {violation}"));
        failed += usize::from(!violations.is_empty());
    }
    if failed > 0 {
        bail!("{failed} of {} invariants do not hold", CHECKS.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_checks_differ() {
        let mut names: Vec<_> = CHECKS.iter().map(|check| check.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CHECKS.len());
    }
}
