//! Language preference in mixed pools: what core's statistics need, from positions and rows.

use clirbench_core::{
    bias::{MixedCell, QueryHits, QueryLangScore, disparities},
    dataset::Collection,
    ranking::{Ranking, Ties},
    results::{BiasRow, ScoreRow},
    task::Task,
};

use crate::{
    cell::{BiasResult, TopHit},
    pool::TaskPool,
};

/// Cutoff of the shares.
const K: usize = 10;

/// The statistics of one cell.
pub(crate) fn of_cell(
    collection: &Collection,
    task: &Task,
    pool: &TaskPool,
    rankings: &[Ranking],
    top: &[Vec<TopHit>],
    ties: Ties,
) -> Vec<BiasResult> {
    let languages: Vec<Vec<u32>> = top
        .iter()
        .map(|hits| hits.iter().map(|(d, _)| pool.documents[*d as usize].language).collect())
        .collect();
    let relevant: Vec<Vec<(u32, u32)>> = rankings
        .iter()
        .zip(&task.relevant)
        .map(|(ranking, judged)| {
            let standing = ranking.relevant.iter().zip(ranking.ranks(ties));
            standing.map(|(s, (rank, _))| (judged[s.judged as usize].0.language, rank)).collect()
        })
        .collect();
    let queries: Vec<QueryHits<'_>> = languages
        .iter()
        .zip(&relevant)
        .filter(|(_, relevant)| !relevant.is_empty())
        .map(|(top, relevant)| QueryHits { top, relevant })
        .collect();
    let size = |language| pool.documents.iter().filter(|d| d.language == language).count() as u32;
    let sizes: Vec<(u32, u32)> = task.pool_langs.iter().map(|&l| (l, size(l))).collect();
    let cell = MixedCell {
        languages: &collection.languages,
        pool: &sizes,
        query_lang: task.query_lang,
        queries: &queries,
    };
    let row = |s: clirbench_core::bias::Statistic| BiasResult {
        statistic: s.statistic,
        language: s.language,
        value: s.value,
        queries: s.queries,
    };
    cell.statistics(K).into_iter().map(row).collect()
}

/// How far query languages are apart on the same mixed pool, for every metric under the main tie rule.
pub(crate) fn between_query_languages(scores: &[ScoreRow]) -> Vec<BiasRow> {
    let pool_of = |s: &ScoreRow| {
        [&s.model, &s.dataset, &s.documents, &s.scenario, &s.pool_langs, &s.metric].map(String::clone)
    };
    // Pools in the order in which they first occur, each with its query languages in theirs.
    let mut pools: Vec<([String; 6], Vec<&ScoreRow>)> = Vec::new();
    let mut at = std::collections::HashMap::new();
    for row in scores.iter().filter(|s| s.pool_langs.contains('+') && !s.metric.contains('/')) {
        let key = pool_of(row);
        let index = *at.entry(key.clone()).or_insert_with(|| {
            pools.push((key, Vec::new()));
            pools.len() - 1
        });
        pools[index].1.push(row);
    }
    let mut rows = Vec::new();
    for ([model, dataset, documents, scenario, pool_langs, metric], cells) in pools {
        let scores: Vec<QueryLangScore<'_>> = cells
            .iter()
            .map(|s| QueryLangScore { query_lang: &s.query_lang, value: s.value, queries: s.queries })
            .collect();
        rows.extend(disparities(&metric, &scores).into_iter().map(|d| BiasRow {
            model: model.clone(),
            dataset: dataset.clone(),
            documents: documents.clone(),
            scenario: scenario.clone(),
            query_lang: d.query_lang,
            pool_langs: pool_langs.clone(),
            statistic: d.statistic.statistic,
            language: d.statistic.language,
            value: d.statistic.value,
            queries: d.statistic.queries,
        }));
    }
    rows
}
