use proptest::{prelude::*, sample::Index};

use super::{NEVER, reference};
use crate::{Dense, Pool, Search, Target, kernel::Kernel, search::Blocking};

/// A random search; the pool repeats rows and leaves rows out.
#[derive(Clone, Debug)]
struct Case {
    dim: usize,
    queries: Vec<f32>,
    query_rows: Vec<u32>,
    documents: Vec<f32>,
    rows: Vec<u32>,
    order: Vec<u32>,
    targets: Vec<Target>,
    top_k: usize,
}

impl Case {
    fn search<'a>(&'a self, queries: &'a Dense<'a>, documents: &'a Dense<'a>, threads: usize) -> Search<'a> {
        Search {
            queries,
            query_rows: &self.query_rows,
            documents,
            pool: Pool { rows: &self.rows, order: &self.order },
            targets: &self.targets,
            top_k: self.top_k,
            threads,
            cancel: &NEVER,
        }
    }
}

/// Few distinct values, so that ties abound; or many.
fn values(len: usize) -> impl Strategy<Value = Vec<f32>> {
    prop_oneof![
        prop::collection::vec(prop::sample::select(vec![-1.0_f32, -0.0, 0.0, 0.5, 1.0]), len),
        prop::collection::vec(-1.0_f32..1.0, len),
    ]
}

fn target(pool: usize) -> impl Strategy<Value = Target> {
    let documents = prop::collection::vec((any::<Index>(), -1_i32..3), 0..14);
    (documents, 0_usize..14).prop_map(move |(documents, excluded)| {
        let mut target = Target::default();
        for (i, (index, grade)) in documents.into_iter().enumerate() {
            let document = index.index(pool) as u32;
            if target.judged.iter().any(|j| j.0 == document) {
                continue;
            }
            if i < excluded {
                // An exclusion may be said twice.
                target.excluded.push(document);
            } else if !target.excluded.contains(&document) {
                target.judged.push((document, grade));
            }
        }
        target
    })
}

fn case() -> impl Strategy<Value = Case> {
    (0_usize..5, 1_usize..20, 1_usize..220, 1_usize..300, 0_usize..40).prop_flat_map(
        |(dim, query_len, document_len, pool, asked)| {
            (
                (Just(dim), values(query_len * dim), values(document_len * dim)),
                prop::collection::vec(0..query_len as u32, asked),
                prop::collection::vec(0..document_len as u32, pool),
                Just((0..pool as u32).map(|i| i * 3 + 7).collect::<Vec<_>>()).prop_shuffle(),
                prop::collection::vec(target(pool), asked),
                prop_oneof![Just(0), 1_usize..8, 1_usize..200],
            )
                .prop_map(
                    |((dim, queries, documents), query_rows, rows, order, targets, top_k)| Case {
                        dim,
                        queries,
                        query_rows,
                        documents,
                        rows,
                        order,
                        targets,
                        top_k,
                    },
                )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_blocking_equals_the_reference(
        case in case(),
        kernel in any::<Index>(),
        query_tiles in 1_usize..4,
        block_panels in 1_usize..5,
        threads in 0_usize..5,
    ) {
        let queries = Dense::new(&case.queries, case.queries.len().checked_div(case.dim).unwrap_or(20), case.dim);
        let documents = Dense::new(&case.documents, case.documents.len().checked_div(case.dim).unwrap_or(220), case.dim);
        let (queries, documents) = (queries.expect("whole rows"), documents.expect("whole rows"));
        let search = case.search(&queries, &documents, threads);
        let kernel = *kernel.get(&Kernel::available());
        let blocking = Blocking { kernel, query_tiles, block_panels };
        let expected = reference::run(&search);
        prop_assert_eq!(&search.run_in(blocking).expect("a sound search"), &expected);
        prop_assert_eq!(&search.run().expect("a sound search"), &expected);
    }
}
