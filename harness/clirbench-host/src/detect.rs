//! Whether a model directory holds a file that a pattern names.

use std::fs;
use std::path::Path;

/// Whether a model directory is one that these patterns describe: it holds a path that fits one of
/// them, and none that fits one with a `!` in front.
pub(crate) fn fits(directory: &Path, patterns: &[String]) -> bool {
    let (unwanted, wanted): (Vec<&str>, Vec<&str>) =
        patterns.iter().map(String::as_str).partition(|pattern| pattern.starts_with('!'));
    wanted.iter().any(|pattern| holds(directory, pattern))
        && !unwanted.iter().any(|pattern| holds(directory, &pattern[1..]))
}

/// Whether `directory` holds a path that matches `pattern`: components separated by `/`, in which
/// `*` stands for any characters of one component.
fn holds(directory: &Path, pattern: &str) -> bool {
    let (component, rest) = pattern.split_once('/').map_or((pattern, None), |(c, r)| (c, Some(r)));
    let go_on = |path: &Path| rest.map_or_else(|| path.exists(), |rest| holds(path, rest));
    if !component.contains('*') {
        return go_on(&directory.join(component));
    }
    let Ok(entries) = fs::read_dir(directory) else { return false };
    entries
        .filter_map(std::result::Result::ok)
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| matches(component, name)))
        .any(|entry| go_on(&entry.path()))
}

/// Whether `name` matches a component with `*`s.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, expected) in [
            ("*.onnx", "model.onnx", true),
            ("*.onnx", ".onnx", true),
            ("*.onnx", "model.onnx.bak", false),
            ("model*.onnx", "model_int8.onnx", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "a--b--c", true),
            ("a*bc*c", "abc", false),
            ("a*a", "a", false),
            ("*", "anything", true),
            ("plain", "plain", true),
            ("plain", "plainer", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_is_looked_for_from_the_directory_down() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(directory.path().join("onnx")).expect("a directory");
        fs::write(directory.path().join("onnx/model.onnx"), "").expect("a file");
        assert!(holds(directory.path(), "onnx/*.onnx"));
        assert!(holds(directory.path(), "*/model.onnx"));
        assert!(!holds(directory.path(), "*.onnx"));
        assert!(!holds(&directory.path().join("absent"), "*"));
    }

    #[test]
    fn a_pattern_with_an_exclamation_mark_rules_a_directory_out() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let patterns = ["model.safetensors", "!onnx/*.onnx"].map(str::to_owned);
        assert!(!fits(directory.path(), &patterns));
        fs::write(directory.path().join("model.safetensors"), "").expect("a file");
        assert!(fits(directory.path(), &patterns));
        fs::create_dir(directory.path().join("onnx")).expect("a directory");
        fs::write(directory.path().join("onnx/model.onnx"), "").expect("a file");
        assert!(!fits(directory.path(), &patterns));
    }
}
