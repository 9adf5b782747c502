//! Results as they are at a revision, read from the repository's objects: the work tree is neither
//! read nor touched.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, anyhow};
use clirbench_core::compare::Side;
use clirbench_report::compare::{SideFiles, parse_side};

use crate::failure::Advice;

/// Names that a message lists at most.
const LISTED: usize = 8;

/// Reads the results folder, or the `scores.csv`, that `path` is at `revision`. As in git, paths
/// count from the root of the repository, and from here where they start with `./`.
pub(super) fn read(revision: &str, path: &str) -> Result<Side> {
    let at = Revision::resolve(revision)?;
    let path = path.trim_end_matches('/');
    let shown = |path: &str| format!("git:{revision}:{path}");
    let mut side = match at.kind(path)?.as_deref() {
        Some("tree") => {
            let names = at.list(path)?;
            let [scores, run] = [SideFiles::SCORES, SideFiles::RUN];
            if !names.iter().any(|name| name == scores) {
                let message = format!("{} holds no {scores} at commit {}", shown(path), at.short());
                return Err(anyhow!(Advice::new(message, format!("it holds {}", listed(&names)))));
            }
            let read = |name: &str| at.blob(&format!("{path}/{name}"));
            let per_query = SideFiles::per_query_of(at.files(path)?).into_iter().map(|name| {
                let bytes = read(&name)?;
                Ok((name, bytes))
            });
            let files = SideFiles {
                scores: read(scores)?,
                per_query: per_query.collect::<Result<_>>()?,
                run: names.iter().any(|name| name == run).then(|| read(run)).transpose()?,
            };
            parse_side(Path::new(&shown(path)), files)?
        }
        Some(_) => {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            parse_side(
                Path::new(&shown(folder)),
                SideFiles { scores: at.blob(path)?, ..SideFiles::default() },
            )?
        }
        None => return Err(at.absent(path)),
    };
    side.origin.commit = Some(at.commit);
    Ok(side)
}

/// A commit, and what the user called it.
struct Revision<'a> {
    name: &'a str,
    commit: String,
}

impl<'a> Revision<'a> {
    fn resolve(name: &'a str) -> Result<Revision<'a>> {
        let inside = git(&["rev-parse", "--git-dir"])?;
        if let Err(why) = inside {
            let hint = "git: results are read in a repository; change into it";
            return Err(anyhow!(Advice::new(format!("git:{name}: {why}"), hint)));
        }
        // What starts with a dash is no revision, and must not become an option.
        let commit = match name {
            "" => None,
            name if name.starts_with('-') => None,
            name => git(&["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])?.ok(),
        };
        let Some(commit) = commit else {
            let message = format!("git:{name}: this repository has no revision `{name}`");
            return Err(anyhow!(Advice::new(message, near(name)?)));
        };
        Ok(Revision { name, commit: String::from_utf8_lossy(&commit).trim().to_owned() })
    }

    fn short(&self) -> &str {
        self.commit.get(..12).unwrap_or(&self.commit)
    }

    fn spec(&self, path: &str) -> String {
        match path {
            "." => format!("{}:./", self.commit),
            path => format!("{}:{path}", self.commit),
        }
    }

    /// `tree` or `blob`; `None` where nothing has the path.
    fn kind(&self, path: &str) -> Result<Option<String>> {
        let kind = git(&["cat-file", "-t", &self.spec(path)])?.ok();
        Ok(kind.map(|kind| String::from_utf8_lossy(&kind).trim().to_owned()))
    }

    /// Names in a folder.
    fn list(&self, path: &str) -> Result<Vec<String>> {
        self.names(&["ls-tree", "-z", "--name-only", &self.spec(path)])
    }

    /// Paths of all files below a folder.
    fn files(&self, path: &str) -> Result<Vec<String>> {
        self.names(&["ls-tree", "-r", "-z", "--name-only", &self.spec(path)])
    }

    fn names(&self, arguments: &[&str]) -> Result<Vec<String>> {
        let names = self.run(arguments)?;
        let names = names.split(|&byte| byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    /// The bytes of a file, as they were committed.
    fn blob(&self, path: &str) -> Result<Vec<u8>> {
        self.run(&["cat-file", "blob", &self.spec(path)])
    }

    fn run(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        git(arguments)?.map_err(|why| {
            let hint = "`git fsck` says whether the repository is whole";
            anyhow!(Advice::new(format!("git:{}: {why}", self.name), hint))
        })
    }

    /// The error for a path that is not there, with the names that are.
    fn absent(&self, path: &str) -> anyhow::Error {
        let message = format!("git:{}: there is no `{path}` at commit {}", self.name, self.short());
        if Path::new(path).exists() {
            return anyhow!(Advice::new(
                message,
                "it is in the work tree: commit it, or compare the folder itself"
            ));
        }
        let (mut folder, mut missing) = ("", path);
        for (i, _) in path.match_indices('/') {
            if self.kind(&path[..i]).is_ok_and(|kind| kind.as_deref() == Some("tree")) {
                (folder, missing) = (&path[..i], &path[i + 1..]);
            }
        }
        let missing = missing.split('/').next().unwrap_or(missing);
        let mut names = self.list(folder).unwrap_or_default();
        by_nearness(&mut names, missing);
        let place = if folder.is_empty() { "the root".to_owned() } else { format!("`{folder}`") };
        anyhow!(Advice::new(message, format!("{place} has {}; name the folder with --path", listed(&names))))
    }
}

/// Branches and tags with a like name, and what else may be the reason.
fn near(name: &str) -> Result<String> {
    let refs = git(&["for-each-ref", "--format=%(refname:short)"])?.unwrap_or_default();
    let mut names: Vec<String> = String::from_utf8_lossy(&refs).lines().map(str::to_owned).collect();
    by_nearness(&mut names, name);
    let fetch = "a shallow clone has to fetch it first";
    Ok(if names.is_empty() { fetch.to_owned() } else { format!("it has {}; {fetch}", listed(&names)) })
}

/// The nearest first: those that end in the name (`origin/main` of `main`), then by likeness.
fn by_nearness(names: &mut [String], to: &str) {
    let distance = |name: &String| {
        let last = name.rsplit('/').next().unwrap_or(name);
        strsim::osa_distance(last, to)
    };
    names.sort_by(|a, b| distance(a).cmp(&distance(b)).then_with(|| a.cmp(b)));
}

fn listed(names: &[String]) -> String {
    let mut out = names.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => out.push_str("nothing"),
        n if n > LISTED => out.push_str(&format!(" and {} more", n - LISTED)),
        _ => {}
    }
    out
}

/// What git prints, byte for byte; or the first line of what it says went wrong.
fn git(arguments: &[&str]) -> Result<std::result::Result<Vec<u8>, String>> {
    let output = Command::new("git").args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).output();
    let output = output.map_err(|e| match e.kind() {
        ErrorKind::NotFound => anyhow!(Advice::new("git is not installed", "install it, or compare folders")),
        _ => anyhow!(Advice::new(format!("cannot start git: {e}"), "compare folders instead")),
    })?;
    if output.status.success() {
        return Ok(Ok(output.stdout));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("git failed and does not say why");
    Ok(Err(line.trim_start_matches("fatal: ").to_owned()))
}
