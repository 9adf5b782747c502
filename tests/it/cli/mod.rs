//! What the commands print and how they end: standard output, standard error and exit status together.
//!
//! To take over what changed on purpose: `INSTA_UPDATE=always cargo test -p clirbench-tests`, then read
//! the difference.

mod audit;
mod bench_file;
mod cache;
mod compare;
mod data;
mod model;
mod plan;
mod plugin;
mod published;
mod usage;

use crate::place::{Ended, Place, root};

/// What a command left behind, without what differs from machine to machine.
fn shown(ended: &Ended, place: &Place) -> String {
    let code = ended.code.map_or_else(|| "none".to_owned(), |code| code.to_string());
    let text = format!("exit status {code}\n--- stdout\n{}--- stderr\n{}", ended.stdout, ended.stderr);
    let place = place.path("");
    let place = place.to_str().expect("UTF-8").trim_end_matches('/');
    let root = root().to_str().expect("UTF-8");
    hashes_hidden(&text.replace(place, "[place]").replace(root, "[repository]"))
}

/// Hexadecimal words of 40 digits and more are keys and checksums.
fn hashes_hidden(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let hex = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        out.push_str(if hex >= 40 { "[hash]" } else { &rest[..hex] });
        let next = rest[hex..].chars().next().map_or(0, char::len_utf8);
        out.push_str(&rest[hex..hex + next]);
        rest = &rest[hex + next..];
    }
    out
}
