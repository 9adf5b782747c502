//! Evaluates a TREC run and says how long that took; `benches/metrics_vs_pytrec_eval.py` compares
//! it with pytrec_eval.
//!
//! ```text
//! cargo run --release -p clirbench-core --example metrics_bench -- RUN QRELS [REPEATS]
//! ```
//!
//! Reading the files is not timed. Timed, on one thread: per query, looking up the judged documents,
//! ranking them against the run under trec_eval's tie rule, and every metric. Prints the fastest
//! repeat, as pytrec_eval is also given its fastest.

use std::{
    collections::HashMap,
    env,
    error::Error,
    fs,
    io::{self, Write},
    time::Instant,
};

use clirbench_core::{
    metrics::{CellScores, Metric},
    ranking::{Ranking, Ties},
    run::{Judged, RunError},
};

const METRICS: [&str; 4] = ["ndcg@10", "mrr", "recall@10", "map"];

struct Query<'a> {
    id: &'a str,
    judged: Vec<(&'a str, i32)>,
    run: Vec<(&'a str, f32)>,
}

type Lines<'a, T> = HashMap<&'a str, Vec<(&'a str, T)>>;

/// Columns `query`, `id` and `value` of every line, by query.
fn parse<'a, T: std::str::FromStr>(
    text: &'a str,
    [query, id, value]: [usize; 3],
) -> Result<Lines<'a, T>, Box<dyn Error>> {
    let mut by_query: Lines<'a, T> = HashMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let column = |i: usize| columns.get(i).ok_or_else(|| format!("line {number}: no column {}", i + 1));
        let parsed = column(value)?.parse().map_err(|_| format!("line {number}: not a number"))?;
        by_query.entry(column(query)?).or_default().push((column(id)?, parsed));
    }
    Ok(by_query)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [run, qrels, rest @ ..] = arguments.as_slice() else {
        return Err("usage: metrics_bench RUN QRELS [REPEATS]".into());
    };
    let repeats: usize = rest.first().map_or(Ok(5), |n| n.parse())?;
    let (run, qrels) = (fs::read_to_string(run)?, fs::read_to_string(qrels)?);
    let mut run: Lines<'_, f32> = parse(&run, [0, 2, 4])?;
    let with_run = |(id, judged)| Query { id, judged, run: run.remove(id).unwrap_or_default() };
    let mut queries: Vec<Query<'_>> = parse(&qrels, [0, 2, 3])?.into_iter().map(with_run).collect();
    queries.sort_unstable_by_key(|query| query.id);
    let metrics: Vec<Metric> = METRICS.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;

    let mut fastest = f64::INFINITY;
    let mut values = Vec::new();
    for _ in 0..repeats.max(1) {
        let start = Instant::now();
        let rank = |query: &Query<'_>| Judged::new(query.judged.iter().copied())?.rank(&query.run, 0);
        let rankings = queries.iter().map(rank).collect::<Result<Vec<Ranking>, RunError>>()?;
        values.clear();
        for &metric in &metrics {
            values.push(CellScores::of(metric, &rankings, Ties::Trec)?.value()?);
        }
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    let mut out = io::stdout().lock();
    write!(out, "{{\"seconds\": {fastest}")?;
    for (name, value) in METRICS.iter().zip(values) {
        write!(out, ", \"{name}\": {value:?}")?;
    }
    writeln!(out, "}}")?;
    Ok(())
}
