//! Where words begin and end, in any script.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The form in which texts are compared: compatibility-composed (NFKC) and lowercase.
pub(crate) fn normalise(text: &str) -> String {
    let composed: String = text.nfkc().collect();
    // Lowercasing can decompose again (U+0130 becomes i and a dot above).
    composed.to_lowercase().nfc().collect()
}

/// A word, or a run of a script that puts no spaces between words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    /// Written without spaces between words: the run's bounds are no word bounds.
    pub(crate) unspaced: bool,
}

/// The words of a normalised text: the longest runs of letters, digits and the marks on them, cut
/// where an unspaced script begins or ends. A text with none of these (only emoji, say) yields its
/// visible characters as one unspaced run each.
pub(crate) fn words(text: &str) -> Vec<Word<'_>> {
    let found = runs(text, |c| c.is_alphanumeric() || is_combining_mark(c) || is_joiner(c));
    if found.is_empty() {
        return runs(text, |c| !c.is_whitespace() && !c.is_control())
            .into_iter()
            .map(|word| Word { unspaced: true, ..word })
            .collect();
    }
    found
}

fn runs(text: &str, belongs: impl Fn(char) -> bool) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start: Option<(usize, bool)> = None;
    for (at, c) in text.char_indices() {
        let kind = belongs(c).then(|| is_unspaced(c));
        match (start, kind) {
            (None, Some(unspaced)) if !is_joiner(c) => start = Some((at, unspaced)),
            (Some((from, was)), Some(unspaced)) if was != unspaced && !attaches(c) => {
                words.push(Word { text: &text[from..at], unspaced: was });
                start = Some((at, unspaced));
            }
            (Some((from, was)), None) => {
                words.push(Word { text: &text[from..at], unspaced: was });
                start = None;
            }
            _ => {}
        }
    }
    if let Some((from, unspaced)) = start {
        words.push(Word { text: &text[from..], unspaced });
    }
    words
}

/// Marks and joiners continue a run of whichever script precedes them.
fn attaches(c: char) -> bool {
    is_combining_mark(c) || is_joiner(c)
}

/// Zero-width non-joiner and joiner: spelling inside Persian and Indic words.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

/// Characters of scripts that are written without spaces between words.
fn is_unspaced(c: char) -> bool {
    is_ideograph(c) || is_unspaced_letter(c)
}

/// Letters and syllables that mean nothing alone, by Unicode block.
pub(crate) fn is_unspaced_letter(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}'     // Thai, Lao
        | '\u{1000}'..='\u{109F}'   // Myanmar
        | '\u{1780}'..='\u{17FF}'   // Khmer
        | '\u{3040}'..='\u{30FF}'   // Hiragana, Katakana
        | '\u{31F0}'..='\u{31FF}'   // Katakana extensions
    )
}

/// Han, with its iteration mark and zero, by Unicode block.
fn is_ideograph(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}'
        | '\u{3400}'..='\u{4DBF}'   // extension A
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'   // compatibility
        | '\u{20000}'..='\u{3FFFF}' // extensions B and on
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(String, bool)> {
        words(&normalise(text)).iter().map(|w| (w.text.to_owned(), w.unspaced)).collect()
    }

    fn spaced(texts: &[&str]) -> Vec<(String, bool)> {
        texts.iter().map(|&t| (t.to_owned(), false)).collect()
    }

    #[test]
    fn words_are_lowercase_and_composed() {
        assert_eq!(split("The CAFE\u{301}, № 42!"), spaced(&["the", "café", "no", "42"]));
        assert_eq!(split("ＡＢＣ\u{3000}ﬁne"), spaced(&["abc", "fine"]));
        assert_eq!(split("İstanbul"), spaced(&["i\u{307}stanbul"]));
    }

    #[test]
    fn marks_stay_inside_words() {
        assert_eq!(split("हिन्दी भाषा"), spaced(&["हिन्दी", "भाषा"]));
        assert_eq!(split("مُحَمَّد، كتاب"), spaced(&["مُحَمَّد", "كتاب"]));
        assert_eq!(split("می\u{200C}روم"), spaced(&["می\u{200C}روم"]));
        assert_eq!(split("한국어 문장"), spaced(&["한국어", "문장"]));
    }

    #[test]
    fn unspaced_scripts_are_runs_of_their_own() {
        let runs = |text| split(text).into_iter().map(|(_, unspaced)| unspaced).collect::<Vec<_>>();
        let texts = |text| split(text).into_iter().map(|(text, _)| text).collect::<Vec<_>>();
        assert_eq!(texts("東京タワーTowerは333m"), ["東京タワー", "tower", "は", "333m"]);
        assert_eq!(runs("東京タワーTowerは333m"), [true, false, true, false]);
        assert_eq!(texts("น้ำตก 7 แห่ง").len(), 3);
        assert_eq!(runs("น้ำตก 7 แห่ง"), [true, false, true]);
    }

    #[test]
    fn texts_without_letters_keep_their_visible_characters() {
        assert_eq!(split("🎉🎉 ?"), [("🎉🎉".to_owned(), true), ("?".to_owned(), true)]);
        assert_eq!(split(" \t\u{200D}\u{0}"), []);
    }

    #[test]
    fn normalising_twice_changes_no_character() {
        for c in '\0'..=char::MAX {
            let once = normalise(c.encode_utf8(&mut [0; 4]));
            assert_eq!(normalise(&once), once, "{c:?}");
        }
    }
}
