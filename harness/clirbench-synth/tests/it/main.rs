//! The pipeline against a chat endpoint on this machine, one module per promise:
//!
//! - `pipeline`: what is asked and what is written when all goes well, and that nothing depends on
//!   the order of replies;
//! - `replies`: replies that must not be accepted, and what follows;
//! - `faults`: an endpoint that is slow, breaks off, fails, limits or refuses;
//! - `budget`: nothing is spent that was not allowed, however many ask at once;
//! - `resume`: what an ended run leaves, and what the next one asks;
//! - `secrets`: the API key is nowhere.
//!
//! `server` is the endpoint; the end-to-end tests of the program use it too.
#![allow(clippy::print_stdout, reason = "tests say what they found")]

mod budget;
mod faults;
mod pipeline;
mod place;
mod replies;
mod resume;
mod secrets;
mod server;
