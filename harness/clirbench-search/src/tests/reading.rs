use std::{
    error::Error,
    io,
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{Dense, Pool, Rows, Search, SearchError, Target};

/// Row `i` is `[i]`; writes down what is read, fails at one row, raises a flag at another.
#[derive(Default)]
struct Watched {
    len: usize,
    read: Mutex<Vec<Range<usize>>>,
    unreadable: Option<usize>,
    cancels_at: Option<usize>,
    cancel: AtomicBool,
    threads: usize,
}

impl Rows for Watched {
    fn len(&self) -> usize {
        self.len
    }

    fn dim(&self) -> usize {
        1
    }

    fn read(&self, rows: Range<usize>, out: &mut [f32]) -> io::Result<()> {
        self.read.lock().expect("no panic").push(rows.clone());
        if self.unreadable.is_some_and(|row| rows.contains(&row)) {
            return Err(io::Error::other("the disk is gone"));
        }
        if self.cancels_at.is_some_and(|row| rows.contains(&row)) {
            self.cancel.store(true, Ordering::Relaxed);
        }
        for (out, row) in out.iter_mut().zip(rows) {
            *out = row as f32;
        }
        Ok(())
    }
}

impl Watched {
    fn search(&self, rows: &[u32], targets: &[Target]) -> Result<Vec<crate::Outcome>, SearchError> {
        let order: Vec<u32> = (0..rows.len() as u32).collect();
        let search = Search {
            queries: &Dense::new(&[1.0], 1, 1).expect("1 x 1"),
            query_rows: &vec![0; targets.len()],
            documents: self,
            pool: Pool { rows, order: &order },
            targets,
            top_k: 1,
            threads: self.threads,
            cancel: &self.cancel,
        };
        search.run()
    }

    fn reads(self) -> Vec<Range<usize>> {
        let mut reads = self.read.into_inner().expect("no panic");
        reads.sort_by_key(|rows| rows.start);
        reads
    }
}

#[test]
fn each_row_of_the_pool_is_read_once_and_neighbours_together() {
    let documents = Watched { len: 100, threads: 2, ..Watched::default() };
    // Out of order, row 7 three times, rows 9 and 90.. not in the pool.
    let rows: Vec<u32> = (10..90).rev().chain(0..9).chain([7, 7]).collect();
    let targets = vec![Target::default(); 30];
    let outcomes = documents.search(&rows, &targets).expect("readable");
    assert!(outcomes.iter().all(|outcome| outcome.top[0].score == 89.0));
    // 89 distinct rows are two panels: 9 + 55 and 25.
    assert_eq!(documents.reads(), [0..9, 10..65, 65..90]);
}

#[test]
fn relevant_and_excluded_rows_are_read_beforehand() {
    let documents = Watched { len: 40, threads: 2, ..Watched::default() };
    let target = Target { judged: vec![(3, 1), (30, 1), (20, 0)], excluded: vec![4] };
    documents.search(&(0..32).collect::<Vec<_>>(), &[target]).expect("readable");
    assert_eq!(documents.reads(), [0..32, 3..5, 30..31]);
}

#[test]
fn an_unreadable_row_is_named_with_its_cause() {
    let documents = Watched { len: 80, threads: 2, unreadable: Some(70), ..Watched::default() };
    let error = documents.search(&(0..80).collect::<Vec<_>>(), &[Target::default()]).expect_err("unreadable");
    assert_eq!(error.to_string(), "cannot read rows 64..80 of the document matrix");
    assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("the disk is gone"));
}

#[test]
fn cancelling_stops_before_the_next_block() {
    // A block is at most 128 panels of 64.
    let len = 3 * 128 * 64;
    let documents = Watched { len, cancels_at: Some(5), threads: 1, ..Watched::default() };
    let rows: Vec<u32> = (0..len as u32).collect();
    let error = documents.search(&rows, &[Target::default()]).expect_err("cancelled");
    assert!(matches!(error, SearchError::Cancelled));
    assert_eq!(documents.reads().last(), Some(&(127 * 64..128 * 64)));

    let documents = Watched { len: 1, threads: 2, ..Watched::default() };
    documents.cancel.store(true, Ordering::Relaxed);
    assert!(matches!(documents.search(&[0], &[Target::default()]), Err(SearchError::Cancelled)));
    assert!(documents.reads().is_empty());
}

#[test]
fn nothing_to_do() {
    let documents = Watched { len: 3, threads: 2, ..Watched::default() };
    assert_eq!(documents.search(&[0, 1], &[]).expect("no queries"), []);
    let outcomes = documents.search(&[], &[Target::default()]).expect("no documents");
    assert_eq!(outcomes, [crate::Outcome::default()]);
}
