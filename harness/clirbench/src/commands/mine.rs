//! `clirbench mine`: hard negatives for training data.

mod input;
mod report;
mod vectors;

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result};
use clirbench_curation::mining::{
    Mining, MiningError, MiningOptions, MiningReport, MiningRow, Origin, Outcome, Passage, Pool,
};
use clirbench_data::{JsonLinesWriter, TrainingFile};
use clirbench_search::SearchError;
use serde::Serialize;

use super::{compose::unwritable, run::stopped};
use crate::{
    cli::{ChoiceArgs, Global, MineArgs, MinedFormat},
    environment::cancel_flag,
    failure::{Advice, Exit},
    progress::Display,
    screen::Screen,
};

pub(crate) fn run(args: &MineArgs, global: &Global, screen: &Screen) -> Result<Exit> {
    let options = options(&args.choice);
    options.check().map_err(refused)?;
    let command = Command { args, global, screen, options };
    match TrainingFile::open(&args.data).map_err(Advice::from)? {
        TrainingFile::Triples(triples) => {
            let triples = all(triples)?;
            let language = input::language_of_triples(&triples, args.language.as_deref())?;
            let corpus = input::corpus_of_texts(args, language, screen)?;
            command.mine(&triples, &corpus, language)
        }
        TrainingFile::Rows(rows) => {
            let rows = all(rows)?;
            input::check_rows(args, &rows)?;
            let corpus = input::corpus_of_strings(args, &rows, screen)?;
            command.mine(&rows, &corpus, "")
        }
    }
}

/// All lines of a file: a row's negatives may come from any other.
fn all<T>(lines: impl Iterator<Item = Result<(T, u64), clirbench_data::Error>>) -> Result<Vec<T>> {
    let rows: Result<_, _> = lines.map(|line| line.map(|(row, _)| row)).collect();
    Ok(rows.map_err(Advice::from)?)
}

fn options(args: &ChoiceArgs) -> MiningOptions {
    MiningOptions {
        range_min: args.range_min,
        range_max: args.range_max.unwrap_or(args.range_min + 10 * args.count),
        max_score: args.max_score,
        min_score: args.min_score,
        absolute_margin: args.absolute_margin,
        relative_margin: args.relative_margin,
        rank_semantics: args.rank_semantics,
        sampling: args.sampling,
        count: args.count,
        incomplete: args.incomplete,
        seed: args.seed,
    }
}

/// The error of a mining; those of options and rows say what to do.
fn refused(error: MiningError) -> Advice {
    Advice::new(error.to_string(), "")
}

/// A mining as the command line asks for it.
struct Command<'c> {
    args: &'c MineArgs,
    global: &'c Global,
    screen: &'c Screen,
    options: MiningOptions,
}

impl Command<'_> {
    fn mine<R: MiningRow + Serialize>(
        &self,
        rows: &[R],
        corpus: &input::Corpus<R::Passage>,
        language: &str,
    ) -> Result<Exit> {
        let Command { args, global, screen, options } = self;
        let cancel = cancel_flag()?;
        let pool = Pool::new(rows, args.with_negatives, &corpus.passages, language).map_err(refused)?;
        // `Pool` has seen to it that every query is in the language.
        let queries: Vec<&str> = rows.iter().filter_map(|row| row.query().text(language)).collect();
        let Some(vectors) = vectors::of(args, &pool, &queries, global, screen, &cancel)? else {
            return Ok(stopped(screen));
        };
        let mining = Mining {
            pool: &pool,
            queries: &*vectors.queries(),
            query_rows: &vectors.query_rows,
            documents: &*vectors.documents(),
            document_rows: &vectors.document_rows,
            options,
            threads: vectors.threads,
            cancel: &cancel,
        };
        let Some((report, writers)) = self.write(&mining, &cancel)? else {
            screen.say("stopped; vectors are kept, nothing was written");
            return Ok(Exit::Stopped);
        };
        let whole = report::Whole {
            report: &report,
            options,
            input: input::origin(args, rows.len(), corpus)?,
            vectors: vectors.origin.clone(),
        };
        if let Some(file) = &args.report {
            whole.write(file)?;
        }
        if report.left_out == report.rows {
            screen.say(&whole.table(&args.out));
            let hint = "widen the window or the limits, ask for fewer with --count, or --incomplete keep";
            let message = format!("no row has {} negatives; nothing was written", options.count);
            return Err(Advice::new(message, hint).into());
        }
        writers.finish(args)?;
        screen.summary(&args.out, &whole.table(&args.out), &whole.json());
        Ok(Exit::Done)
    }

    /// Mines into files that are not visible yet; nothing when the user stopped it.
    fn write<R: MiningRow + Serialize>(
        &self,
        mining: &Mining<'_, R>,
        cancel: &AtomicBool,
    ) -> Result<Option<(MiningReport, Writers)>> {
        let mut writers = Writers::create(self.args)?;
        let mut display = Display::new(*self.screen);
        let rows = mining.pool.rows().len();
        let mined = mining.run(&mut |outcome| {
            display.mining(outcome.row + 1, rows);
            if !outcome.left_out {
                match self.args.format {
                    MinedFormat::NTuple => writers.out.write(&mining.row(&outcome))?,
                    MinedFormat::Triplet => {
                        mining.triplets(&outcome).try_for_each(|row| writers.out.write(&row))?;
                    }
                }
            }
            match &mut writers.explain {
                Some(explain) => explain.write(&Explanation::of(mining.pool, &outcome)),
                None => Ok(()),
            }
        });
        display.finish();
        match mined {
            Ok(report) => Ok(Some((report, writers))),
            Err(MiningError::Search(SearchError::Cancelled)) => Ok(None),
            Err(_) if cancel.load(Ordering::Relaxed) => Ok(None),
            Err(error) => Err(refused(error).into()),
        }
    }
}

/// A row's negatives and where they come from: a line of `--explain`.
#[derive(Serialize)]
struct Explanation<'a> {
    row: &'a str,
    positive_score: f32,
    left_out: bool,
    negatives: Vec<ExplainedNegative<'a>>,
}

#[derive(Serialize)]
struct ExplainedNegative<'a> {
    rank: usize,
    score: f32,
    from: Origin<'a>,
    text: &'a str,
}

impl<'a> Explanation<'a> {
    fn of<R: MiningRow>(pool: &Pool<'a, R>, outcome: &Outcome) -> Self {
        let negatives = outcome.mined.iter().map(|mined| ExplainedNegative {
            rank: mined.rank,
            score: mined.score,
            from: pool.origin(mined.document),
            text: pool.texts()[mined.document as usize],
        });
        Explanation {
            row: pool.rows()[outcome.row].name(),
            positive_score: outcome.positive_score,
            left_out: outcome.left_out,
            negatives: negatives.collect(),
        }
    }
}

/// The files that are written while rows are mined.
struct Writers {
    out: JsonLinesWriter,
    explain: Option<JsonLinesWriter>,
}

impl Writers {
    fn create(args: &MineArgs) -> Result<Writers> {
        let create = |path: &Path| JsonLinesWriter::create(path).with_context(|| unwritable(path));
        let explain = args.explain.as_deref().map(create).transpose()?;
        Ok(Writers { out: create(&args.out)?, explain })
    }

    fn finish(self, args: &MineArgs) -> Result<()> {
        self.out.finish().with_context(|| unwritable(&args.out))?;
        match (self.explain, &args.explain) {
            (Some(explain), Some(path)) => explain.finish().with_context(|| unwritable(path)),
            _ => Ok(()),
        }
    }
}
