//! Patterns for names of tensors.

/// Whether `pattern` fits the whole of `name`; `*` stands for any run of characters, dots included,
/// so that `encoder.layer.0.*` is everything in the first layer.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_run_and_the_rest_is_literal() {
        assert!(matches("embeddings.*", "embeddings.word_embeddings.weight"));
        assert!(!matches("embeddings.*", "encoder.embeddings.weight"));
        assert!(matches("*bias", "encoder.layer.0.output.dense.bias"));
        assert!(!matches("*bias", "encoder.layer.0.output.dense.weight"));
        assert!(matches("*.layer.*.attention.*", "encoder.layer.11.attention.self.query.weight"));
        assert!(!matches("layer.1.*", "layer.10.weight"), "a dot is a dot");
        assert!(matches("pooler.dense.weight", "pooler.dense.weight"));
        assert!(!matches("pooler.dense", "pooler.dense.weight"), "the whole name");
        assert!(matches("*", "") && matches("*", "anything") && !matches("", "anything"));
        assert!(!matches("ab*bc", "abc"), "no character is used twice");
    }
}
