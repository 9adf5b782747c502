//! A list of problems that stops growing before it stops being useful.

use crate::error::{Error, Kind, Place, Warning};

/// How many errors, and how many warnings, are kept; the rest are counted.
pub const LIMIT: usize = 20;

/// Errors and warnings in the order in which they were found.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    pub(crate) errors: Vec<Error>,
    pub(crate) more_errors: usize,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) more_warnings: usize,
}

impl Problems {
    pub(crate) fn error(&mut self, error: Error) {
        if self.errors.len() < LIMIT {
            self.errors.push(error);
        } else {
            self.more_errors += 1;
        }
    }

    pub(crate) fn at(&mut self, place: Place, kind: Kind) {
        self.error(Error::new(place, kind));
    }

    pub(crate) fn warn(&mut self, place: Place, message: impl Into<String>) {
        if self.warnings.len() < LIMIT {
            self.warnings.push(Warning { place, message: message.into() });
        } else {
            self.more_warnings += 1;
        }
    }

    /// The value, or `None` with its error noted.
    pub(crate) fn keep<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.error(error)).ok()
    }
}
