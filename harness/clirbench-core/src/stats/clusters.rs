//! Rows grouped by query id.

use super::StatsError;

/// Which rows belong to which query id; the unit of resampling.
///
/// Clusters are numbered in bytewise order of their ids, so that the order of the rows does not
/// decide which cluster a seed draws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clusters {
    /// Cluster of each row.
    of_row: Vec<u32>,
    /// Rows in each cluster.
    sizes: Vec<u32>,
}

impl Clusters {
    /// Groups rows by their query id.
    ///
    /// # Errors
    /// [`StatsError::Empty`] when there is no row.
    pub fn of<S: AsRef<str>>(ids: &[S]) -> Result<Clusters, StatsError> {
        if ids.is_empty() {
            return Err(StatsError::Empty);
        }
        let mut rows: Vec<usize> = (0..ids.len()).collect();
        rows.sort_by(|&a, &b| ids[a].as_ref().cmp(ids[b].as_ref()));
        let mut of_row = vec![0; ids.len()];
        let mut sizes = Vec::new();
        for group in rows.chunk_by(|&a, &b| ids[a].as_ref() == ids[b].as_ref()) {
            for &row in group {
                of_row[row] = sizes.len() as u32;
            }
            sizes.push(group.len() as u32);
        }
        Ok(Clusters { of_row, sizes })
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.of_row.len()
    }

    /// Number of clusters: distinct query ids.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Never true: [`Clusters::of`] refuses to group nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// Rows in each cluster.
    #[must_use]
    pub fn sizes(&self) -> &[u32] {
        &self.sizes
    }

    /// Sum of `values` within each cluster.
    ///
    /// # Errors
    /// When `values` is not parallel to the rows or holds a non-finite value.
    pub fn sums(&self, values: &[f64]) -> Result<Vec<f64>, StatsError> {
        if values.len() != self.rows() {
            return Err(StatsError::Length { expected: self.rows(), found: values.len() });
        }
        let mut sums = vec![0.0; self.len()];
        for (row, (&value, &cluster)) in values.iter().zip(&self.of_row).enumerate() {
            if !value.is_finite() {
                return Err(StatsError::NotFinite { row, value });
            }
            sums[cluster as usize] += value;
        }
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_id_are_summed() {
        let clusters = Clusters::of(&["b", "a", "b", "c"]).expect("not empty");
        assert_eq!(clusters.sizes(), [1, 2, 1]);
        assert_eq!(clusters.sums(&[1.0, 2.0, 4.0, 8.0]), Ok(vec![2.0, 5.0, 8.0]));
    }

    #[test]
    fn bad_input_is_an_error() {
        assert_eq!(Clusters::of::<&str>(&[]), Err(StatsError::Empty));
        let clusters = Clusters::of(&["a", "b"]).expect("not empty");
        assert_eq!(clusters.sums(&[1.0]), Err(StatsError::Length { expected: 2, found: 1 }));
        let error = clusters.sums(&[1.0, f64::INFINITY]);
        assert_eq!(error, Err(StatsError::NotFinite { row: 1, value: f64::INFINITY }));
    }
}
