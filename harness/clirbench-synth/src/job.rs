//! A recipe with its prompts and its plan: what can be estimated and carried out.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use clirbench_data::JsonLinesWriter;

use crate::{
    assembly,
    board::Board,
    endpoint::{Endpoint, is_loopback},
    error::Error,
    estimate::Estimate,
    journal::{self, Journal},
    plan::Plan,
    prompts::Prompts,
    recipe::Recipe,
    report::Report,
    request::Requests,
    run::{Ending, Progress, ask_all},
    secret::ApiKey,
};

/// A recipe that can be carried out.
#[derive(Clone, Debug)]
pub struct Job {
    recipe: Recipe,
    prompts: Prompts,
    plan: Plan,
}

/// What became of a job.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// In numbers.
    pub report: Report,
}

impl Job {
    /// Plans a recipe; its relative paths count from `folder`.
    ///
    /// # Errors
    /// Prompts that cannot be used.
    pub fn new(recipe: Recipe, folder: &Path) -> Result<Job, Error> {
        let prompts = match &recipe.prompts {
            Some(path) => Prompts::with_folder(&folder.join(path))?,
            None => Prompts::built_in(),
        };
        let plan = Plan::of(&recipe);
        Ok(Job { recipe, prompts, plan })
    }

    /// The recipe.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Every request that it leads to.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// About how much it will cost, without any reply being known.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        Estimate::of(&self.requests())
    }

    /// What the user should know before anything is sent.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let endpoint = &self.recipe.endpoint;
        let mut notes = Vec::new();
        if endpoint.api_key_env.is_some()
            && endpoint.base_url.starts_with("http://")
            && !is_loopback(&endpoint.base_url)
        {
            notes.push("the API key is sent without encryption: `base_url` is http, not https".to_owned());
        }
        notes
    }

    fn requests(&self) -> Requests<'_> {
        Requests { recipe: &self.recipe, prompts: &self.prompts, plan: &self.plan }
    }

    /// Asks for everything that the journal of `out` lacks, then writes the whole triples to `out`
    /// and the report beside it.
    ///
    /// Nothing is written to `out` where the user stopped it or an error ended it; the journal has
    /// what was answered, and another call goes on.
    ///
    /// # Errors
    /// An endpoint that does not answer or wants none of our requests, a file that cannot be read
    /// or written, an output that no journal belongs to, or no triple at all.
    pub fn carry_out(
        &self,
        out: &Path,
        key: Option<ApiKey>,
        cancel: &AtomicBool,
        on_progress: &mut dyn FnMut(&Progress),
    ) -> Result<Outcome, Error> {
        if out.exists() && !journal::exists(out) {
            let message =
                format!("{} is there already, and was not made by `clirbench synth`", out.display());
            return Err(Error::new(message, "choose another file with --out, or move it away"));
        }
        let mut journal = Journal::open(out)?;
        let mut board = Board::replay(self.requests(), &journal);
        let endpoint = Endpoint::new(&self.recipe.endpoint, key);
        let ending = ask_all(&self.recipe, &mut board, &mut journal, &endpoint, cancel, on_progress)?;
        // What is written is made from the journal alone, as a run without anything to ask makes it.
        let board = Board::replay(self.requests(), &journal);
        let report = Report::of(&board, &journal);
        if ending == Ending::Stopped {
            return Ok(Outcome { ending, report });
        }
        write_report(out, &report).map_err(|e| unwritable(&report_path(out), &e))?;
        if report.written == 0 {
            return Err(nothing(&ending, &report));
        }
        write_triples(out, &board, &journal).map_err(|e| unwritable(out, &e))?;
        Ok(Outcome { ending, report })
    }
}

fn write_triples(out: &Path, board: &Board<'_>, journal: &Journal) -> io::Result<()> {
    let mut writer = JsonLinesWriter::create(out)?;
    for triple in assembly::triples(board, journal) {
        writer.write(&triple)?;
    }
    writer.finish()
}

/// `FILE.report.json`.
fn report_path(out: &Path) -> PathBuf {
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    out.with_file_name(format!("{name}.report.json"))
}

fn write_report(out: &Path, report: &Report) -> io::Result<()> {
    let path = report_path(out);
    let partial = path.with_extension(format!("{}.partial", std::process::id()));
    let mut text = serde_json::to_vec_pretty(report)?;
    text.push(b'\n');
    fs::write(&partial, text)?;
    fs::rename(partial, path)
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    let message = format!("cannot write {} ({error})", path.display());
    Error::new(message, "what was answered is kept: run again when it can be written")
}

fn nothing(ending: &Ending, report: &Report) -> Error {
    let reasons: Vec<String> =
        report.rejected_replies.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    let (message, hint) = match ending {
        Ending::BudgetUsed => (
            "the budget does not reach for one triple".to_owned(),
            "raise [budget]: a request is sent only if its longest reply fits",
        ),
        Ending::Unanswered(_, last) => {
            let hint = "check the endpoint and the network, and run again: what was answered is kept";
            (format!("no triple was answered; the last: {last}"), hint)
        }
        _ => (
            format!("no triple was accepted; replies that were not: {}", reasons.join(", ")),
            "see the replies in the journal; another model or other prompts may do",
        ),
    };
    Error::new(message, hint)
}
