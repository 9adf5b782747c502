//! A pull request acted out in a scratch repository: results are measured and committed on main, a
//! branch changes the model, and `clirbench compare` of the two revisions is what CI would post.

use std::process::Command;

use clirbench_core::compare::Verdict;
use serde_json::Value;

use crate::place::{Ended, Place, bundled};

/// A repository with `results/leaderboard` measured by `encoder-hashed` on main.
struct Repository {
    place: Place,
}

impl Repository {
    fn new() -> Repository {
        let repository = Repository { place: Place::new() };
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository.git(&["config", "user.name", "A Developer"]);
        repository.git(&["config", "user.email", "developer@example.org"]);
        repository.git(&["config", "commit.gpgsign", "false"]);
        repository.place.write(".gitignore", "/store\n/.cache\n/.local\n");
        repository.measure(1024, &["mono", "clir"]);
        repository.commit("The leaderboard");
        repository
    }

    /// What `git` prints; it has to succeed, and knows nothing of this machine's configuration.
    fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(self.place.path(""));
        git.env("HOME", self.place.path("")).env("GIT_CONFIG_NOSYSTEM", "1");
        git.env_remove("GIT_CONFIG_GLOBAL").env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
        let output = git.output().expect("git is installed");
        let ended = Ended::of(&output);
        assert_eq!(ended.code, Some(0), "git {arguments:?}: {}", ended.stderr);
        ended.stdout.trim().to_owned()
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// `clirbench run`, as somebody would on their machine: the results of `hashed` with `dim` components.
    fn measure(&self, dim: usize, scenarios: &[&str]) {
        let model =
            format!("[[models]]\nname = \"hashed\"\nencoder = \"hashed\"\noptions = {{ dim = {dim} }}\n\n");
        let run = format!("[run]\nscenarios = {scenarios:?}\n");
        self.place.write("bench.toml", model + &bundled(&["en", "es"]) + &run);
        self.place.run("bench.toml", "results/leaderboard");
    }

    fn on_branch(&self, name: &str, change: impl FnOnce(&Repository)) {
        self.git(&["checkout", "--quiet", "-b", name, "main"]);
        change(self);
        self.commit(name);
    }

    fn compare(&self, arguments: &[&str]) -> Ended {
        let mut command = self.place.command([&["compare"], arguments].concat());
        command.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
        // The temporary folder may lie in somebody's repository.
        command.env("GIT_CEILING_DIRECTORIES", self.place.path("").parent().expect("a folder"));
        Ended::of(&command.output().expect("the program starts"))
    }
}

const REVISIONS: [&str; 4] = ["git:main", "git:HEAD", "--path", "results/leaderboard"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&REVISIONS, more].concat()
}

#[test]
fn a_worse_model_closes_the_gate_and_the_comment_names_its_cells() {
    let repository = Repository::new();
    repository.on_branch("smaller", |r| r.measure(16, &["mono", "clir"]));
    let ended = repository.compare(&with(&["--format", "markdown", "--fail-on", "regression"]));
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);

    // The comparison as data: which of the four cells are worse is for the tests to say, not for us.
    let json = repository.compare(&with(&["--format", "json"]));
    assert_eq!(json.code, Some(0), "no gate, no failure");
    let value: Value = serde_json::from_str(&json.stdout).expect("JSON");
    let rows = value["rows"].as_array().expect("rows");
    let worse = serde_json::to_value(Verdict::Regression).expect("a word");
    let (worse, rest): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row["verdict"] == worse);
    assert_eq!(rows.len(), 4);
    let monolingual = |row: &&Value| row["cell"]["scenario"] == "mono";
    assert_eq!(worse.iter().copied().filter(monolingual).count(), 2, "16 components lose: {rows:?}");
    assert!(rows.iter().all(|row| row["p"].is_f64()), "per-query values came out of the repository");

    // The comment: a headline, the changed cells, the rest folded away, where all of it is from.
    let (table, folded) = ended.stdout.split_once("<details>").unwrap_or((&ended.stdout, ""));
    assert!(table.contains(&format!("**{} regressions, 0 gains, {} unchanged.**", worse.len(), rest.len())));
    let named = |row: &Value| {
        let field = |name: &str| row["cell"][name].as_str().expect("text").to_owned();
        format!(
            "| hashed kdc {} {}→{} | ndcg@10 |",
            field("scenario"),
            field("query_lang"),
            field("pool_langs")
        )
    };
    assert!(worse.iter().all(|row| table.contains(&format!("| worse {}", named(row)))), "{table}");
    assert!(rest.iter().all(|row| folded.contains(&named(row))), "{folded}");
    for (side, revision) in [("BASE", "main"), ("HEAD", "HEAD")] {
        let commit = repository.git(&["rev-parse", revision]);
        assert!(ended.stdout.contains(&format!("- {side}: git:{revision}, commit {}", &commit[..12])));
        assert_eq!(value[side.to_lowercase()]["commit"], commit.as_str());
    }
    let hash = value["data"]["kdc"].as_str().expect("the hash of the dataset");
    assert!(ended.stdout.contains(&format!("- data, the same for all: kdc {}", &hash[..12])));

    // The same bytes from anywhere, with the work tree as it was.
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    repository.git(&["checkout", "--quiet", "main"]);
    let commands = ["git:main", "git:smaller", "--format", "markdown", "--fail-on", "regression=100"];
    let elsewhere = repository.compare(&commands);
    assert_eq!(elsewhere.code, Some(0), "nothing falls by 100 points");
    assert_eq!(elsewhere.stdout, ended.stdout.replace("git:HEAD", "git:smaller"));
    assert_eq!(repository.git(&["status", "--porcelain"]), "");

    // A revision and the folder that was committed are the same results.
    let same = repository.compare(&[
        "git:main:./results/leaderboard",
        "results/leaderboard",
        "--fail-on",
        "regression",
    ]);
    assert_eq!(same.code, Some(0));
    assert!(
        same.stdout.contains("0 regressions, 0 gains, 4 unchanged.") && !same.stdout.contains("without p")
    );
}

#[test]
fn the_same_numbers_pass_and_a_lost_cell_does_not_where_it_counts() {
    let repository = Repository::new();
    repository.on_branch("again", |r| {
        r.measure(1024, &["mono", "clir"]);
        r.place.write("README.md", "No number changes.\n");
    });
    let ended = repository.compare(&with(&[
        "--format",
        "markdown",
        "--fail-on",
        "regression",
        "--fail-on",
        "missing",
    ]));
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(ended.stdout.contains("**0 regressions, 0 gains, 4 unchanged.**"), "{}", ended.stdout);

    repository.on_branch("less", |r| r.measure(1024, &["mono"]));
    assert_eq!(repository.compare(&with(&["--fail-on", "regression"])).code, Some(0));
    let ended = repository.compare(&with(&["--fail-on", "regression", "--fail-on", "missing"]));
    assert_eq!(ended.code, Some(4));
    assert!(ended.stdout.contains("note: only in BASE: hashed kdc clir en→es: ndcg@10"), "{}", ended.stdout);
    assert!(ended.stdout.contains("2 unchanged, 2 only in BASE."), "{}", ended.stdout);
    // What HEAD has more is no loss.
    let back = ["git:HEAD", "git:main", "--fail-on", "missing"];
    assert_eq!(repository.compare(&back).code, Some(0));
}

#[test]
fn what_git_cannot_give_is_one_line_and_what_to_do() {
    let repository = Repository::new();
    let fails = |arguments: &[&str], message: &str, hint: &str| {
        let ended = repository.compare(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{arguments:?}");
        let lines: Vec<&str> = ended.stderr.lines().collect();
        let [error, advice] = &lines[..] else { panic!("two lines: {}", ended.stderr) };
        assert!(error.starts_with(&format!("error: {message}")), "{error}");
        assert!(advice.starts_with(&format!("  hint: {hint}")), "{advice}");
    };
    let commit = &repository.git(&["rev-parse", "main"])[..12];
    fails(
        &["git:mian", "git:main"],
        "git:mian: this repository has no revision `mian`",
        "it has main; a shallow",
    );
    fails(&["git:--all", "git:main"], "git:--all: this repository has no revision `--all`", "it has main");
    fails(
        &["git:main", "git:HEAD", "--path", "results/leaderbord"],
        &format!("git:main: there is no `results/leaderbord` at commit {commit}"),
        "`results` has leaderboard; name the folder with --path",
    );
    fails(
        &["git:main:result/leaderboard", "git:HEAD"],
        &format!("git:main: there is no `result/leaderboard` at commit {commit}"),
        "the root has results, ",
    );
    fails(
        &["git:main:results", "git:HEAD"],
        &format!("git:main:results holds no scores.csv at commit {commit}"),
        "it holds leaderboard",
    );
    repository.place.write("results/new/scores.csv", "");
    fails(
        &["git:main:results/new", "git:HEAD"],
        &format!("git:main: there is no `results/new` at commit {commit}"),
        "it is in the work tree: commit it",
    );
    // A lone scores.csv is read as one from a folder is.
    let lone = "git:main:results/leaderboard/scores.csv";
    let ended = repository.compare(&[lone, lone]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("4 without p: neither side has per-query values"), "{}", ended.stdout);

    std::fs::remove_dir_all(repository.place.path(".git")).expect("removed");
    fails(
        &["git:main", "git:HEAD"],
        "git:main: not a git repository",
        "git: results are read in a repository",
    );
}
