//! Texts as they are compared: what differs only in case, width, spacing or punctuation is the same.

use unicode_normalization::{IsNormalized, UnicodeNormalization, char::is_combining_mark, is_nfkc_quick};

/// NFKC, lower case, and one space for every run of white space, none at the ends.
pub(crate) fn normal(text: &str) -> String {
    spaced(text, |c| !c.is_whitespace())
}

/// The same with letters, digits and combining marks alone: all else separates as white space does.
pub(crate) fn plain(text: &str) -> String {
    spaced(text, |c| c.is_alphanumeric() || is_combining_mark(c))
}

fn spaced(text: &str, kept: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut push = |c: char| {
        if kept(c) {
            out.extend(c.to_lowercase());
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    };
    match is_nfkc_quick(text.chars()) {
        IsNormalized::Yes => text.chars().for_each(&mut push),
        IsNormalized::No | IsNormalized::Maybe => text.nfkc().for_each(&mut push),
    }
    out.truncate(out.trim_end_matches(' ').len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_width_and_spacing_are_no_difference() {
        assert_eq!(normal("  Ｗｈｏ\t\n WAS  it? "), "who was it?");
        // A syllable of three jamo and the composed one.
        assert_eq!(normal("\u{1112}\u{1161}\u{11ab}"), normal("한"));
        assert_eq!(normal(" \n"), "");
    }

    #[test]
    fn punctuation_is_white_space_and_marks_are_not() {
        assert_eq!(plain("«Who?» -- it's “A.B.” "), "who it s a b");
        assert_eq!(plain("दिल्ली, भारत!"), "दिल्ली भारत");
        assert_eq!(plain("?!"), "");
    }
}
