use clirbench_core::ranking::Standing;

use super::NEVER;
use crate::{Dense, Hit, Pool, Search, Target};

/// The query (1, 0) scores a document by its first component:
///
/// | pool position | 0 | 1 | 2 | 3 | 4 | 5 |
/// | row           | 0 | 1 | 2 | 1 | 3 | 1 |
/// | score         | 9 | 5 | 2 | 5 | 7 | 5 |
/// | order         | 4 | 3 | 2 | 1 | 0 | 5 |
const ROWS: [u32; 6] = [0, 1, 2, 1, 3, 1];
const ORDER: [u32; 6] = [4, 3, 2, 1, 0, 5];
const DOCUMENTS: [f32; 8] = [9.0, 1.0, 5.0, 1.0, 2.0, 1.0, 7.0, 1.0];

fn search(target: Target, top_k: usize) -> crate::Outcome {
    let search = Search {
        queries: &Dense::new(&[0.0, 1.0, 1.0, 0.0], 2, 2).expect("2 x 2"),
        query_rows: &[1],
        documents: &Dense::new(&DOCUMENTS, 4, 2).expect("4 x 2"),
        pool: Pool { rows: &ROWS, order: &ORDER },
        targets: &[target],
        top_k,
        threads: 1,
        cancel: &NEVER,
    };
    search.run().expect("a sound search").remove(0)
}

fn standing(judged: u32, grade: i32, (score, order): (f32, u32), above: u32, ties: (u32, u32)) -> Standing {
    Standing { grade, score, order, above, tied: ties.0, tied_ahead: ties.1, judged }
}

#[test]
fn copies_tie_and_the_order_decides() {
    let outcome = search(Target { judged: vec![(1, 1)], excluded: vec![] }, 6);
    // 9 and 7 are above; positions 3 and 5 are copies, and 3 comes before 1 in the order.
    assert_eq!(outcome.ranking.relevant, [standing(0, 1, (5.0, 3), 2, (2, 1))]);
    assert_eq!(outcome.ranking.pool_size, 6);
    let ranked: Vec<_> = outcome.top.iter().map(|hit| hit.document).collect();
    assert_eq!(ranked, [0, 4, 3, 1, 5, 2]);
}

#[test]
fn relevant_documents_do_not_count_against_each_other() {
    let outcome = search(Target { judged: vec![(2, 1), (5, 3), (0, 2), (3, 1)], excluded: vec![] }, 2);
    let expected = [
        standing(2, 2, (9.0, 4), 0, (0, 0)),
        // Position 4 is above; of the copies only position 1 is not relevant: behind 3, ahead of 5.
        standing(3, 1, (5.0, 1), 1, (1, 0)),
        standing(1, 3, (5.0, 5), 1, (1, 1)),
        standing(0, 1, (2.0, 2), 2, (0, 0)),
    ];
    assert_eq!(outcome.ranking.relevant, expected);
    assert_eq!(outcome.ranking.ideal, [3, 2, 1, 1]);
    assert_eq!(outcome.top, [Hit { document: 0, score: 9.0 }, Hit { document: 4, score: 7.0 }]);
}

#[test]
fn grades_of_zero_and_below_are_not_relevant() {
    let outcome = search(Target { judged: vec![(4, 0), (2, 2), (0, -1)], excluded: vec![] }, 0);
    assert_eq!(outcome.ranking.relevant, [standing(1, 2, (2.0, 2), 5, (0, 0))]);
    assert_eq!(outcome.ranking.ideal, [2]);
    assert_eq!(outcome.top, []);
}

#[test]
fn an_excluded_copy_leaves_the_other_copies() {
    // Said twice, excluded once.
    let outcome = search(Target { judged: vec![(1, 1)], excluded: vec![3, 0, 3] }, 3);
    assert_eq!(outcome.ranking.relevant, [standing(0, 1, (5.0, 3), 1, (1, 0))]);
    assert_eq!(outcome.ranking.pool_size, 4);
    let ranked: Vec<_> = outcome.top.iter().map(|hit| hit.document).collect();
    assert_eq!(ranked, [4, 1, 5]);
}
