//! `clir_int8.json`: every scenario on XQuAD en+vi from int8 vectors, whose dot products are exact,
//! so every number must be met.

use std::collections::HashMap;

use clirbench_core::{
    dataset::{Collection, Copies, Documents, Entry, Judgement},
    metrics::{CellScores, Metric},
    ranking::{Ranking, Standing, Ties},
    task::PoolDocument,
};

use crate::{
    golden,
    npz::{self, Array},
};

const LANGUAGES: [&str; 2] = ["en", "vi"];

/// The golden file's names, and ours.
const METRICS: [(&str, &str); 9] = [
    ("complete@10", "complete@10"),
    ("max@R", "max@r"),
    ("max@R_norm_per_query", "max@r_norm"),
    ("max@R_norm_of_mean", "max@r_norm_of_mean"),
    ("ndcg@1", "ndcg@1"),
    ("ndcg@10", "ndcg@10"),
    ("mrr", "mrr"),
    ("mrr@10", "mrr@10"),
    ("recall@10", "recall@10"),
];

/// Questions and paragraphs, parallel in both languages; a text is its paragraph's number.
fn collection(paragraph_of_question: &[i32], paragraphs: usize) -> Collection {
    let entry = |id: String| Entry { texts: vec![Some(id.clone()); 2], id };
    Collection {
        name: "xquad".into(),
        languages: LANGUAGES.map(String::from).into(),
        queries: (0..paragraph_of_question.len()).map(|q| entry(format!("q{q}"))).collect(),
        documents: (0..paragraphs).map(|p| entry(p.to_string())).collect(),
        qrels: paragraph_of_question
            .iter()
            .map(|&p| vec![Judgement { document: p as u32, grade: 1 }])
            .collect(),
    }
}

fn paragraph(collection: &Collection, document: u32) -> usize {
    let text = collection.documents[document as usize].texts[0].as_deref();
    text.and_then(|t| t.parse().ok()).expect("made above")
}

/// Exact dot products, `[queries, paragraphs]`.
fn scores(queries: &Array, paragraphs: &Array) -> Vec<Vec<f32>> {
    let dim = queries.shape[1];
    let (queries, paragraphs) = (queries.integers(), paragraphs.integers());
    let dot = |q: &[i32], p: &[i32]| q.iter().zip(p).map(|(a, b)| a * b).sum::<i32>() as f32;
    queries.chunks(dim).map(|q| paragraphs.chunks(dim).map(|p| dot(q, p)).collect()).collect()
}

/// The languages of the pool, and whether each copy counts, in one setting.
struct Setting<'a> {
    name: &'a str,
    query_lang: u32,
}

impl Setting<'_> {
    fn copies(&self) -> Copies {
        if self.name == "multi_allcopies" { Copies::All } else { Copies::Own }
    }

    fn pool_langs(&self) -> Vec<u32> {
        match self.name {
            "mono_same" => vec![self.query_lang],
            "mono_cross" => vec![1 - self.query_lang],
            _ => vec![0, 1],
        }
    }

    fn is_relevant(&self, document: PoolDocument, judged: &[Judgement]) -> bool {
        let same = document.language == self.query_lang;
        let judged = judged.iter().any(|j| j.document == document.document);
        judged && !(same && self.name.starts_with("multi1"))
    }

    fn is_excluded(&self, document: PoolDocument, judged: &[Judgement], same_text: bool) -> bool {
        document.language == self.query_lang
            && match self.name {
                "multi1" => judged.iter().any(|j| j.document == document.document),
                "multi1_allcopies" => same_text,
                _ => false,
            }
    }

    /// Ranks every query by comparing each relevant document with the whole pool.
    fn rankings(&self, collection: &Collection, scores: &HashMap<u32, Vec<Vec<f32>>>) -> Vec<Ranking> {
        let documents = 0..collection.documents.len() as u32;
        let pool: Vec<PoolDocument> = self
            .pool_langs()
            .into_iter()
            .flat_map(|language| documents.clone().map(move |document| PoolDocument { language, document }))
            .collect();
        let paragraphs: Vec<usize> = documents.map(|d| paragraph(collection, d)).collect();
        let of_query = collection.qrels.iter().enumerate().map(|(query, judged)| {
            let own_text = paragraphs[judged[0].document as usize];
            let mut relevant = Vec::new();
            let mut others = Vec::new();
            let mut pool_size = 0;
            for (order, &document) in pool.iter().enumerate() {
                let text = paragraphs[document.document as usize];
                if self.is_excluded(document, judged, text == own_text) {
                    continue;
                }
                pool_size += 1;
                let scored = (scores[&document.language][query][text], order as u32);
                if self.is_relevant(document, judged) { relevant.push(scored) } else { others.push(scored) }
            }
            relevant.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let count =
                |holds: &dyn Fn(&(f32, u32)) -> bool| others.iter().filter(|o| holds(o)).count() as u32;
            let standing = |(judged, &(score, order)): (usize, &(f32, u32))| Standing {
                grade: 1,
                score,
                order,
                above: count(&|o| o.0 > score),
                tied: count(&|o| o.0 == score),
                tied_ahead: count(&|o| o.0 == score && o.1 < order),
                judged: judged as u32,
            };
            let ideal = vec![1; relevant.len()];
            Ranking { relevant: relevant.iter().enumerate().map(standing).collect(), pool_size, ideal }
        });
        of_query.collect()
    }
}

#[test]
fn every_number_of_every_case() {
    let Some(golden) = golden::json("golden/clir_int8.json") else { return };
    let Some(arrays) = golden::shared("golden/clir_int8_en_vi.npz").map(|path| npz::read(&path)) else {
        return;
    };
    let paragraphs = arrays["p_en"].shape[0];
    let xquad = collection(&arrays["paragraph_of_question"].integers(), paragraphs);

    let mut scores_of = HashMap::new();
    for (query_lang, code) in (0..).zip(LANGUAGES) {
        let against =
            |document: &str| scores(&arrays[&format!("q_{code}")], &arrays[&format!("p_{document}")]);
        scores_of.insert(query_lang, HashMap::from([(0, against("en")), (1, against("vi"))]));
    }

    let cases = golden["cases"].as_object().expect("an object");
    let mut rankings_of = HashMap::new();
    for (case, expected) in cases {
        let [_, query, name, pool, ties] = case.split('/').collect::<Vec<_>>()[..] else { panic!("{case}") };
        let query_lang = LANGUAGES.iter().position(|l| query == format!("q_{l}")).expect("en or vi") as u32;
        let rankings = rankings_of.entry((query_lang, name, pool)).or_insert_with(|| {
            let setting = Setting { name, query_lang };
            let documents = if pool == "dup" { Documents::PerQuestion } else { Documents::Unique };
            setting.rankings(&xquad.arranged(documents, setting.copies()), &scores_of[&query_lang])
        });
        let ties = match ties {
            "index" => Ties::Index,
            "best" => Ties::Best,
            "worst" => Ties::Worst,
            other => panic!("tie rule {other}"),
        };

        assert_eq!(expected["queries"], rankings.len(), "{case}");
        let sizes = rankings.iter().map(|r| r.pool_size);
        let sizes = (sizes.clone().min(), sizes.max());
        match &expected["D"] {
            serde_json::Value::Array(ends) => {
                let end = |i: usize| ends[i].as_u64().map(|n| n as u32);
                assert_eq!(sizes, (end(0), end(1)), "{case}");
            }
            size => assert_eq!(
                sizes,
                (size.as_u64().map(|n| n as u32), size.as_u64().map(|n| n as u32)),
                "{case}"
            ),
        }
        for (golden_name, our_name) in METRICS {
            // The file leaves out the norm of the mean where |D| or |R| varies.
            let Some(expected) = expected.get(golden_name).and_then(serde_json::Value::as_f64) else {
                assert!(golden_name == "max@R_norm_of_mean" && name.ends_with("allcopies"), "{case}");
                continue;
            };
            let metric: Metric = our_name.parse().expect("a metric");
            let found = CellScores::of(metric, rankings, ties).and_then(|s| s.value()).expect("valid");
            let off = (found - expected).abs() / expected.abs().max(1.0);
            assert!(off < 1e-12, "{case} {golden_name}: {found}, expected {expected}");
        }
        if let Some(ranks) = arrays.get(&format!("ranks/{case}")) {
            let ranks = ranks.integers();
            for (ranking, expected) in rankings.iter().zip(ranks.chunks(ranks.len() / rankings.len())) {
                let mut expected = expected.to_vec();
                expected.sort_unstable();
                assert!(ranking.ranks(ties).map(|(rank, _)| rank as i32).eq(expected), "{case}");
            }
        }
    }
    assert_eq!((cases.len(), rankings_of.len()), (56, 20));
}
