//! What a user can do about each kind of problem.

use crate::error::Kind;

/// One clause that completes an error message.
pub(crate) fn of(kind: &Kind) -> String {
    let hint = match kind {
        Kind::Io(_) => "check the path and its permissions",
        Kind::NotFound { holds: None } => "its folder does not exist either: check `path`",
        Kind::NotFound { holds: Some(names) } => return not_found(names),
        Kind::Encoding { looks_like: Some(encoding), .. } => {
            return format!("convert the file to UTF-8, for example with `iconv -f {encoding} -t UTF-8`");
        }
        Kind::Encoding { .. } => "convert the file to UTF-8, or copy it again if it was damaged",
        Kind::Checksum { .. } => {
            "get the revision that the manifest names, or change the pin if the new content is meant"
        }
        Kind::Truncated => "copy or download the file again, it is not complete",
        Kind::Json(_) => "correct the JSON there",
        Kind::Shape { .. } => "correct the value there, or choose the `format` that the file has",
        Kind::Table(_) => "correct the row, or choose the `format` and columns that the file has",
        Kind::Toml { meant: Some(meant), .. } => return format!("did you mean `{meant}`?"),
        Kind::Toml { .. } => "correct the TOML there",
        Kind::Nothing(_) => "check that the file is complete and that `split` and `languages` are meant",
        Kind::Duplicate { .. } => "give every one its own id, or remove the copy",
        Kind::EmptyText { .. } => "give it a text, or remove it in every language and from the qrels",
        Kind::EmptyId(_) => "give it an id",
        Kind::MissingParallel { .. } => {
            "add them, remove them in every language, or leave one of the languages out"
        }
        Kind::Moved { .. } => "put it under the same paragraph in every language",
        Kind::LineCount { .. } => "line i of every language has to be the same sentence: find the shift",
        Kind::DanglingJudgement { .. } => "add it there, or remove the judgement",
        Kind::Contradiction { .. } => "keep the right one",
        Kind::Entry { hint, .. } => hint,
    };
    hint.to_owned()
}

fn not_found(names: &[String]) -> String {
    if names.is_empty() {
        return "its folder is empty: check `path`".to_owned();
    }
    const SHOWN: usize = 8;
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    format!("its folder holds {shown}{more}: check `path`, `languages`, `files` and `codes`")
}

/// The first few of `count` ids: `a, b, c, ...`.
pub(crate) fn sample(first: &[String], count: usize) -> String {
    let more = if count > first.len() { ", ..." } else { "" };
    format!("{}{more}", first.join(", "))
}
