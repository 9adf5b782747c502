//! `clirbench synth`: parallel triples that a chat model writes.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path, sync::atomic::Ordering, time::Instant};

use anyhow::{Context, Result, anyhow};
use clirbench_jobs::bench::BenchError;
use clirbench_synth::{
    ApiKey, Classification, Ending, Estimate, Job, Level, Outcome, PriceSpec, Recipe, Report, Spending,
    StageEstimate,
};
use serde_json::json;

use crate::{
    cli::SynthArgs,
    diagnosis::Diagnosed,
    environment::cancel_flag,
    failure::{Advice, Exit},
    progress::Display,
    screen::Screen,
};

pub(crate) fn run(args: &SynthArgs, screen: &Screen) -> Result<Exit> {
    let job = read(&args.recipe)?;
    let Some(out) = args.out.as_deref().filter(|_| !args.dry_run) else {
        show_plan(&job, screen);
        return Ok(Exit::Done);
    };
    let recipe = job.recipe();
    for note in job.notes() {
        screen.warn(&note);
    }
    let key = ApiKey::from_environment(&recipe.endpoint).map_err(Advice::from)?;
    let cancel = cancel_flag()?;
    let (mut display, started) = (Display::new(*screen), Instant::now());
    let mut stopping = false;
    let outcome = job.carry_out(out, key, &cancel, &mut |progress| {
        if cancel.load(Ordering::Relaxed) && !stopping {
            stopping = true;
            display.log("warn", "stopping: waiting for the replies that are under way");
        }
        display.replies(progress, &spent(&progress.spending, recipe.prices.as_ref()));
    });
    display.finish();
    let outcome = outcome.map_err(Advice::from)?;
    Ok(conclude(&job, &outcome, out, started, screen))
}

fn read(path: &Path) -> Result<Job> {
    let text = fs::read_to_string(path).with_context(|| {
        let hint = "give the path of a TOML file; datasets/recipes/jang-2025/synth.toml is one";
        Advice::new(format!("cannot read the recipe {}", path.display()), hint)
    })?;
    let recipe = Recipe::parse(&text).map_err(|error| {
        let error = BenchError { message: error.message, span: error.span, hint: Some(error.hint) };
        anyhow!(Diagnosed::new(path, text, error))
    })?;
    Ok(Job::new(recipe, path.parent().unwrap_or(Path::new(""))).map_err(Advice::from)?)
}

/// What was spent, in few words.
fn spent(spending: &Spending, prices: Option<&PriceSpec>) -> String {
    let tokens = format!("{} + {} tokens", spending.tokens.input, spending.tokens.output);
    match prices {
        Some(prices) => format!("{tokens}, {}", money(spending.money(prices), prices)),
        None => tokens,
    }
}

fn money(amount: f64, prices: &PriceSpec) -> String {
    format!("{} {amount:.2}", prices.currency)
}

fn show_plan(job: &Job, screen: &Screen) {
    let (recipe, plan, estimate) = (job.recipe(), job.plan(), job.estimate());
    if screen.json {
        let categories: Vec<_> = plan
            .draws
            .iter()
            .map(|draw| json!({"level": draw.category.level, "category": draw.category.label(), "round": draw.round + 1}))
            .collect();
        return screen.print_json(&json!({
            "name": recipe.name,
            "languages": recipe.languages,
            "triples": recipe.triples,
            "categories": categories,
            "estimate": estimate,
        }));
    }
    let mut out = format!(
        "{}: {} triples in {}; {} at {}\n\n",
        recipe.name,
        recipe.triples,
        recipe.languages.join(", "),
        recipe.endpoint.model,
        recipe.endpoint.base_url
    );
    out += &categories(job, screen.verbose);
    out += &costs(&estimate, recipe.prices.as_ref());
    let attempts = recipe.generation.attempts;
    let _ = write!(out, "\nAbout: tokens depend on the model, and replies that are not accepted ");
    let _ = writeln!(out, "are asked for again, up to {attempts} times in all.");
    let budget = &recipe.budget;
    let bounds = [
        budget.requests.map(|n| format!("{n} requests")),
        budget.tokens.map(|n| format!("{n} tokens")),
        budget.money.zip(recipe.prices.as_ref()).map(|(most, prices)| money(most, prices)),
    ];
    let bounds: Vec<String> = bounds.into_iter().flatten().collect();
    let _ = match bounds.is_empty() {
        true => writeln!(out, "No [budget]: nothing stops it before the end."),
        false => writeln!(out, "Budget: it stops before it exceeds {}.", bounds.join(" or ")),
    };
    screen.print(&out);
}

/// How many categories of which main class are drawn; with `each`, every one.
fn categories(job: &Job, each: bool) -> String {
    let kdc = Classification::kdc();
    let draws = &job.plan().draws;
    let mut of_class: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for draw in draws {
        let at = Level::ALL.iter().position(|level| *level == draw.category.level).unwrap_or_default();
        of_class.entry(&draw.category.code[..1]).or_default()[at] += 1;
    }
    let mut out =
        format!("{:24}{:>8}{:>11}{:>15}\n", "categories drawn", "class", "divisions", "subcategories");
    for (class, [classes, divisions, subcategories]) in of_class {
        let name = kdc.classes.get(class).map_or("", |subject| subject.name.as_str());
        let _ = writeln!(out, "  {class} {name:20}{classes:>8}{divisions:>11}{subcategories:>15}");
    }
    if each {
        for draw in draws {
            let code = draw.category.code.as_str();
            let subject = kdc.divisions.get(code).or_else(|| kdc.classes.get(code));
            let name = subject.map_or("", |subject| subject.name.as_str());
            let _ = writeln!(out, "  {:8}{name}", draw.category.label());
        }
    }
    out + "\n"
}

fn costs(estimate: &Estimate, prices: Option<&PriceSpec>) -> String {
    let unit = prices.map_or("", |prices| prices.currency.as_str());
    let mut out = format!("{:14}{:>9}{:>12}{:>12}{unit:>10}\n", "", "requests", "tokens in", "tokens out");
    let stages = [
        ("subcategories", estimate.subcategories),
        ("tasks", estimate.tasks),
        ("triples", estimate.triples),
        ("translations", estimate.translations),
        ("all", estimate.all),
    ];
    for (name, StageEstimate { requests, tokens, money }) in stages {
        let money = money.map_or_else(String::new, |money| format!("{money:.2}"));
        let _ = writeln!(out, "{name:14}{requests:>9}{:>12}{:>12}{money:>10}", tokens.input, tokens.output);
    }
    out
}

fn conclude(job: &Job, outcome: &Outcome, out: &Path, started: Instant, screen: &Screen) -> Exit {
    let report = &outcome.report;
    let seconds = started.elapsed().as_secs();
    let exit = match &outcome.ending {
        Ending::Stopped => Exit::Stopped,
        _ if report.written < report.planned => Exit::Incomplete,
        _ => Exit::Done,
    };
    if screen.json {
        let ending = match outcome.ending {
            Ending::Finished => "finished",
            Ending::Unanswered(..) => "unanswered",
            Ending::BudgetUsed => "budget-used",
            Ending::Stopped => "stopped",
        };
        screen.print_json(&json!({"out": out, "ending": ending, "seconds": seconds, "report": report}));
        return exit;
    }
    if exit == Exit::Stopped {
        screen.say(&format!(
            "stopped; {} of {} triples are whole, and what was answered is kept: run again to continue",
            report.written, report.planned
        ));
        return exit;
    }
    match &outcome.ending {
        Ending::Unanswered(steps, last) => screen
            .warn(&format!("{steps} requests got no reply; run again to ask for them; the last: {last}")),
        Ending::BudgetUsed => screen.warn("the budget is used; raise [budget] and run again to continue"),
        Ending::Finished | Ending::Stopped => {}
    }
    screen.print(&summary(job, report, out, seconds));
    exit
}

fn summary(job: &Job, report: &Report, out: &Path, seconds: u64) -> String {
    let spending = &report.spending;
    let mut text =
        format!("{} of {} triples in {} ({seconds} s)\n", report.written, report.planned, out.display());
    let faults: u64 = spending.faults.values().sum();
    let rejected: u64 = report.rejected_replies.values().sum();
    let _ = writeln!(
        text,
        "{} requests: {} replies, {rejected} of them not accepted{}; {faults} without a reply{}",
        spending.requests,
        spending.replies,
        counts(report.rejected_replies.iter()),
        counts(spending.faults.iter()),
    );
    let _ = writeln!(text, "spent: {}", spent(spending, job.recipe().prices.as_ref()));
    if spending.unsettled.total() > 0 {
        let tokens = spending.unsettled.total();
        let _ = writeln!(text, "up to {tokens} more tokens of requests that broke off: counted as spent");
    }
    if !report.failed_steps.is_empty() {
        let failed: u64 = report.failed_steps.values().sum();
        let reasons = counts(report.failed_steps.iter());
        let _ =
            writeln!(text, "given up: {failed} steps{reasons}, and {} that need them", report.blocked_steps);
    }
    if report.repeated_queries > 0 {
        let _ =
            writeln!(text, "{} queries are there already: see `clirbench dedup`", report.repeated_queries);
    }
    text
}

/// ` (language 3, length 1)`, or nothing.
fn counts<'a, K: std::fmt::Display + 'a>(counts: impl Iterator<Item = (&'a K, &'a u64)>) -> String {
    let each: Vec<String> = counts.map(|(name, count)| format!("{name} {count}")).collect();
    if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) }
}
