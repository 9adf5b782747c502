//! File templates: `{lang}`, `{split}` and `{pair}`.

use crate::spec::{DatasetSpec, Files, Format};

/// What is wrong with an entry and what to do.
pub(crate) type Wrong = (String, String);

/// Where the file of each language may be, in the order of `spec.languages`.
pub(crate) fn candidates(spec: &DatasetSpec) -> Result<Vec<Vec<String>>, Wrong> {
    let by_language = |language: &String| match &spec.files {
        Some(Files::PerLanguage(files)) => match files.get(language) {
            Some(file) => expand(file, language, spec),
            None => Err((
                format!("`files` has no file for `{language}`"),
                format!("add {language} = \"...\" to it, or leave the language out"),
            )),
        },
        Some(Files::Templates(templates)) => {
            let mut all = Vec::new();
            for template in templates {
                all.extend(expand(template, language, spec)?);
            }
            Ok(all)
        }
        None => Ok(Vec::new()),
    };
    let candidates = spec.languages.iter().map(by_language).collect::<Result<Vec<_>, _>>()?;
    if candidates.iter().any(Vec::is_empty) {
        return Err(("`files` is empty".to_owned(), "name at least one template or file".to_owned()));
    }
    if spec.split.is_some() && spec.format != Some(Format::Beir) && !names_split(spec) {
        return Err((
            "`split` is given, but `files` does not use it".to_owned(),
            "put {split} where the file names have it, or remove `split`".to_owned(),
        ));
    }
    Ok(candidates)
}

fn names_split(spec: &DatasetSpec) -> bool {
    match &spec.files {
        Some(Files::Templates(templates)) => templates.iter().any(|t| t.contains("{split}")),
        Some(Files::PerLanguage(files)) => files.values().any(|t| t.contains("{split}")),
        None => false,
    }
}

/// One file name, or two where the template holds `{pair}`: the pair in either order.
fn expand(template: &str, language: &str, spec: &DatasetSpec) -> Result<Vec<String>, Wrong> {
    let code = |language: &String| spec.codes.get(language).unwrap_or(language).clone();
    let mut names = vec![String::new()];
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((placeholder, after)) = after.split_once('}') else {
            return Err((
                format!("the file template `{template}` has no `}}` for its `{{`"),
                "close the placeholder".to_owned(),
            ));
        };
        names.iter_mut().for_each(|name| name.push_str(before));
        rest = after;
        match (placeholder, spec.languages.as_slice()) {
            ("lang", _) => names.iter_mut().for_each(|name| name.push_str(&code(&language.to_owned()))),
            ("split", _) => {
                let Some(split) = &spec.split else {
                    return Err((
                        format!("the file template `{template}` needs a `split`"),
                        "name the split, for example split = \"test\"".to_owned(),
                    ));
                };
                names.iter_mut().for_each(|name| name.push_str(split));
            }
            ("pair", [a, b]) => {
                let (a, b) = (code(a), code(b));
                let pairs = [format!("{a}-{b}"), format!("{b}-{a}")];
                names =
                    pairs.iter().flat_map(|p| names.iter().map(move |name| format!("{name}{p}"))).collect();
            }
            ("pair", languages) => {
                return Err((
                    format!(
                        "the files hold one pair of languages each, but {} languages are asked for",
                        languages.len()
                    ),
                    "list two in `languages`, for example languages = [\"en\", \"ko\"]; \
                     add an entry per pair"
                        .to_owned(),
                ));
            }
            (other, _) => {
                return Err((
                    format!("the file template `{template}` has an unknown placeholder `{{{other}}}`"),
                    "use {lang}, {split} or {pair}".to_owned(),
                ));
            }
        }
    }
    names.iter_mut().for_each(|name| name.push_str(rest));
    Ok(names)
}
