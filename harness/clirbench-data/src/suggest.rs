//! "Did you mean": the known word that is nearest to a mistyped one.

/// The candidate that `word` was probably meant to be.
///
/// ```
/// assert_eq!(clirbench_data::nearest("langauges", ["name", "languages"]), Some("languages"));
/// assert_eq!(clirbench_data::nearest("colour", ["name", "languages"]), None);
/// ```
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = 1 + word.chars().count() / 4;
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The key or value that a serde message of an unknown field or variant was probably about.
///
/// serde words these as ``unknown field `x`, expected one of `a`, `b` ``: the first name is the
/// one that was found and the others are those that exist.
#[must_use]
pub fn did_you_mean(message: &str) -> Option<&str> {
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return None;
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let found = names.next()?;
    nearest(found, names)
}
