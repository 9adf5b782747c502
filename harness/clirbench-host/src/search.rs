//! Where plugins are looked for.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Why a place is searched. The order is the order of search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// `--plugin`: a file or a directory.
    Explicit,
    /// `CLIRBENCH_PLUGIN_PATH`: files or directories, separated as in `PATH`.
    Environment,
    /// `.clirbench/plugins` of the project.
    Project,
    /// `clirbench/plugins` in the user's data directory.
    User,
    /// The folder of the running program, where cargo puts the plugins that it builds.
    Executable,
}

impl Origin {
    /// Whether the user named the place, so that a fault there is worth a line.
    #[must_use]
    pub fn is_named(self) -> bool {
        matches!(self, Origin::Explicit | Origin::Environment)
    }
}

/// The places that are searched, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPath {
    /// Files or directories.
    pub places: Vec<(Origin, PathBuf)>,
}

impl SearchPath {
    /// The search path of this process: `explicit`, `CLIRBENCH_PLUGIN_PATH`, the project's
    /// directory, the user's directory, the folder of the running program.
    #[must_use]
    pub fn new(explicit: &[PathBuf], project: Option<&Path>) -> Self {
        let data = env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || env::home_dir().map(|home| home.join(".local/share"));
        let executable = env::current_exe().and_then(std::fs::canonicalize).ok();
        Self::of(
            explicit,
            env::var_os("CLIRBENCH_PLUGIN_PATH").as_deref(),
            project,
            data.or_else(home).as_deref(),
            executable.as_deref().and_then(Path::parent),
        )
    }

    fn of(
        explicit: &[PathBuf],
        environment: Option<&OsStr>,
        project: Option<&Path>,
        data: Option<&Path>,
        executable: Option<&Path>,
    ) -> Self {
        let environment: Vec<PathBuf> =
            environment.map(|paths| env::split_paths(paths).collect()).unwrap_or_default();
        let mut places = Vec::new();
        let mut add = |origin, path: PathBuf| {
            if !path.as_os_str().is_empty() {
                places.push((origin, path));
            }
        };
        explicit.iter().for_each(|path| add(Origin::Explicit, path.clone()));
        environment.into_iter().for_each(|path| add(Origin::Environment, path));
        project.into_iter().for_each(|path| add(Origin::Project, path.join(".clirbench/plugins")));
        data.into_iter().for_each(|path| add(Origin::User, path.join("clirbench/plugins")));
        executable.into_iter().for_each(|path| add(Origin::Executable, path.to_owned()));
        SearchPath { places }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_places_come_before_the_project_the_user_and_the_program() {
        let listed = env::join_paths(["/env/a", "", "/env/b"]).expect("no separator inside");
        let path = SearchPath::of(
            &[PathBuf::from("one.so")],
            Some(&listed),
            Some(Path::new("/project")),
            Some(Path::new("/home/me/.local/share")),
            Some(Path::new("/bin")),
        );
        let places: Vec<(Origin, &str)> =
            path.places.iter().map(|(o, p)| (*o, p.to_str().expect("UTF-8"))).collect();
        assert_eq!(
            places,
            [
                (Origin::Explicit, "one.so"),
                (Origin::Environment, "/env/a"),
                (Origin::Environment, "/env/b"),
                (Origin::Project, "/project/.clirbench/plugins"),
                (Origin::User, "/home/me/.local/share/clirbench/plugins"),
                (Origin::Executable, "/bin"),
            ]
        );
        assert!(places.is_sorted_by_key(|(origin, _)| *origin));
    }
}
