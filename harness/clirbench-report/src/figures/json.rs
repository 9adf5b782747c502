//! JSON as it is in the wild: Python writes `NaN` and `Infinity`, which JSON does not have.

use serde_json::Value;

/// Parses a document; a bare `NaN`, `Infinity` or `-Infinity` becomes the string of that name, which is no
/// number and so is noticed where one is expected.
///
/// # Errors
/// What else is no JSON, with its line.
pub(super) fn parse(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).or_else(|error| {
        let quoted = quote_bare(text);
        // Where nothing was quoted the first error has the right column.
        if quoted == text { Err(error) } else { serde_json::from_str(&quoted) }
    })
}

fn quote_bare(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let (mut in_string, mut escaped) = (false, false);
    while let Some(c) = rest.chars().next() {
        if !in_string
            && let Some(word) = ["NaN", "Infinity", "-Infinity"].into_iter().find(|w| rest.starts_with(w))
        {
            out.extend(["\"", word, "\""]);
            rest = &rest[word.len()..];
            continue;
        }
        match c {
            '"' if !escaped => in_string = !in_string,
            '\\' if in_string => escaped = !escaped,
            _ => {}
        }
        if c != '\\' {
            escaped = false;
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_words_become_strings_and_strings_stay() {
        let text = r#"{"a": NaN, "b": [-Infinity, Infinity, 1], "NaN \" NaN": "NaN\\", "c": NaN}"#;
        let value = parse(text).expect("read");
        assert_eq!(value["a"], "NaN");
        assert_eq!(value["b"][0], "-Infinity");
        assert_eq!(value["b"][2], 1);
        assert_eq!(value["NaN \" NaN"], "NaN\\");
        assert_eq!(value["c"], "NaN");
    }

    #[test]
    fn what_is_no_json_is_an_error_with_its_line() {
        for (text, line) in [("{\n\"a\": 1,\n", 3), ("", 1), ("{\"a\": NaNs}", 1), ("{\"a\": 1e999}", 1)] {
            assert_eq!(parse(text).expect_err(text).line(), line, "{text}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err(), "depth is bounded");
    }
}
