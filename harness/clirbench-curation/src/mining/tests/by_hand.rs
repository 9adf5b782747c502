//! Small cases whose answers can be read off.

use clirbench_data::{ParallelTriple, TrainingRow};

use super::{Vectors, mine, texts, triple};
use crate::mining::{Incomplete, MiningOptions, Origin, Pool, Sampling};

/// One component: the score of a document is its number, that of every query is 1.
fn line<const N: usize>(rows: usize, documents: [f32; N]) -> Vectors {
    Vectors { dim: 1, queries: vec![1.0; rows], documents: documents.to_vec() }
}

fn keep(count: usize) -> MiningOptions {
    MiningOptions { count, incomplete: Incomplete::Keep, ..Default::default() }
}

fn row(query: &str, positive: &str) -> TrainingRow {
    TrainingRow { query: query.to_owned(), positive: positive.to_owned(), ..Default::default() }
}

fn corpus(passages: &[&str]) -> Vec<(String, String)> {
    passages.iter().map(|text| (format!("id of {text}"), (*text).to_owned())).collect()
}

#[test]
fn a_score_that_equals_a_limit_survives() {
    // The positive scores 0.8; 0.76 is 5% below, 0.7 is 0.1 below.
    let rows = [row("q", "p")];
    let corpus = corpus(&["a", "b", "c", "d"]);
    let pool = Pool::new(&rows, false, &corpus, "").expect("a pool");
    let next = |x: f32| x.next_up();
    let mined = |scores: [f32; 4], options: MiningOptions| {
        let vectors = line(1, [0.8, scores[0], scores[1], scores[2], scores[3]]);
        let (outcomes, _) = mine(&pool, &vectors, &options, 1).expect("mined");
        outcomes[0].1.negatives.concat()
    };
    let relative = MiningOptions { relative_margin: Some(0.05), ..keep(4) };
    assert_eq!(mined([0.76, next(0.76), 0.9, 0.1], relative), "ad");
    let absolute = MiningOptions { absolute_margin: Some(0.1), ..keep(4) };
    assert_eq!(mined([0.7, next(0.7), 0.8, 0.69], absolute), "ad");
    let max = MiningOptions { max_score: Some(0.3), ..keep(4) };
    assert_eq!(mined([0.3, next(0.3), 0.5, -0.3], max), "ad");
    let min = MiningOptions { min_score: Some(0.3), ..keep(4) };
    assert_eq!(mined([0.3, 0.3_f32.next_down(), 0.5, -0.3], min), "ca");
    // A margin takes the limit down, whatever the positive's sign.
    let vectors = line(1, [-0.5, -0.5, -0.52, -0.525, -0.6]);
    let options = MiningOptions { relative_margin: Some(0.05), ..keep(4) };
    assert_eq!(mine(&pool, &vectors, &options, 1).expect("mined").0[0].1.negatives.concat(), "cd");
}

#[test]
fn a_passage_that_equals_the_positive_in_any_language_is_never_a_negative() {
    let both = |english: &str, korean: &str| texts(&[("en", english), ("ko", korean)]);
    let rows = [
        triple("1", both("q", "질문"), both("p", "답"), vec![both("n", "아니")]),
        triple("2", both("r", "다른 질문"), both("same in Korean", "답"), vec![]),
        triple("3", both("s", "또"), both("n", "오"), vec![]),
        // The same question once more, with another answer, which is further from it.
        triple("4", both("q", "되묻기"), both("far", "멀리"), vec![]),
        triple("5", both("t", "세 번째"), both("left", "남은 것"), vec![]),
        triple("6", texts(&[("en", "u")]), texts(&[("en", "only English")]), vec![]),
    ];
    let pool = Pool::new(&rows, false, &[], "en").expect("a pool");
    assert_eq!(pool.texts(), ["p", "same in Korean", "n", "far", "left", "only English"]);
    let vectors = line(6, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]);
    let (outcomes, report) = mine(&pool, &vectors, &keep(4), 1).expect("mined");
    let mined = |row: usize| outcomes[row].1.negatives.clone();
    assert_eq!(mined(0), [both("n", "아니"), both("left", "남은 것")]);
    assert_eq!(outcomes[0].0.positive_score, 0.6);
    assert_eq!(mined(3), [both("n", "오"), both("left", "남은 것")]);
    assert_eq!(mined(4).len(), 4);
    // A row in one language can have any passage, in that language.
    assert_eq!(mined(5), ["p", "same in Korean", "n", "far"].map(|text| texts(&[("en", text)])));
    let dropped = report.dropped;
    assert_eq!((dropped.own_positive, dropped.own_negative, dropped.languages), (11, 1, 5));
    assert_eq!(pool.origin(2), Origin { column: "positive", id: "3" });
}

#[test]
fn equal_texts_are_one_document_which_is_in_all_languages_that_one_of_them_is_in() {
    let english = |text: &str| texts(&[("en", text)]);
    let both = texts(&[("en", "x"), ("ko", "엑스")]);
    let rows = [
        triple("1", english("q"), english("p"), vec![english("x"), english("y")]),
        triple("2", texts(&[("en", "r"), ("ko", "문")]), texts(&[("en", "s"), ("ko", "답")]), vec![]),
    ];
    let corpus = [("c".to_owned(), both.clone()), ("d".to_owned(), english("p"))];
    let pool = Pool::new(&rows, true, &corpus, "en").expect("a pool");
    assert_eq!(pool.texts(), ["p", "s", "x", "y"]);
    assert_eq!((pool.occurrences(), pool.passages()), (&[0, 1, 2, 3][..], 6));
    assert_eq!((pool.passage(2), pool.origin(2)), (&both, Origin { column: "corpus", id: "c" }));
    let (outcomes, _) = mine(&pool, &line(2, [0.9, 0.8, 0.7, 0.6]), &keep(3), 1).expect("mined");
    assert_eq!(outcomes[1].1.negatives, [both]);
    let without = Pool::new(&rows, false, &[], "en").expect("a pool");
    assert_eq!(without.texts(), ["p", "s"]);
    let error = Pool::new(&rows, false, &corpus, "ko").expect_err("row 1 has no Korean").to_string();
    assert!(error.starts_with("query of `1`: it is not in `ko` but in en;"), "{error}");
    let empty = [("c".to_owned(), english(" "))];
    let error = Pool::new(&rows, true, &empty, "en").expect_err("empty").to_string();
    assert!(error.starts_with("corpus of `c`: its text is empty;"), "{error}");
}

#[test]
fn rows_in_one_language_keep_what_they_say_of_themselves() {
    let languages = |of: &[&str]| of.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
    let rows = [
        TrainingRow {
            id: Some("7".to_owned()),
            parallel: Some("정답".to_owned()),
            languages: languages(&["en", "en", "ko"]),
            label: Some(1.0),
            ..row("q", "p")
        },
        TrainingRow {
            negatives: vec!["n".to_owned()], languages: languages(&["en"; 3]), ..row("r", "정답")
        },
        TrainingRow { languages: languages(&["en"; 2]), ..row("s", "z") },
    ];
    let pool = Pool::new(&rows, false, &[], "en").expect("a pool");
    let vectors = line(3, [0.9, 0.8, 0.7]);
    let (outcomes, _) = mine(&pool, &vectors, &keep(3), 1).expect("mined");
    // The second row's positive is what the first has as its parallel text.
    let expected = TrainingRow {
        negatives: vec!["z".to_owned()],
        languages: languages(&["en", "en", "ko", "en"]),
        ..rows[0].clone()
    };
    assert_eq!(outcomes[0].1, expected);
    assert_eq!(outcomes[1].1.negatives, ["n", "p", "z"]);
    assert_eq!((outcomes[1].1.languages.len(), outcomes[2].1.languages.len()), (3, 3));
}

#[test]
fn triplets_have_one_negative_each_and_an_id_of_their_own() {
    let rows = [
        triple("1", texts(&[("en", "q")]), texts(&[("en", "p")]), vec![texts(&[("en", "n")])]),
        triple("2", texts(&[("en", "r")]), texts(&[("en", "s")]), vec![]),
    ];
    let pool = Pool::new(&rows, false, &[], "en").expect("a pool");
    let vectors = line(2, [0.9, 0.8]);
    let options = keep(1);
    let documents = clirbench_search::Dense::new(&vectors.documents, 2, 1).expect("2 x 1");
    let queries = clirbench_search::Dense::new(&vectors.queries, 2, 1).expect("2 x 1");
    let mining = crate::mining::Mining {
        pool: &pool,
        queries: &queries,
        query_rows: &[0, 1],
        documents: &documents,
        document_rows: &[0, 1],
        options: &options,
        threads: 1,
        cancel: &Default::default(),
    };
    let mut written: Vec<ParallelTriple> = Vec::new();
    mining
        .run(&mut |outcome| {
            written.extend(mining.triplets(&outcome));
            Ok(())
        })
        .expect("mined");
    let said: Vec<_> = written.iter().map(|t| (t.id.as_str(), t.negatives[0]["en"].as_str())).collect();
    assert_eq!(said, [("1#1", "n"), ("1#2", "s"), ("2#1", "p")]);
}

#[test]
fn a_random_sample_depends_on_the_row_and_not_on_its_place() {
    let rows: Vec<TrainingRow> = (0..40).map(|i| row(&format!("q{i}"), &format!("p{i}"))).collect();
    let reversed: Vec<TrainingRow> = rows.iter().rev().cloned().collect();
    let options = MiningOptions { sampling: Sampling::Random, ..keep(3) };
    let sample = |rows: &[TrainingRow], options: &MiningOptions| {
        let pool = Pool::new(rows, false, &[], "").expect("a pool");
        // A document's score is the number in its text.
        let documents = rows.iter().map(|row| row.positive[1..].parse().expect("a number")).collect();
        let vectors = Vectors { dim: 1, queries: vec![1.0; rows.len()], documents };
        let (outcomes, _) = mine(&pool, &vectors, options, 2).expect("mined");
        let mut sampled: Vec<_> = outcomes.into_iter().map(|(_, row)| (row.query, row.negatives)).collect();
        sampled.sort();
        sampled
    };
    let first = sample(&rows, &options);
    assert_eq!(first, sample(&reversed, &options));
    assert_ne!(first, sample(&rows, &MiningOptions { seed: 43, ..options }));
    // Not the same ranks for every row: 40 rows with 3 of 39 each.
    let distinct: std::collections::HashSet<_> = first.iter().map(|(_, negatives)| negatives).collect();
    assert!(distinct.len() > 30, "{}", distinct.len());
}

#[test]
fn options_that_cannot_give_a_negative_are_refused_by_name() {
    let with = |change: fn(&mut MiningOptions)| {
        let mut options = MiningOptions::default();
        change(&mut options);
        options.check().expect_err("refused").to_string()
    };
    for (error, part) in [
        (with(|o| o.count = 0), "count is 0"),
        (with(|o| o.range_min = 50), "range-min is 50, range-max 50"),
        (
            with(|o| (o.range_min, o.range_max) = (50, 54)),
            "5 negatives per row do not fit into ranks 51 to 54",
        ),
        (with(|o| o.relative_margin = Some(-0.05)), "relative-margin is -0.05"),
        (with(|o| o.absolute_margin = Some(f64::NAN)), "absolute-margin is NaN"),
        (with(|o| o.max_score = Some(f64::INFINITY)), "max-score is inf"),
        (
            with(|o| (o.min_score, o.max_score) = (Some(0.8), Some(0.2))),
            "min-score 0.8 is above max-score 0.2",
        ),
    ] {
        assert!(error.contains(part), "{error}");
    }
    MiningOptions::default().check().expect("the default works");
}
