//! What a model's README.md says: its metadata header (the model card of the Hugging Face hub), and the
//! prefixes of the E5 family, which are documented nowhere else.

/// The languages of the model card, in its order; empty where it names none. Cards also put
/// `multilingual` there, which names none either.
pub fn languages(readme: &str) -> Vec<String> {
    let Some((header, _)) =
        readme.trim_start_matches('\u{feff}').strip_prefix("---\n").and_then(|rest| rest.split_once("\n---"))
    else {
        return Vec::new();
    };
    let mut lines = header.lines().skip_while(|line| !line.starts_with("language:"));
    let first = lines.next().and_then(|line| line.strip_prefix("language:")).unwrap_or_default().trim();
    let names: Vec<&str> = if first.is_empty() {
        lines.map_while(|line| line.trim_start().strip_prefix("- ")).collect()
    } else {
        first.trim_matches(['[', ']']).split(',').collect()
    };
    let names = names.iter().map(|name| name.trim().trim_matches(['"', '\'']));
    names.filter(|name| !name.is_empty() && *name != "multilingual").map(str::to_owned).collect()
}

/// Whether it tells users to put `query: ` and `passage: ` in front of texts.
pub fn has_e5_prefixes(readme: &str) -> bool {
    readme.contains("\"query: ") && readme.contains("\"passage: ")
}

/// The metadata header of a model card, with its fences, and the rest.
pub fn card_parts(card: &str) -> (&str, &str) {
    const FENCE: &str = "\n---\n";
    let card = card.trim_start_matches('\u{feff}');
    match card.strip_prefix("---\n").and_then(|rest| rest.find(FENCE)) {
        Some(at) => card.split_at("---\n".len() + at + FENCE.len()),
        None => ("", card),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_of_a_model_card() {
        assert_eq!(languages("---\nlicense: mit\nlanguage: en\ntags:\n- a\n---\ntext"), ["en"]);
        assert_eq!(
            languages("---\nlanguage:\n- multilingual\n- af\n- 'no'\ntags:\n- x\n---\n"),
            ["af", "no"]
        );
        assert_eq!(languages("---\nlanguage:\n  - \"ko\"\n  - en\n---\n"), ["ko", "en"]);
        assert_eq!(languages("---\nlanguage: [en, \"de\"]\n---\n"), ["en", "de"]);
        assert!(languages("---\ntags:\n- a\n---\n").is_empty());
        assert!(languages("language: en").is_empty(), "no header");
    }

    #[test]
    fn prefixes_of_e5() {
        assert!(has_e5_prefixes("should start with \"query: \" or \"passage: \", even for other languages"));
        assert!(!has_e5_prefixes("a query: and a passage: without quotes"));
    }
}
