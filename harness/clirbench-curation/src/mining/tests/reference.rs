//! What mining means, without any thought of speed: every score, a full sort, one filter after another.

use clirbench_data::{ParallelTriple, Texts};
use proptest::{prelude::*, test_runner::TestRunner};

use super::{Vectors, mine, texts, triple};
use crate::mining::{Dropped, Incomplete, MiningOptions, Pool, RankSemantics, Sampling};

const DIM: usize = 6;

/// A draw from `0..n` that depends on its arguments alone.
fn draw(seed: u64, i: usize, n: u64) -> u64 {
    let mut x = seed ^ (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for _ in 0..3 {
        x = (x ^ (x >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    }
    (x >> 16) % n
}

/// Components are coarse, so that many scores are equal.
fn vectors(seed: u64, len: usize) -> Vec<f32> {
    (0..len * DIM).map(|i| draw(seed, i, 9) as f32 / 4.0 - 1.0).collect()
}

/// Rows whose queries, positives and negatives repeat now and then, in one language or the other, and
/// of which some lack a language; a corpus fills the pool up.
fn data(rows: usize, corpus: usize) -> (Vec<ParallelTriple>, Vec<(String, Texts)>) {
    let passage = |kind: &str, i: usize| {
        // One in 40 repeats an earlier English text, one in 40 an earlier Korean one.
        let english = if draw(1, i, 40) == 0 { i / 2 } else { i };
        let korean = if draw(2, i, 40) == 0 { i / 3 } else { i };
        let english = format!("{kind} {english}");
        match draw(3, i, 6) {
            0 => texts(&[("en", &english)]),
            _ => texts(&[("en", &english), ("ko", &format!("{kind} ko {korean}"))]),
        }
    };
    let in_its = |wanted: &Texts, kind: &str, i: usize| {
        let both = texts(&[("en", &format!("{kind} {i}")), ("ko", &format!("{kind} ko {i}"))]);
        both.into_iter().filter(|(language, _)| wanted.contains_key(language)).collect::<Texts>()
    };
    let row = |i: usize| {
        let positive = passage("passage", i);
        let query = in_its(&positive, "query", if draw(4, i, 30) == 0 { i / 2 } else { i });
        // Some are other rows' positives.
        let negative = if draw(5, i, 4) == 0 { draw(6, i, rows as u64) as usize } else { rows + i };
        let negatives = vec![in_its(&positive, "passage", negative)];
        triple(&format!("row {i}"), query, positive, negatives)
    };
    let rows_made = (0..rows).map(row).collect();
    (rows_made, (0..corpus).map(|i| (format!("c{i}"), passage("passage", 2 * rows + i))).collect())
}

/// Labels that are equal for things which share a text, directly or through others.
fn labels(things: &[&Texts]) -> Vec<usize> {
    let share = |a: &Texts, b: &Texts| a.iter().any(|(language, text)| b.get(language) == Some(text));
    let mut labels: Vec<usize> = (0..things.len()).collect();
    loop {
        let mut changed = false;
        for i in 0..things.len() {
            for j in 0..i {
                if labels[i] != labels[j] && share(things[i], things[j]) {
                    let low = labels[i].min(labels[j]);
                    (labels[i], labels[j], changed) = (low, low, true);
                }
            }
        }
        if !changed {
            return labels;
        }
    }
}

struct Reference<'a> {
    rows: &'a [ParallelTriple],
    documents: Vec<&'a Texts>,
    document_labels: Vec<usize>,
    query_labels: Vec<usize>,
    /// `[rows, documents]`
    scores: Vec<Vec<f32>>,
}

impl<'a> Reference<'a> {
    fn new(rows: &'a [ParallelTriple], corpus: &'a [(String, Texts)], with_negatives: bool) -> Self {
        let mut all: Vec<&Texts> = rows.iter().map(|row| &row.positive).collect();
        if with_negatives {
            all.extend(rows.iter().flat_map(|row| &row.negatives));
        }
        all.extend(corpus.iter().map(|(_, passage)| passage));
        let mut documents: Vec<&Texts> = Vec::new();
        for passage in all {
            match documents.iter_mut().find(|document| document["en"] == passage["en"]) {
                Some(document) if passage.len() > document.len() => *document = passage,
                Some(_) => {}
                None => documents.push(passage),
            }
        }
        let queries: Vec<&Texts> = rows.iter().map(|row| &row.query).collect();
        Reference {
            rows,
            document_labels: labels(&documents),
            query_labels: labels(&queries),
            documents,
            scores: Vec::new(),
        }
    }

    fn score(&mut self, vectors: &Vectors) {
        let chain = |q: &[f32], d: &[f32]| q.iter().zip(d).fold(0.0, |sum: f32, (q, d)| q.mul_add(*d, sum));
        let documents: Vec<&[f32]> = vectors.documents.chunks(DIM).collect();
        let of = |query: &[f32]| documents.iter().map(|document| chain(query, document)).collect();
        self.scores = vectors.queries.chunks(DIM).map(of).collect();
    }

    /// Labels of the documents that share a text with one of these.
    fn labels_of(&self, passages: &[&Texts]) -> Vec<usize> {
        let shares = |document: &Texts, passage: &Texts| {
            document.iter().any(|(language, text)| passage.get(language) == Some(text))
        };
        let found = self.documents.iter().zip(&self.document_labels);
        found.filter(|(d, _)| passages.iter().any(|p| shares(d, p))).map(|(_, label)| *label).collect()
    }

    /// What a row gets (documents with their ranks), and what is counted for it.
    fn row(&self, row: usize, options: &MiningOptions, most_rows: usize) -> (Vec<(u32, usize)>, Dropped) {
        let same = |other: &usize| self.query_labels[*other] == self.query_labels[row];
        let positives: Vec<&Texts> =
            (0..self.rows.len()).filter(same).map(|other| &self.rows[other].positive).collect();
        let own_positives = self.labels_of(&positives);
        let own_negatives = self.labels_of(&self.rows[row].negatives.iter().collect::<Vec<_>>());
        let scores = &self.scores[row];
        let lowest = (0..self.documents.len())
            .filter(|&d| positives.iter().any(|p| p["en"] == self.documents[d]["en"]))
            .map(|d| scores[d])
            .fold(f32::INFINITY, f32::min);

        let mut ranking: Vec<usize> = (0..self.documents.len()).collect();
        // The sort is stable: equal scores stay in the order of the documents.
        ranking.sort_by(|a, b| scores[*b].partial_cmp(&scores[*a]).expect("finite"));
        let survivors = options.rank_semantics == RankSemantics::Survivors;
        if survivors {
            ranking.truncate(options.range_max + most_rows);
        }
        let mut dropped = Dropped::default();
        let (mut rank, mut place, mut window) = (0, 0, Vec::new());
        for document in ranking {
            let (label, score) = (self.document_labels[document], scores[document]);
            let above = |limit: Option<f64>| limit.is_some_and(|limit| score > limit as f32);
            let p = f64::from(lowest);
            if own_positives.contains(&label) {
                dropped.own_positive += 1;
                continue;
            }
            rank += 1;
            if !survivors && rank > options.range_max {
                break;
            }
            let count = if !survivors && rank <= options.range_min {
                &mut dropped.before_window
            } else if own_negatives.contains(&label) {
                &mut dropped.own_negative
            } else if self.rows[row].query.keys().any(|l| !self.documents[document].contains_key(l)) {
                &mut dropped.languages
            } else if above(options.absolute_margin.map(|margin| p - margin)) {
                &mut dropped.absolute_margin
            } else if above(options.relative_margin.map(|margin| p - p.abs() * margin)) {
                &mut dropped.relative_margin
            } else if above(options.max_score) {
                &mut dropped.max_score
            } else if options.min_score.is_some_and(|limit| score < limit as f32) {
                &mut dropped.min_score
            } else {
                place += 1;
                if survivors && place <= options.range_min {
                    &mut dropped.before_window
                } else if survivors && place > options.range_max {
                    &mut dropped.after_window
                } else {
                    window.push((document as u32, rank));
                    continue;
                }
            };
            *count += 1;
        }
        dropped.not_sampled = window.len().saturating_sub(options.count) as u64;
        if options.sampling == Sampling::Random {
            let id = &self.rows[row].id;
            let key = blake3::hash(&[&options.seed.to_le_bytes(), id.as_bytes()].concat());
            let number = |document: u32| {
                let text = blake3::hash(self.documents[document as usize]["en"].as_bytes());
                blake3::keyed_hash(key.as_bytes(), text.as_bytes())
            };
            window.sort_by(|a, b| number(a.0).as_bytes().cmp(number(b.0).as_bytes()));
            window.truncate(options.count);
            window.sort_by_key(|(_, rank)| *rank);
        }
        window.truncate(options.count);
        (window, dropped)
    }
}

/// Mines with each of `all` options on one, two or three threads, and holds it against the reference.
/// Returns what was dropped, summed over the options.
fn check(seed: u64, rows: usize, corpus: usize, with_negatives: bool, all: &[MiningOptions]) -> Dropped {
    let (rows, corpus) = data(rows, corpus);
    let pool = Pool::new(&rows, with_negatives, &corpus, "en").expect("a pool");
    let mut reference = Reference::new(&rows, &corpus, with_negatives);
    let expected_texts: Vec<&str> = reference.documents.iter().map(|d| d["en"].as_str()).collect();
    assert_eq!(pool.texts(), expected_texts);
    let vectors = Vectors {
        dim: DIM,
        queries: vectors(seed, rows.len()),
        documents: vectors(!seed, pool.texts().len()),
    };
    reference.score(&vectors);
    let sharing = |label: &usize| reference.query_labels.iter().filter(|other| *other == label).count();
    let most_rows = reference.query_labels.iter().map(sharing).max().expect("rows");
    let mut all_dropped = Dropped::default();
    for (options, threads) in all.iter().zip([1, 2, 3].into_iter().cycle()) {
        let (outcomes, report) = mine(&pool, &vectors, options, threads).expect("mined");
        let mut dropped = Dropped::default();
        let (mut mined, mut complete, mut none) = (0, 0, 0);
        for (row, (outcome, written)) in outcomes.iter().enumerate() {
            let (expected, counted) = reference.row(row, options, most_rows);
            let found: Vec<(u32, usize)> = outcome.mined.iter().map(|m| (m.document, m.rank)).collect();
            assert_eq!(found, expected, "row {row}, {options:?}");
            assert!(outcome.mined.iter().all(|m| m.score == reference.scores[row][m.document as usize]));
            let texts = expected.iter().map(|(d, _)| &reference.documents[*d as usize]["en"]);
            let own = rows[row].negatives.iter().map(|negative| &negative["en"]);
            assert!(written.negatives.iter().map(|negative| &negative["en"]).eq(own.chain(texts)));
            assert!(written.negatives.iter().all(|negative| negative.keys().eq(written.query.keys())));
            let short = expected.len() < options.count;
            assert_eq!(outcome.left_out, short && options.incomplete == Incomplete::Drop);
            mined += expected.len() as u64;
            complete += usize::from(!short);
            none += usize::from(expected.is_empty());
            add(&mut dropped, &counted);
        }
        assert_eq!(report.dropped, dropped, "{options:?}");
        assert_eq!((report.rows, report.documents), (rows.len(), pool.texts().len()));
        assert_eq!((report.mined, report.complete, report.without), (mined, complete, none));
        assert_eq!(report.short, rows.len() - complete - none);
        let looked_at = mined + dropped.reasons().iter().map(|(_, count)| count).sum::<u64>();
        assert_eq!(report.candidates, looked_at);
        add(&mut all_dropped, &dropped);
    }
    all_dropped
}

fn add(sum: &mut Dropped, other: &Dropped) {
    let Dropped {
        own_positive,
        own_negative,
        languages,
        absolute_margin,
        relative_margin,
        max_score,
        min_score,
        before_window,
        after_window,
        not_sampled,
    } = *other;
    sum.own_positive += own_positive;
    sum.own_negative += own_negative;
    sum.languages += languages;
    sum.absolute_margin += absolute_margin;
    sum.relative_margin += relative_margin;
    sum.max_score += max_score;
    sum.min_score += min_score;
    sum.before_window += before_window;
    sum.after_window += after_window;
    sum.not_sampled += not_sampled;
}

/// More than one block of queries, and 2,000 documents.
#[test]
fn two_thousand_documents_are_mined_as_the_reference_mines_them() {
    let base = MiningOptions { incomplete: Incomplete::Keep, ..Default::default() };
    let paper = MiningOptions {
        range_min: 50,
        range_max: 300,
        max_score: Some(1.5),
        relative_margin: Some(0.05),
        ..MiningOptions::default()
    };
    let all = [
        base.clone(),
        paper.clone(),
        MiningOptions { rank_semantics: RankSemantics::Survivors, ..paper.clone() },
        MiningOptions { sampling: Sampling::Random, seed: 7, ..paper.clone() },
        MiningOptions {
            rank_semantics: RankSemantics::Survivors,
            sampling: Sampling::Random,
            absolute_margin: Some(0.25),
            ..paper
        },
        MiningOptions { min_score: Some(1.75), max_score: Some(2.5), count: 12, ..base.clone() },
        MiningOptions { rank_semantics: RankSemantics::Survivors, range_min: 20, ..base.clone() },
        // As deep as the pool, and more.
        MiningOptions { range_min: 1_900, range_max: 2_500, count: 90, ..base },
    ];
    let mut dropped = check(11, 2_100, 120, false, &all);
    add(&mut dropped, &check(12, 700, 640, true, &all));
    for (reason, count) in dropped.reasons() {
        assert!(count > 0, "{reason}: none of the cases has it");
    }
}

#[test]
fn any_options_on_any_data_are_mined_as_the_reference_mines_them() {
    let score = || prop::option::of((-8_i32..16).prop_map(|quarters| f64::from(quarters) / 4.0));
    let margin = || prop::option::of((0_u32..12).prop_map(|eighths| f64::from(eighths) / 8.0));
    let options = (
        (0_usize..30, 1_usize..60, 1_usize..9),
        (score(), score(), margin(), margin()),
        (any::<bool>(), any::<bool>(), any::<bool>(), any::<u64>()),
    );
    let options = options.prop_filter_map("they exclude each other", |(window, limits, choice)| {
        let ((range_min, width, count), (max_score, min_score, absolute_margin, relative_margin)) =
            (window, limits);
        let (survivors, random, keep, seed) = choice;
        let options = MiningOptions {
            range_min,
            range_max: range_min + width,
            max_score,
            min_score,
            absolute_margin,
            relative_margin,
            rank_semantics: if survivors { RankSemantics::Survivors } else { RankSemantics::Raw },
            sampling: if random { Sampling::Random } else { Sampling::Top },
            count: count.min(width),
            incomplete: if keep { Incomplete::Keep } else { Incomplete::Drop },
            seed,
        };
        options.check().is_ok().then_some(options)
    });
    let cases = ((any::<u64>(), 1_usize..60, 0_usize..60, any::<bool>()), options);
    let config = ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&cases, |((seed, rows, corpus, with_negatives), options)| {
            check(seed, rows, corpus, with_negatives, &[options]);
            Ok(())
        })
        .expect("as the reference");
}
