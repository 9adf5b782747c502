//! Which published model is which measured one.

use std::collections::BTreeSet;

use super::{Published, PublishedError};
use crate::results::ScoreRow;

/// Whether a variant is the model as it was released.
#[must_use]
pub fn is_base(variant: &str) -> bool {
    matches!(variant, "" | "base" | "original" | "none")
}

/// Names that differ in case and separators alone are equal.
pub(super) fn plain(name: &str) -> String {
    name.to_lowercase().replace(['_', ' '], "-")
}

/// A dataset's name or its task's in mteb.
pub(super) fn plain_dataset(name: &str) -> String {
    let plain: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    plain.strip_suffix("retrieval").map_or(plain.clone(), str::to_owned)
}

/// Model and variant of a published model.
fn parts(published: &str) -> (&str, &str) {
    published.split_once('/').unwrap_or((published, ""))
}

/// `bge-m3` of `BAAI/bge-m3`.
fn without_organisation(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, model)| model)
}

/// Whether `asked` names the published model: in full (`m/ours:en+ar`), without the languages that a variant
/// was trained on (`m/ours`), or the base model without variant (`m`).
fn names(asked: &str, published: &str) -> bool {
    let (asked, (model, variant)) = (plain(asked), parts(published));
    let full = plain(published);
    let family = plain(&format!("{model}/{}", variant.split(':').next().unwrap_or_default()));
    let base = is_base(variant) && (asked == plain(model) || without_organisation(&asked) == plain(model));
    asked == full || asked == family || base
}

/// Pairs of a published and a measured model, in the order of the tables.
pub(super) fn pair_models(
    published: &Published,
    run: &[ScoreRow],
    asked: &[(String, String)],
) -> Result<Vec<(String, String)>, PublishedError> {
    let ids = distinct(published.figures.iter().map(|f| f.cell.model.as_str()));
    let measured = distinct(run.iter().map(|r| r.model.as_str()));
    let mut pairs = Vec::new();
    for (name, model) in asked {
        let unknown = |side: &str, name: &str, known: Vec<String>| PublishedError::Unknown {
            side: side.to_owned(),
            what: "model",
            name: name.to_owned(),
            known,
        };
        if !measured.contains(&model.as_str()) {
            return Err(unknown("the run", model, owned(&measured)));
        }
        let named: Vec<_> = ids.iter().filter(|id| names(name, id)).collect();
        if named.is_empty() {
            return Err(unknown(&published.source, name, models_of(&ids)));
        }
        pairs.extend(named.into_iter().map(|id| ((*id).to_owned(), model.clone())));
    }
    for id in &ids {
        for model in measured.iter().filter(|m| names(m, id)) {
            let pair = ((*id).to_owned(), (*model).to_owned());
            // A model that was paired by hand has the pairs that were asked for.
            if !asked.iter().any(|(_, named)| named == model) {
                pairs.push(pair);
            }
        }
    }
    if pairs.is_empty() {
        let (models, run) = (models_of(&ids), owned(&measured));
        return Err(PublishedError::NoModel { published: published.source.clone(), models, run });
    }
    Ok(pairs)
}

/// One line for all figures of models that were not measured.
pub(super) fn not_in_the_run(ids: &BTreeSet<&str>) -> String {
    let models = models_of(&ids.iter().copied().collect::<Vec<_>>());
    format!("their model is not in the run: {}", models.join(", "))
}

/// Models, with their variants where these are few enough to list.
fn models_of(ids: &[&str]) -> Vec<String> {
    let mut models: Vec<(&str, Vec<&str>)> = Vec::new();
    for id in ids {
        let (model, variant) = parts(id);
        let family = variant.split(':').next().unwrap_or_default();
        let at = models.iter().position(|(m, _)| *m == model).unwrap_or_else(|| {
            models.push((model, Vec::new()));
            models.len() - 1
        });
        if !family.is_empty() && !models[at].1.contains(&family) {
            models[at].1.push(family);
        }
    }
    let name = |(model, variants): &(&str, Vec<&str>)| match variants.as_slice() {
        [] => (*model).to_owned(),
        [variant] if is_base(variant) => (*model).to_owned(),
        [variant] => format!("{model}/{variant}"),
        variants if variants.len() <= 5 => format!("{model}/({})", variants.join("|")),
        variants => format!("{model}/({}|... {} variants)", variants[..3].join("|"), variants.len()),
    };
    models.iter().map(name).collect()
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&n| n.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_with_or_without_its_variant() {
        assert!(names("BAAI/BGE_m3", "bge-m3/base") && names("bge-m3", "bge-m3"));
        assert!(names("jina/ours", "jina/ours:en+ar") && names("jina/ours:en+ar", "jina/ours:en+ar"));
        assert!(!names("jina", "jina/ours:en+ar") && !names("jina/ours:en+zh", "jina/ours:en+ar"));
        assert!(!names("bge-m3-int8", "bge-m3/base"));
    }

    #[test]
    fn datasets_have_the_names_of_their_tasks() {
        assert_eq!(plain_dataset("XQuADRetrieval"), plain_dataset("xquad"));
        assert_ne!(plain_dataset("Ko-StrategyQA"), plain_dataset("strategyqa"));
    }
}
