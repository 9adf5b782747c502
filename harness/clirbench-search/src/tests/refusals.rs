use super::NEVER;
use crate::{Dense, Pool, Search, SearchError, Target};

/// Runs three documents and one query with `change` made to a sound search.
fn error_of(change: impl FnOnce(&mut Search<'_>)) -> SearchError {
    let mut search = Search {
        queries: &Dense::new(&[1.0, 1.0], 1, 2).expect("1 x 2"),
        query_rows: &[0],
        documents: &Dense::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3, 2).expect("3 x 2"),
        pool: Pool { rows: &[2, 0], order: &[0, 1] },
        targets: &[Target::default()],
        top_k: 1,
        threads: 1,
        cancel: &NEVER,
    };
    assert!(search.run().is_ok());
    change(&mut search);
    search.run().expect_err("an unsound search")
}

fn message_of(change: impl FnOnce(&mut Search<'_>)) -> String {
    error_of(change).to_string()
}

fn targets(judged: &[(u32, i32)], excluded: &[u32]) -> &'static [Target] {
    Box::leak(Box::new([Target { judged: judged.to_vec(), excluded: excluded.to_vec() }]))
}

#[test]
fn parts_that_do_not_fit() {
    let three = Dense::new(&[0.0; 3], 1, 3).expect("1 x 3");
    assert_eq!(
        message_of(|search| search.queries = Box::leak(Box::new(three))),
        "query dimension against document dimension: 3 and 2 differ; pass matrices and lists that belong together"
    );
    assert!(message_of(|search| search.targets = &[]).starts_with("targets against queries: 0 and 1 differ"));
    assert!(
        message_of(|search| search.pool.order = &[0])
            .starts_with("tie orders against pool documents: 1 and 2")
    );
    assert!(
        message_of(|search| search.query_rows = &[1])
            .starts_with("query 0 names row 1, but its matrix has 1 rows")
    );
    assert!(
        message_of(|search| search.pool.rows = &[0, 3])
            .starts_with("pool document 1 names row 3, but its matrix has 3")
    );
}

#[test]
fn targets_that_contradict_the_pool_or_themselves() {
    assert!(
        message_of(|s| s.targets = targets(&[(2, 1)], &[]))
            .starts_with("query 0 names pool document 2, but the pool has 2")
    );
    assert!(message_of(|s| s.targets = targets(&[], &[7])).starts_with("query 0 names pool document 7"));
    assert!(
        message_of(|s| s.targets = targets(&[(1, 1), (0, 1), (1, 2)], &[]))
            .starts_with("query 0 judges pool document 1 twice")
    );
    assert!(
        message_of(|s| s.targets = targets(&[(1, 0)], &[0, 1]))
            .starts_with("query 0 both judges and excludes pool document 1")
    );
}

#[test]
fn a_score_that_is_not_finite_names_both_rows() {
    let overflow: &[f32] = &[1.0, 2.0, 3.0, 4.0, f32::MAX, f32::MAX];
    let below: &[f32] = &[1.0, 2.0, 3.0, 4.0, f32::MIN, f32::MIN];
    let nan: &[f32] = &[1.0, 2.0, 3.0, 4.0, f32::NAN, 0.0];
    for documents in [overflow, below, nan] {
        // Met in the scan, with and without a top, and met as a relevant document.
        for (top_k, judged) in [(1, &[][..]), (0, &[]), (0, &[(0, 1)])] {
            let error = error_of(|search| {
                search.documents = Box::leak(Box::new(Dense::new(documents, 3, 2).expect("3 x 2")));
                search.targets = targets(judged, &[]);
                search.top_k = top_k;
            });
            let SearchError::NonFinite { query_row: 0, document_row: 2, score } = error else {
                panic!("{error}");
            };
            assert!(!score.is_finite());
        }
    }
}

#[test]
fn a_vector_that_is_not_in_the_pool_may_be_anything() {
    let documents = [1.0, 2.0, f32::NAN, 4.0, 5.0, 6.0];
    let search = Search {
        queries: &Dense::new(&[1.0, 1.0], 1, 2).expect("1 x 2"),
        query_rows: &[0],
        documents: &Dense::new(&documents, 3, 2).expect("3 x 2"),
        pool: Pool { rows: &[0, 2], order: &[0, 1] },
        targets: &[Target::default()],
        top_k: 1,
        threads: 1,
        cancel: &NEVER,
    };
    assert_eq!(search.run().expect("finite")[0].top[0].document, 1);
}

#[test]
fn a_matrix_has_exactly_its_rows() {
    assert!(Dense::new(&[0.0; 5], 2, 3).is_none());
    assert!(Dense::new(&[0.0; 7], 2, 3).is_none());
    assert!(Dense::new(&[], usize::MAX, 2).is_none());
    assert!(Dense::new(&[0.0; 6], 2, 3).is_some());
}
