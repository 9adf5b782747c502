//! Checks of Rust sources.

use super::{
    code::{Token, segments, tokens},
    tree::{File, Tree},
};

/// Where `unsafe` may stand, and why.
const UNSAFE: [(&str, &str); 7] = [
    ("harness/clirbench-abi/", "erased types cross the boundary there, behind the layout check"),
    ("harness/clirbench-plugin/src/export.rs", "the exported symbol and the manifest's section"),
    ("harness/clirbench-candle/src/gemm.rs", "the call of the matrix product"),
    ("harness/clirbench-loss/src/product/tile.rs", "functions compiled for an instruction set"),
    ("harness/clirbench-store/src/matrix.rs", "memory maps"),
    ("harness/clirbench-search/src/kernel.rs", "functions compiled for an instruction set"),
    ("tests/plugins/", "plugins that misbehave on purpose"),
];

/// What a pure crate does not use of `std`.
const IMPURE: [&str; 7] = ["env", "fs", "io", "net", "os", "process", "time"];
const PRINTS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

/// Names that say nothing of what is inside.
const VAGUE: [&str; 7] = ["util", "utils", "helper", "helpers", "common", "misc", "shared"];

const MAX_LINES: usize = 600;

fn at(file: &File, token: Token<'_>) -> String {
    format!("{}:{}", file.path, token.line)
}

/// Whether a macro of this name is called at `i`.
fn is_macro(tokens: &[Token<'_>], i: usize, names: &[&str]) -> bool {
    names.contains(&tokens[i].text) && tokens.get(i + 1).is_some_and(|t| t.text == "!")
}

pub(super) fn unsafe_code(tree: &Tree) -> Vec<String> {
    let mut violations = Vec::new();
    for file in tree.rust("").filter(|f| !UNSAFE.iter().any(|(place, _)| f.path.starts_with(place))) {
        let found = tokens(&file.text);
        let allows = |i: usize| {
            found[i].text == "unsafe_code" && i >= 2 && ["allow", "expect"].contains(&found[i - 2].text)
        };
        if let Some(i) = (0..found.len()).find(|&i| found[i].text == "unsafe" || allows(i)) {
            violations.push(format!("{}: `unsafe` has no place here", at(file, found[i])));
        }
    }
    for (place, why) in UNSAFE.iter().filter(|(place, _)| place.ends_with(".rs")) {
        let needed = tree.file(place).is_some_and(|f| tokens(&f.text).iter().any(|t| t.text == "unsafe"));
        if !needed {
            violations.push(format!("{place}: it is allowed `unsafe` ({why}) and has none"));
        }
    }
    violations
}

pub(super) fn pure_core(tree: &Tree) -> Vec<String> {
    let mut violations = Vec::new();
    for file in tree.rust("harness/clirbench-core/src/") {
        let found = tokens(&file.text);
        let impure = segments(&found, "std").into_iter().filter(|t| IMPURE.contains(&t.text));
        violations.extend(impure.map(|t| format!("{}: it uses std::{}", at(file, t), t.text)));
        let prints = (0..found.len()).filter(|&i| is_macro(&found, i, &PRINTS));
        violations.extend(prints.map(|i| format!("{}: it prints", at(file, found[i]))));
    }
    violations
}

/// The path segments that only one file of the harness may use.
const WORKERS: [(&str, &str, &str); 2] = [
    ("clirbench_host", "load", "harness/clirbench-jobs/src/execute.rs"),
    ("clirbench_jobs", "worker", "harness/clirbench/src/commands/work.rs"),
];

pub(super) fn workers_load(tree: &Tree) -> Vec<String> {
    let mut violations = Vec::new();
    for (root, segment, place) in WORKERS {
        let sources = tree.rust("harness/").filter(|f| f.path.contains("/src/"));
        for file in sources.filter(|f| f.path != place && !f.path.starts_with("harness/clirbench-host/")) {
            let found = tokens(&file.text);
            let used = segments(&found, root).into_iter().filter(|t| t.text == segment);
            violations.extend(used.map(|t| format!("{}: {root}::{segment} belongs in {place}", at(file, t))));
        }
        let there = tree
            .file(place)
            .is_some_and(|f| segments(&tokens(&f.text), root).iter().any(|t| t.text == segment));
        if !there {
            violations.push(format!("{place}: it does not use {root}::{segment}; who does?"));
        }
    }
    violations
}

pub(super) fn file_names(tree: &Tree) -> Vec<String> {
    let vague = |path: &str| path.split('/').any(|part| VAGUE.contains(&part.trim_end_matches(".rs")));
    let files = tree.rust("").filter(|f| vague(&f.path));
    files.map(|f| format!("{}: name it after what it holds", f.path)).collect()
}

pub(super) fn file_lengths(tree: &Tree) -> Vec<String> {
    let lengths = tree.rust("").map(|f| (f, f.text.lines().count())).filter(|(_, lines)| *lines > MAX_LINES);
    lengths.map(|(f, lines)| format!("{}: {lines} lines, at most {MAX_LINES}", f.path)).collect()
}

pub(super) fn unfinished(tree: &Tree) -> Vec<String> {
    let mut violations = Vec::new();
    for file in tree.rust("") {
        let found = tokens(&file.text);
        for i in 0..found.len() {
            let ignored = found[i].text == "ignore" && i > 0 && found[i - 1].text == "[";
            if ignored || is_macro(&found, i, &["todo", "unimplemented"]) {
                violations.push(format!("{}: `{}`", at(file, found[i]), found[i].text));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places that are allowed `unsafe`, each with some.
    fn with_unsafe(files: &[(&str, &str)]) -> Tree {
        let places = UNSAFE.iter().filter(|(p, _)| p.ends_with(".rs")).map(|(p, _)| (*p, "unsafe fn f() {}"));
        Tree::of_files(&places.chain(files.iter().copied()).collect::<Vec<_>>())
    }

    #[test]
    fn unsafe_is_found_where_it_has_no_place() {
        let fine = [
            ("harness/clirbench-abi/src/root.rs", "unsafe { x() }"),
            ("harness/clirbench-core/src/a.rs", "// unsafe\n#![forbid(unsafe_code)] fn f() { \"unsafe\"; }"),
        ];
        assert_eq!(unsafe_code(&with_unsafe(&fine)), [""; 0]);
        let bad = [
            ("harness/clirbench-host/src/a.rs", "fn f() {\n    unsafe { x() }\n}"),
            ("plugins/encoder-x/src/lib.rs", "#![allow(unsafe_code)]"),
        ];
        let expected = [
            "harness/clirbench-host/src/a.rs:2: `unsafe` has no place here",
            "plugins/encoder-x/src/lib.rs:1: `unsafe` has no place here",
        ];
        assert_eq!(unsafe_code(&with_unsafe(&bad)), expected);
    }

    #[test]
    fn an_allowance_that_nothing_needs_is_found() {
        let mut tree = with_unsafe(&[]);
        tree.files.retain(|f| !f.path.ends_with("matrix.rs"));
        let violations = unsafe_code(&tree);
        assert!(violations.len() == 1 && violations[0].contains("matrix.rs"), "{violations:?}");
    }

    #[test]
    fn io_and_clocks_are_found_in_core_alone() {
        let text = "use std::{fmt, fs::File};\nfn f() { println!(\"x\"); std::time::Instant::now(); }";
        let tree = Tree::of_files(&[
            ("harness/clirbench-core/src/run.rs", text),
            ("harness/clirbench-core/tests/it/run.rs", text),
            ("harness/clirbench-data/src/run.rs", text),
        ]);
        let expected = [
            "harness/clirbench-core/src/run.rs:1: it uses std::fs",
            "harness/clirbench-core/src/run.rs:2: it uses std::time",
            "harness/clirbench-core/src/run.rs:2: it prints",
        ];
        assert_eq!(pure_core(&tree), expected);
    }

    #[test]
    fn loading_outside_the_worker_is_found() {
        let execute = ("harness/clirbench-jobs/src/execute.rs", "clirbench_host::load(&file, services)");
        let work =
            ("harness/clirbench/src/commands/work.rs", "use clirbench_jobs::{job::Job, worker::serve};");
        assert_eq!(workers_load(&Tree::of_files(&[execute, work])), [""; 0]);
        let run = ("harness/clirbench/src/commands/run.rs", "use clirbench_host::{Lock,\n load};");
        let violations = workers_load(&Tree::of_files(&[execute, work, run]));
        let expected = "harness/clirbench/src/commands/run.rs:2: clirbench_host::load belongs in \
                        harness/clirbench-jobs/src/execute.rs";
        assert_eq!(violations, [expected]);
        // A check that looks at the wrong file says so.
        assert_eq!(workers_load(&Tree::of_files(&[execute])).len(), 1);
    }

    #[test]
    fn vague_names_and_long_files_are_found() {
        let long = "\n".repeat(MAX_LINES + 1);
        let tree = Tree::of_files(&[
            ("harness/a/src/utils.rs", ""),
            ("harness/a/src/common/mod.rs", ""),
            ("harness/a/src/commons.rs", ""),
            ("harness/a/src/long.rs", &long),
            ("harness/a/src/fits.rs", &long[1..]),
        ]);
        assert_eq!(file_names(&tree).len(), 2);
        assert_eq!(file_lengths(&tree), ["harness/a/src/long.rs: 601 lines, at most 600"]);
    }

    #[test]
    fn unfinished_code_and_tests_left_out_are_found() {
        let text = "fn f() { todo!() }\n#[test]\n#[ignore = \"slow\"]\nfn g() { unimplemented!() }\nlet ignore = \"todo!\";";
        let violations = unfinished(&Tree::of_files(&[("a.rs", text)]));
        assert_eq!(violations, ["a.rs:1: `todo`", "a.rs:3: `ignore`", "a.rs:4: `unimplemented`"]);
    }
}
