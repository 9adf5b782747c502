//! Rust source as words and signs, without comments and literals: enough to see what a file uses.

/// A word (identifier, keyword, number) or a sign of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// From 1.
    pub(super) line: usize,
}

/// The tokens of a source file. Comments, strings and characters are left out, `::` is one sign.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (source, 1);
    while let Some(first) = rest.chars().next() {
        let skipped = comment(rest).or_else(|| literal(rest));
        let length = skipped.unwrap_or_else(|| match first {
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            c => c.len_utf8(),
        });
        let (text, after) = rest.split_at(length);
        if skipped.is_none() && !first.is_whitespace() {
            tokens.push(Token { text, line });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    tokens
}

/// First path segments behind `root::`, in paths and in (groups of) imports, with their lines.
pub(super) fn segments<'a>(tokens: &[Token<'a>], root: &str) -> Vec<Token<'a>> {
    let mut found = Vec::new();
    for at in 0..tokens.len().saturating_sub(2) {
        if tokens[at].text != root || tokens[at + 1].text != "::" {
            continue;
        }
        if tokens[at + 2].text != "{" {
            found.push(tokens[at + 2]);
            continue;
        }
        let mut depth = 0;
        for (i, token) in tokens.iter().enumerate().skip(at + 2) {
            match token.text {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ if depth == 1 && ["{", ","].contains(&tokens[i - 1].text) => found.push(*token),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Length of the comment that `text` begins with.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    text.strip_prefix("/*")?;
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match text.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
    Some(text.len())
}

/// Length of the string or character that `text` begins with, its prefix included.
fn literal(text: &str) -> Option<usize> {
    let body = text.trim_start_matches(['b', 'c']);
    let prefix = text.len() - body.len();
    if prefix <= 1
        && let Some(raw) = body.strip_prefix('r')
    {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if let Some(inside) = raw[hashes..].strip_prefix('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
            return Some(prefix + 1 + hashes + 1 + length);
        }
    }
    if prefix > 1 {
        return None;
    }
    match body.chars().next()? {
        '"' => Some(prefix + quoted(body, '"')),
        // `'a'` and `'\n'` are characters, `'a` is a lifetime.
        '\'' if body[1..].starts_with('\\') || body.chars().nth(2) == Some('\'') => {
            Some(prefix + quoted(body, '\''))
        }
        _ => None,
    }
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).into_iter().map(|t| t.text).collect()
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        assert_eq!(texts("a // unsafe\n/* unsafe /* b */ unsafe */ c"), ["a", "c"]);
        assert_eq!(
            texts(r##"f("unsafe \" x", b"y", r#"un"safe"#, 'u', '\'', '"') g"##),
            ["f", "(", ",", ",", ",", ",", ",", ")", "g"]
        );
        assert_eq!(
            texts("fn f<'a>(x: &'a str) -> std::io::Result<()>"),
            [
                "fn", "f", "<", "'", "a", ">", "(", "x", ":", "&", "'", "a", "str", ")", "-", ">", "std",
                "::", "io", "::", "Result", "<", "(", ")", ">"
            ]
        );
        assert_eq!(texts("bc \"한국어\" rest"), ["bc", "rest"]);
    }

    #[test]
    fn lines_count_from_one_through_literals() {
        let lines: Vec<_> =
            tokens("a\n\"x\ny\" b\n/* \n */ c").into_iter().map(|t| (t.text, t.line)).collect();
        assert_eq!(lines, [("a", 1), ("b", 3), ("c", 5)]);
    }

    #[test]
    fn segments_are_found_in_paths_and_groups() {
        let source =
            "use std::{fmt, fs::{self, File}, collections::HashMap}; std::env::var; mystd::x; std::io";
        let tokens = tokens(source);
        let found: Vec<_> = segments(&tokens, "std").into_iter().map(|t| t.text).collect();
        assert_eq!(found, ["fmt", "fs", "collections", "env", "io"]);
    }
}
