//! What the checks look at: crates and files, as plain data.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace::{Workspace, output};

/// A checkout.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) crates: Vec<Crate>,
    /// Text files that git tracks or would track.
    pub(super) files: Vec<File>,
}

/// A crate of the workspace.
pub(super) struct Crate {
    pub(super) name: String,
    /// Relative to the root, with `/`.
    pub(super) folder: String,
    pub(super) dependencies: Vec<Dependency>,
}

/// An entry of any of a crate's dependency tables.
pub(super) struct Dependency {
    pub(super) name: String,
    /// Whether it is a crate of this workspace.
    pub(super) ours: bool,
    /// Whether only tests and benches have it.
    pub(super) dev: bool,
}

/// A text file.
pub(super) struct File {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl Tree {
    pub(super) fn read(workspace: &Workspace) -> Result<Tree> {
        let root = &workspace.root;
        let crates = workspace.packages.iter().map(|p| Crate::of(p, root)).collect::<Result<_>>()?;
        let mut git = Command::new("git");
        // In a container the checkout often belongs to another user; only names are read here.
        git.current_dir(root).args(["-c", "safe.directory=*", "ls-files", "-z"]);
        let listed = output(git.args(["--cached", "--others", "--exclude-standard"]))?;
        let mut files = Vec::new();
        for path in listed.split('\0').filter(|path| !path.is_empty()) {
            // Binary files and files deleted but still tracked have no text.
            if let Ok(text) = fs::read_to_string(root.join(path)) {
                files.push(File { path: path.to_owned(), text });
            }
        }
        Ok(Tree { crates, files })
    }

    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The Rust sources below `folder` (all of them where it is empty).
    pub(super) fn rust<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |f| f.path.starts_with(folder) && f.path.ends_with(".rs"))
    }
}

impl Crate {
    fn of(package: &Value, root: &Path) -> Result<Crate> {
        let text = |value: &Value| value.as_str().map(str::to_owned).context("cargo metadata lacks a name");
        let manifest = text(&package["manifest_path"])?;
        let folder = Path::new(&manifest).parent().and_then(|folder| folder.strip_prefix(root).ok());
        let folder = folder.context("a crate lies outside the workspace")?;
        let components: Vec<_> = folder.iter().map(|c| c.to_string_lossy()).collect();
        let mut dependencies = Vec::new();
        for entry in package["dependencies"].as_array().into_iter().flatten() {
            dependencies.push(Dependency {
                name: text(&entry["name"])?,
                ours: entry["path"].is_string(),
                dev: entry["kind"] == "dev",
            });
        }
        Ok(Crate { name: text(&package["name"])?, folder: components.join("/"), dependencies })
    }
}

#[cfg(test)]
impl Tree {
    /// A tree of files alone.
    pub(super) fn of_files(files: &[(&str, &str)]) -> Tree {
        let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
        Tree { crates: Vec::new(), files: files.iter().map(file).collect() }
    }

    /// The tree with one more crate; `clirbench*` dependencies are ours, `dev:` marks a dev-dependency.
    pub(super) fn with_crate(mut self, folder: &str, dependencies: &[&str]) -> Tree {
        let dependency = |name: &&str| {
            let dev = name.starts_with("dev:");
            let name = name.trim_start_matches("dev:").to_owned();
            let ours = name.starts_with("clirbench") || name.starts_with("encoder-");
            Dependency { ours, name, dev }
        };
        self.crates.push(Crate {
            name: folder.rsplit('/').next().unwrap().to_owned(),
            folder: folder.to_owned(),
            dependencies: dependencies.iter().map(dependency).collect(),
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_reads_as_it_is() {
        let tree = Tree::read(&Workspace::open().unwrap()).unwrap();
        let host = tree.crates.iter().find(|c| c.name == "clirbench-host").unwrap();
        assert_eq!(host.folder, "harness/clirbench-host");
        let dependency = |name: &str| host.dependencies.iter().find(|d| d.name == name).unwrap();
        assert!(dependency("clirbench-abi").ours && !dependency("clirbench-abi").dev);
        assert!(!dependency("object").ours && dependency("tempfile").dev);
        assert!(tree.file("harness/xtask/src/tidy/tree.rs").unwrap().text.contains("the_checkout_reads"));
    }
}
