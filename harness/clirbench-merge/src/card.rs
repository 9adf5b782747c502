//! README.md of a merged model.

use clirbench_model::card_parts;

use crate::{MergeSpec, Parents};

/// The card. It begins with the metadata of the first model's card and ends with its text: languages and
/// prefixes of queries and documents are often written nowhere else. No times, no folders.
pub(crate) fn card(spec: &MergeSpec, parents: &Parents, first_card: &str) -> String {
    let (header, body) = card_parts(first_card);
    let weight = |weight: Option<f64>| weight.map_or_else(String::new, |weight| weight.to_string());
    let rows: String = parents
        .names()
        .zip(&spec.models)
        .map(|(name, parent)| format!("| {name} | {} |\n", weight(parent.weight)))
        .collect();
    let base = parents.base.as_ref().map_or_else(String::new, |base| format!(" Base: `{}`.", base.name));
    let layers = if spec.layers.is_empty() { "" } else { " Some layers have weights of their own." };
    let names: Vec<&str> = parents.names().collect();
    let mut text = format!(
        "{header}# {}, merged\n\nMerged by the method `{}` of clirbench {}, seed {}.{base}{layers} \
         `clirbench.json` holds the recipe and the hashes of the models' files, `merge.csv` how similar the \
         models are, tensor by tensor.\n\n| model | weight |\n|---|---|\n{rows}",
        names.join(" + "),
        spec.method,
        env!("CARGO_PKG_VERSION"),
        spec.seed,
    );
    if !body.trim().is_empty() {
        text += &format!(
            "\n---\n\nThe card of `{}` follows; what it measured holds for that model only.\n\n{}\n",
            names[0],
            body.trim()
        );
    }
    text
}
