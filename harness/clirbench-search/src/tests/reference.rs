//! What a search means, without any thought of speed.

use clirbench_core::ranking::{Ranking, Standing};

use crate::{Hit, Outcome, Rows, Search, Target};

pub(super) fn run(search: &Search<'_>) -> Vec<Outcome> {
    search.query_rows.iter().zip(search.targets).map(|(&row, target)| outcome(search, row, target)).collect()
}

fn vector(matrix: &dyn Rows, row: u32) -> Vec<f32> {
    let mut out = vec![0.0; matrix.dim()];
    matrix.read(row as usize..row as usize + 1, &mut out).expect("in memory");
    out
}

fn outcome(search: &Search<'_>, query_row: u32, target: &Target) -> Outcome {
    let query = vector(search.queries, query_row);
    let mut ranked: Vec<(f32, u32, u32)> = (0..search.pool.rows.len() as u32)
        .filter(|document| !target.excluded.contains(document))
        .map(|document| {
            let other = vector(search.documents, search.pool.rows[document as usize]);
            let score = query.iter().zip(&other).fold(0.0, |sum, (&q, &d): (&f32, &f32)| q.mul_add(d, sum));
            (score, search.pool.order[document as usize], document)
        })
        .collect();
    ranked.sort_by(|a, b| b.0.partial_cmp(&a.0).expect("finite").then(a.1.cmp(&b.1)));

    let judgement = |document: u32| {
        target.judged.iter().position(|j| j.0 == document && j.1 > 0).map(|i| (i, target.judged[i].1))
    };
    let others: Vec<_> = ranked.iter().filter(|r| judgement(r.2).is_none()).collect();
    let count = |ahead: &dyn Fn(f32, u32) -> bool| others.iter().filter(|r| ahead(r.0, r.1)).count() as u32;
    let relevant = ranked.iter().filter_map(|&(score, order, document)| {
        let (judged, grade) = judgement(document)?;
        Some(Standing {
            grade,
            score,
            order,
            above: count(&|s, _| s > score),
            tied: count(&|s, _| s == score),
            tied_ahead: count(&|s, o| s == score && o < order),
            judged: judged as u32,
        })
    });
    let mut ideal: Vec<i32> = target.judged.iter().map(|j| j.1).filter(|grade| *grade > 0).collect();
    ideal.sort_by_key(|grade| std::cmp::Reverse(*grade));
    Outcome {
        ranking: Ranking { relevant: relevant.collect(), pool_size: ranked.len() as u32, ideal },
        top: ranked.iter().take(search.top_k).map(|r| Hit { document: r.2, score: r.0 }).collect(),
    }
}
