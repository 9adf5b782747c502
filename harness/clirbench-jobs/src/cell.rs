//! The committed result of a score job.

use serde::{Deserialize, Serialize};

use clirbench_store::Object;

use crate::{arranged::stored, job::Failure};

/// `cell.json`: one cell's numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellResult {
    /// Documents in the pool, before exclusions.
    pub pool_size: u32,
    /// Indices of the queries that count.
    pub queries: Vec<u32>,
    /// Queries without a relevant document: left out.
    pub left_out: u32,
    /// Share of the counted queries where a relevant document ties with another document.
    pub tie_rate: f64,
    /// One entry per metric (and tie rule beside the main one).
    pub metrics: Vec<MetricResult>,
    /// Language preference statistics; empty for pools of one language.
    pub bias: Vec<BiasResult>,
    /// Documents kept per query in `top`.
    pub depth: u32,
}

/// A metric's number with its 95% interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricResult {
    /// Name, with `/best` or `/worst` for another tie rule.
    pub metric: String,
    /// The number.
    pub value: f64,
    /// Lower end of its interval.
    pub ci_low: f64,
    /// Upper end of its interval.
    pub ci_high: f64,
}

/// A bias statistic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BiasResult {
    /// Its name.
    pub statistic: String,
    /// The language that it is about, or empty.
    pub language: String,
    /// Its value.
    pub value: f64,
    /// Queries behind it.
    pub queries: u32,
}

/// A hit of `top`: position in the task's pool, and score.
pub type TopHit = (u32, f32);

pub(crate) fn encode_values(values: &[Vec<f64>]) -> Vec<u8> {
    values.iter().flatten().flat_map(|v| v.to_le_bytes()).collect()
}

/// Per-query values: `[metric][counted query]`.
///
/// # Errors
/// When the object is damaged.
pub fn read_values(object: &Object, cell: &CellResult) -> Result<Vec<Vec<f64>>, Failure> {
    let bytes = object.file("values").map_err(stored)?;
    let all: Vec<f64> =
        bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().expect("chunks of 8"))).collect();
    let width = cell.queries.len();
    if all.len() != width * cell.metrics.len() {
        return Err(Failure::new(
            format!("{} holds {} values", object.folder().display(), all.len()),
            "run `clirbench cache verify --repair`, then run again",
        ));
    }
    Ok(all.chunks_exact(width.max(1)).map(<[f64]>::to_vec).collect())
}

pub(crate) fn encode_top(top: &[Vec<TopHit>], depth: usize) -> Vec<u8> {
    let absent = (u32::MAX, f32::NAN);
    top.iter()
        .flat_map(|hits| hits.iter().chain(std::iter::repeat(&absent)).take(depth))
        .flat_map(|(document, score)| {
            let mut bytes = [0; 8];
            bytes[..4].copy_from_slice(&document.to_le_bytes());
            bytes[4..].copy_from_slice(&score.to_le_bytes());
            bytes
        })
        .collect()
}

/// The first documents of each of the task's queries.
///
/// # Errors
/// When the object is damaged.
pub fn read_top(object: &Object, cell: &CellResult) -> Result<Vec<Vec<TopHit>>, Failure> {
    let bytes = object.file("top").map_err(stored)?;
    let hits = bytes.chunks_exact(8).map(|b| {
        let (document, score) = b.split_at(4);
        (
            u32::from_le_bytes(document.try_into().expect("half of 8")),
            f32::from_le_bytes(score.try_into().expect("half of 8")),
        )
    });
    let hits: Vec<TopHit> = hits.collect();
    let row = |row: &[TopHit]| row.iter().copied().filter(|(d, _)| *d != u32::MAX).collect();
    Ok(hits.chunks_exact((cell.depth as usize).max(1)).map(row).collect())
}
