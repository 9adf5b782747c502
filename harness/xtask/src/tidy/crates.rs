//! Checks of `Cargo.toml`s: who depends on whom.

use super::tree::{Crate, Dependency, Tree};

const TEST_PLUGINS: &str = "tests/plugins/";

/// What a plugin may depend on: the SDK, and libraries that several plugins share.
const FOR_PLUGINS: [&str; 4] = ["clirbench-plugin", "clirbench-model", "clirbench-candle", "clirbench-loss"];

/// The crates of the harness and which of them each may depend on.
const EDGES: [(&str, &[&str]); 18] = [
    ("clirbench-core", &[]),
    ("clirbench-abi", &[]),
    ("clirbench-store", &[]),
    ("clirbench-data", &["clirbench-core"]),
    ("clirbench-synth", &["clirbench-data", "clirbench-store"]),
    ("clirbench-search", &["clirbench-core"]),
    ("clirbench-curation", &["clirbench-core", "clirbench-data", "clirbench-search"]),
    ("clirbench-report", &["clirbench-core"]),
    ("clirbench-plugin", &["clirbench-abi"]),
    ("clirbench-model", &["clirbench-plugin"]),
    ("clirbench-export", &["clirbench-model", "clirbench-plugin"]),
    ("clirbench-candle", &["clirbench-plugin"]),
    ("clirbench-loss", &["clirbench-plugin"]),
    ("clirbench-host", &["clirbench-abi"]),
    ("clirbench-merge", &["clirbench-host", "clirbench-model"]),
    (
        "clirbench-jobs",
        &[
            "clirbench-core",
            "clirbench-data",
            "clirbench-host",
            "clirbench-merge",
            "clirbench-model",
            "clirbench-report",
            "clirbench-search",
            "clirbench-store",
        ],
    ),
    (
        "clirbench",
        &[
            "clirbench-core",
            "clirbench-curation",
            "clirbench-data",
            "clirbench-export",
            "clirbench-host",
            "clirbench-jobs",
            "clirbench-merge",
            "clirbench-model",
            "clirbench-report",
            "clirbench-search",
            "clirbench-store",
            "clirbench-synth",
        ],
    ),
    ("xtask", &[]),
];

/// Crates of others that have one place, and why.
const RESERVED: [(&str, &[&str], &str); 8] = [
    ("abi_stable", &["clirbench-abi"], "the ABI layer can be replaced in one crate"),
    ("libloading", &["clirbench-abi", "clirbench-host"], "only the host loads libraries"),
    ("ort", &["encoder-onnx"], "ONNX Runtime is a plugin's business"),
    (
        "candle-core",
        &["clirbench-candle", "trainer-candle", "encoder-candle"],
        "candle is a plugin's business",
    ),
    ("parquet", &["clirbench-report"], "only report knows an output format"),
    ("csv", &["clirbench-data", "clirbench-report"], "only data and report know a file format"),
    ("ureq", &["clirbench-synth"], "one crate talks to a network"),
    ("clap", &["clirbench"], "only the program has a command line"),
];

pub(super) fn plugin_dependencies(tree: &Tree) -> Vec<String> {
    let plugins =
        tree.crates.iter().filter(|c| ["plugins/", TEST_PLUGINS].iter().any(|f| c.folder.starts_with(f)));
    let foreign = |c: &'_ Crate| -> Vec<String> {
        let others = c.dependencies.iter().filter(|d| d.ours && !FOR_PLUGINS.contains(&d.name.as_str()));
        others.map(|d| format!("{}: it depends on {}", c.folder, d.name)).collect()
    };
    plugins.flat_map(foreign).collect()
}

pub(super) fn dependency_direction(tree: &Tree) -> Vec<String> {
    let test_plugins: Vec<&str> =
        tree.crates.iter().filter(|c| c.folder.starts_with(TEST_PLUGINS)).map(|c| c.name.as_str()).collect();
    let mut violations = Vec::new();
    for c in tree.crates.iter().filter(|c| c.folder.starts_with("harness/")) {
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == c.name) else {
            violations.push(format!("{}: a new crate; add it to the table in {}", c.folder, file!()));
            continue;
        };
        for Dependency { name, dev, .. } in c.dependencies.iter().filter(|d| d.ours) {
            // Tests may have plugins built that misbehave.
            let for_tests = *dev && test_plugins.contains(&name.as_str());
            if !for_tests && !allowed.contains(&name.as_str()) {
                violations.push(format!("{}: it may not depend on {name}", c.folder));
            }
        }
    }
    violations
}

pub(super) fn reserved_dependencies(tree: &Tree) -> Vec<String> {
    let mut violations = Vec::new();
    for c in tree.crates.iter().filter(|c| !c.folder.starts_with("tests")) {
        for dependency in c.dependencies.iter().filter(|d| !d.dev) {
            let reserved = RESERVED.iter().find(|(name, ..)| *name == dependency.name);
            if let Some((name, places, why)) =
                reserved.filter(|(_, places, _)| !places.contains(&c.name.as_str()))
            {
                violations.push(format!("{}: {name} belongs to {} ({why})", c.folder, places.join(" and ")));
            }
        }
    }
    violations
}

pub(super) fn folder_names(tree: &Tree) -> Vec<String> {
    // The crate of end-to-end tests is the folder `tests` of the workspace.
    let named = |c: &&Crate| c.folder.rsplit('/').next() == Some(&c.name) || c.folder == "tests";
    let misnamed = tree.crates.iter().filter(|c| !named(c));
    misnamed.map(|c| format!("{}: its crate is named {}", c.folder, c.name)).collect()
}

pub(super) fn lints(tree: &Tree) -> Vec<String> {
    let mut violations = Vec::new();
    for c in &tree.crates {
        let path = format!("{}/Cargo.toml", c.folder);
        let manifest = tree.file(&path).and_then(|f| f.text.parse::<toml::Table>().ok());
        let lints = manifest.as_ref().and_then(|m| m.get("lints")?.get("workspace")?.as_bool());
        if lints != Some(true) {
            violations.push(format!("{path}: add `[lints]` with `workspace = true`"));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_that_reaches_into_the_harness_is_found() {
        let tree = Tree::default()
            .with_crate("plugins/encoder-good", &["clirbench-plugin", "serde"])
            .with_crate("plugins/encoder-bad", &["clirbench-plugin", "clirbench-core"])
            .with_crate("tests/plugins/worse", &["clirbench-abi"])
            .with_crate("harness/clirbench-jobs", &["clirbench-core"]);
        let expected = [
            "plugins/encoder-bad: it depends on clirbench-core",
            "tests/plugins/worse: it depends on clirbench-abi",
        ];
        assert_eq!(plugin_dependencies(&tree), expected);
    }

    #[test]
    fn an_edge_upwards_and_an_unknown_crate_are_found() {
        let tree = Tree::default()
            .with_crate("harness/clirbench-data", &["clirbench-core"])
            .with_crate("harness/clirbench-core", &["clirbench-abi"])
            .with_crate("harness/clirbench-jobs", &["clirbench-store", "encoder-hashed", "dev:clirbench"])
            .with_crate("harness/clirbench-new", &[])
            .with_crate("harness/clirbench-host", &["dev:encoder-liar", "encoder-liar"])
            .with_crate("tests/plugins/encoder-liar", &["clirbench-plugin"])
            .with_crate("tests", &["clirbench"]);
        let violations = dependency_direction(&tree);
        assert_eq!(violations.len(), 5, "{violations:?}");
        assert_eq!(violations[0], "harness/clirbench-core: it may not depend on clirbench-abi");
        assert_eq!(violations[1], "harness/clirbench-jobs: it may not depend on encoder-hashed");
        assert_eq!(violations[2], "harness/clirbench-jobs: it may not depend on clirbench");
        assert!(violations[3].starts_with("harness/clirbench-new: a new crate"));
        assert_eq!(violations[4], "harness/clirbench-host: it may not depend on encoder-liar");
    }

    #[test]
    fn the_table_of_edges_has_no_cycle() {
        // Every crate comes after those that it depends on.
        for (at, (name, allowed)) in EDGES.iter().enumerate() {
            let before: Vec<_> = EDGES[..at].iter().map(|(name, _)| *name).collect();
            assert!(allowed.iter().all(|a| before.contains(a)), "{name}");
        }
    }

    #[test]
    fn a_reserved_dependency_elsewhere_is_found_but_not_in_tests() {
        let tree = Tree::default()
            .with_crate("harness/clirbench-abi", &["abi_stable"])
            .with_crate("harness/clirbench-core", &["dev:csv", "parquet"])
            .with_crate("tests/plugins/other-layout", &["abi_stable"])
            .with_crate("plugins/encoder-x", &["libloading"]);
        assert_eq!(
            reserved_dependencies(&tree),
            [
                "harness/clirbench-core: parquet belongs to clirbench-report (only report knows an output format)",
                "plugins/encoder-x: libloading belongs to clirbench-abi and clirbench-host (only the host loads libraries)",
            ]
        );
    }

    #[test]
    fn names_and_lints_are_compared_with_the_folder() {
        let mut tree = Tree::of_files(&[
            ("harness/a/Cargo.toml", "[lints]\nworkspace = true"),
            ("harness/b/Cargo.toml", "[package]\nname = \"b\""),
        ])
        .with_crate("harness/a", &[])
        .with_crate("harness/b", &[]);
        tree.crates[1].name = "bee".to_owned();
        assert_eq!(folder_names(&tree), ["harness/b: its crate is named bee"]);
        assert_eq!(lints(&tree), ["harness/b/Cargo.toml: add `[lints]` with `workspace = true`"]);
    }
}
