//! Checks of other files.

use super::{CHECKS, tree::Tree};

/// The keys that every dataset manifest has.
const KEYS: [&str; 3] = ["name", "format", "languages"];

pub(super) fn manifests(tree: &Tree) -> Vec<String> {
    let mut violations = Vec::new();
    let own = |path: &str| path.strip_prefix("datasets/").is_some_and(|name| !name.contains('/'));
    for file in tree.files.iter().filter(|f| own(&f.path) && f.path.ends_with(".toml")) {
        match file.text.parse::<toml::Table>() {
            Err(e) => violations.push(format!("{}: {}", file.path, e.message())),
            Ok(table) => {
                let missing = KEYS.iter().filter(|key| !table.contains_key(**key));
                violations.extend(missing.map(|key| format!("{}: it has no `{key}`", file.path)));
            }
        }
    }
    violations
}

/// First folders of absolute paths that exist on somebody's machine only.
const FOLDERS: [&str; 3] = ["work", "root", "tmp"];

pub(super) fn machine_paths(tree: &Tree) -> Vec<String> {
    let mut violations = Vec::new();
    for file in &tree.files {
        for (number, line) in (1..).zip(file.text.lines()) {
            if let Some(folder) = FOLDERS.iter().find(|folder| names_absolute(line, folder)) {
                violations.push(format!("{}:{number}: an absolute path below /{folder}", file.path));
            }
        }
    }
    violations
}

/// Whether `/folder/` occurs as the start of a path; `target/tmp/x` and `{root}/tmp/x` are relative.
fn names_absolute(line: &str, folder: &str) -> bool {
    let path = format!("/{folder}/");
    line.match_indices(&path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_-.~})>*`/".contains(c))
    })
}

pub(super) fn architecture(tree: &Tree) -> Vec<String> {
    const PAGE: &str = "ARCHITECTURE.md";
    let Some(page) = tree.file(PAGE) else { return vec![format!("{PAGE}: it is missing")] };
    let crates =
        tree.crates.iter().filter(|c| !c.folder.starts_with("tests")).map(|c| ("crate", c.name.as_str()));
    let checks = CHECKS.iter().map(|check| ("check", check.name));
    let missing = crates.chain(checks).filter(|(_, name)| !page.text.contains(&format!("`{name}`")));
    missing.map(|(kind, name)| format!("{PAGE}: it does not name the {kind} `{name}`")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_that_is_none_is_found() {
        let tree = Tree::of_files(&[
            ("datasets/good.toml", "name = \"good\"\nformat = \"beir\"\nlanguages = [\"en\"]"),
            ("datasets/bench.toml", "name = \"b\"\nformat = \"beir\""),
            ("datasets/broken.toml", "name = "),
            ("datasets/set/other.toml", "anything = true"),
        ]);
        let violations = manifests(&tree);
        assert_eq!(violations.len(), 2, "{violations:?}");
        assert_eq!(violations[0], "datasets/bench.toml: it has no `languages`");
        assert!(violations[1].starts_with("datasets/broken.toml: "));
    }

    #[test]
    fn absolute_paths_of_a_machine_are_found_and_relative_ones_pass() {
        let lines = FOLDERS.map(|folder| format!("cd /{folder}/x"));
        let bad = [&lines[0], "fine", &lines[1], &format!("path = \"{}\"", &lines[2][3..])].join("\n");
        let good = "target/tmp/x\n${root}/tmp/x\n`/rootless`\nhttps://example.org/work/x\n/tmp";
        let tree = Tree::of_files(&[("bad.md", &bad), ("good.md", good)]);
        let expected = [
            "bad.md:1: an absolute path below /work",
            "bad.md:3: an absolute path below /root",
            "bad.md:4: an absolute path below /tmp",
        ];
        assert_eq!(machine_paths(&tree), expected);
    }

    #[test]
    fn the_page_has_to_name_crates_and_checks() {
        let names: String = CHECKS.iter().map(|check| format!("`{}`\n", check.name)).collect();
        let page = |text: &str| {
            Tree::of_files(&[("ARCHITECTURE.md", text)])
                .with_crate("harness/new", &[])
                .with_crate("tests/plugins/x", &[])
        };
        assert_eq!(architecture(&page(&format!("{names}`new`"))), [""; 0]);
        assert_eq!(architecture(&page(&names)), ["ARCHITECTURE.md: it does not name the crate `new`"]);
        let without = names.replace("`unsafe`", "unsafe");
        assert_eq!(
            architecture(&page(&format!("{without}`new`"))),
            ["ARCHITECTURE.md: it does not name the check `unsafe`"]
        );
        assert_eq!(architecture(&Tree::default()), ["ARCHITECTURE.md: it is missing"]);
    }
}
