//! encoder-hashed
