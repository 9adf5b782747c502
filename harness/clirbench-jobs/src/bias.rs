//! Language preference in a cell's mixed pool: what core's statistics need, from positions.
