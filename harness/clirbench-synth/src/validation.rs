//! Which replies are accepted. A pure function of reply, step and recipe, so a reply that was kept
//! is judged the same in every run.

use serde_json::{Map, Value};

use crate::{
    language::{self, Language},
    made::{KEYS, Made, Triplet},
    plan::StepKind,
    recipe::{LimitsSpec, Recipe},
    rejection::{Reason, Rejection},
    reply::Reply,
};

/// A translation has at least and at most so many characters for one of its source. Chinese has
/// about a third of the characters of English, Vietnamese or German a few more.
const TRANSLATED: [f64; 2] = [0.12, 6.0];
/// Characters of the shortest and longest entry of a list.
const ENTRY: [usize; 2] = [2, 600];

/// What the reply gives; `source` is what a translation is of.
pub(crate) fn judge(
    recipe: &Recipe,
    kind: &StepKind,
    reply: &Reply,
    source: Option<&Triplet>,
) -> Result<Made, Rejection> {
    if let Some(refusal) = &reply.refusal {
        return Err(refused(refusal));
    }
    match reply.finish_reason.as_deref() {
        Some("length") => {
            return Err(Rejection::new(Reason::CutOff, "it was cut off because it was too long"));
        }
        Some("content_filter") => return Err(refused("a content filter stopped it")),
        _ => {}
    }
    let object = object(&reply.content)?;
    match kind {
        StepKind::Subcategories { .. } => {
            list(&object, "subcategories", recipe.sampling.subcategories).map(Made::List)
        }
        StepKind::Tasks { .. } => list(&object, "tasks", recipe.sampling.tasks).map(Made::List),
        StepKind::Triple { .. } => {
            let triplet = triplet(&object)?;
            written(&triplet, &recipe.limits)?;
            in_language(&triplet, of(recipe, 0))?;
            Ok(Made::Triplet(triplet))
        }
        StepKind::Translation { language, .. } => {
            let triplet = triplet(&object)?;
            if let Some(source) = source {
                translated(&triplet, source)?;
            }
            in_language(&triplet, of(recipe, *language))?;
            Ok(Made::Triplet(triplet))
        }
    }
}

fn of(recipe: &Recipe, language: usize) -> &'static Language {
    language::find(&recipe.languages[language]).expect("a recipe names known languages")
}

fn refused(words: &str) -> Rejection {
    let words: String = words.chars().take(120).collect();
    Rejection::new(Reason::Refusal, format!("it was a refusal ({words})"))
}

/// How refusals start, in lower case.
const REFUSALS: [&str; 14] = [
    "i'm sorry",
    "i am sorry",
    "sorry, ",
    "i can't",
    "i cannot",
    "i can not",
    "i'm unable",
    "i am unable",
    "as an ai",
    "죄송하지만",
    "죄송합니다",
    "lo siento",
    "申し訳",
    "抱歉",
];

fn is_refusal(text: &str) -> bool {
    let text = text.trim_start().to_lowercase().replace('\u{2019}', "'");
    REFUSALS.iter().any(|start| text.starts_with(start))
}

/// The JSON object of a reply: the whole of it, in a fence, or between other words.
fn object(content: &str) -> Result<Map<String, Value>, Rejection> {
    let parsed = |text: &str| serde_json::from_str::<Map<String, Value>>(text.trim()).ok();
    let fenced = || {
        let (_, rest) = content.split_once("```")?;
        let (inside, _) = rest.rsplit_once("```")?;
        // The fence may name its language.
        let inside = inside.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        parsed(inside)
    };
    let between = || parsed(content.get(content.find('{')?..=content.rfind('}')?)?);
    parsed(content).or_else(fenced).or_else(between).ok_or_else(|| {
        if is_refusal(content) {
            return refused(content);
        }
        Rejection::new(Reason::NotJson, "it was no JSON object")
    })
}

fn list(object: &Map<String, Value>, key: &str, count: usize) -> Result<Vec<String>, Rejection> {
    let fields = |what: &str| Rejection::new(Reason::Fields, format!("`{key}` {what}"));
    let entries = object.get(key).and_then(Value::as_array).ok_or_else(|| fields("is no list"))?;
    let mut list: Vec<String> = Vec::new();
    for entry in entries {
        let text = entry.as_str().ok_or_else(|| fields("has an entry that is no text"))?.trim();
        if !(ENTRY[0]..=ENTRY[1]).contains(&text.chars().count()) {
            return Err(Rejection::new(
                Reason::Length,
                format!("an entry of `{key}` is too short or too long"),
            ));
        }
        if !list.iter().any(|known| same(known, text)) {
            list.push(text.to_owned());
        }
    }
    if list.len() < count {
        let detail = format!("`{key}` has {} different entries of {count}", list.len());
        return Err(Rejection::new(Reason::TooFew, detail));
    }
    list.truncate(count);
    Ok(list)
}

fn triplet(object: &Map<String, Value>) -> Result<Triplet, Rejection> {
    let mut texts = KEYS.iter().map(|key| match object.get(*key).and_then(Value::as_str).map(str::trim) {
        Some("") | None => Err(Rejection::new(Reason::Fields, format!("`{key}` is missing or no text"))),
        Some(text) if is_refusal(text) => Err(refused(text)),
        Some(text) => Ok(text.to_owned()),
    });
    let mut next = || texts.next().expect("there are three keys");
    let triplet = Triplet { query: next()?, positive: next()?, negative: next()? };
    let pairs = [(0, 1), (0, 2), (1, 2)];
    let all = triplet.texts();
    if let Some((a, b)) = pairs.into_iter().find(|(a, b)| same(all[*a], all[*b])) {
        let detail = format!("`{}` and `{}` are the same", KEYS[a], KEYS[b]);
        return Err(Rejection::new(Reason::Repeated, detail));
    }
    Ok(triplet)
}

/// Whether two texts have the same letters and digits in the same order.
fn same(a: &str, b: &str) -> bool {
    plain(a) == plain(b)
}

/// Letters and digits in lower case, with single spaces in place of what is between words.
fn plain(text: &str) -> String {
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn written(triplet: &Triplet, limits: &LimitsSpec) -> Result<(), Rejection> {
    let allowed = [limits.query, limits.passage, limits.passage];
    for ((key, text), [least, most]) in KEYS.iter().zip(triplet.texts()).zip(allowed) {
        let length = text.chars().count();
        if !(least..=most).contains(&length) {
            let detail = format!("`{key}` has {length} characters, not {least} to {most}");
            return Err(Rejection::new(Reason::Length, detail));
        }
    }
    if plain(&triplet.positive).contains(&plain(&triplet.query)) {
        let detail = "`positive_document` repeats the query word for word";
        return Err(Rejection::new(Reason::QueryInPositive, detail));
    }
    Ok(())
}

fn translated(triplet: &Triplet, source: &Triplet) -> Result<(), Rejection> {
    for ((key, text), original) in KEYS.iter().zip(triplet.texts()).zip(source.texts()) {
        if same(text, original) {
            return Err(Rejection::new(Reason::Untranslated, format!("`{key}` is not translated")));
        }
        let ratio = text.chars().count() as f64 / original.chars().count() as f64;
        if !(TRANSLATED[0]..=TRANSLATED[1]).contains(&ratio) {
            let detail = format!("`{key}` has {ratio:.2} times the length of its source");
            return Err(Rejection::new(Reason::Length, detail));
        }
    }
    Ok(())
}

fn in_language(triplet: &Triplet, language: &Language) -> Result<(), Rejection> {
    for (i, (key, text)) in KEYS.iter().zip(triplet.texts()).enumerate() {
        if let Some(why) = language.implausible(text, i > 0) {
            return Err(Rejection::new(Reason::Language, format!("`{key}` {why}")));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "validation_tests.rs"]
mod tests;
