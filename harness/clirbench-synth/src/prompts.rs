//! Templates of prompts: ours, or those of a recipe's folder in their place.

use std::{collections::BTreeMap, fs, path::Path};

use clirbench_store::Key;

use crate::error::Error;

/// A template's name and text, and the names that it may use; those with `!` it has to use.
struct Slot {
    name: &'static str,
    text: &'static str,
    variables: &'static [&'static str],
}

const SLOTS: [Slot; 6] = [
    Slot { name: "system", text: include_str!("../prompts/system.txt"), variables: &[] },
    Slot {
        name: "subcategories",
        text: include_str!("../prompts/subcategories.txt"),
        variables: &["category!", "count!", "code", "about"],
    },
    Slot {
        name: "tasks",
        text: include_str!("../prompts/tasks.txt"),
        variables: &["category!", "count!", "about", "avoid"],
    },
    Slot {
        name: "triple",
        text: include_str!("../prompts/triple.txt"),
        variables: &["task!", "language!", "category", "form", "rarity", "words", "reader"],
    },
    Slot {
        name: "translation",
        text: include_str!("../prompts/translation.txt"),
        variables: &["triple!", "target!", "source"],
    },
    Slot { name: "retry", text: include_str!("../prompts/retry.txt"), variables: &["reason"] },
];

/// All templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompts {
    texts: BTreeMap<&'static str, String>,
}

impl Prompts {
    /// Ours.
    ///
    /// # Panics
    /// Never: a test reads them.
    #[must_use]
    pub fn built_in() -> Prompts {
        Prompts { texts: SLOTS.iter().map(|slot| (slot.name, slot.text.to_owned())).collect() }
    }

    /// Ours, except for those that `folder` holds as `NAME.txt`.
    ///
    /// # Errors
    /// A file that cannot be read or has a name that no template has, a variable that its template
    /// does not know, or one that is missing.
    pub fn with_folder(folder: &Path) -> Result<Prompts, Error> {
        let names = || SLOTS.iter().map(|slot| format!("{}.txt", slot.name)).collect::<Vec<_>>().join(", ");
        let unreadable = |path: &Path, e: std::io::Error| {
            let message = format!("the prompts {} cannot be read ({e})", path.display());
            Error::new(message, format!("name a folder with any of {}", names()))
        };
        let mut prompts = Prompts::built_in();
        for entry in fs::read_dir(folder).map_err(|e| unreadable(folder, e))? {
            let path = entry.map_err(|e| unreadable(folder, e))?.path();
            if path.extension().is_none_or(|e| e != "txt") {
                continue;
            }
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let Some(slot) = SLOTS.iter().find(|slot| slot.name == stem) else {
                let message = format!("{}: there is no template of this name", path.display());
                return Err(Error::new(message, format!("name it one of {}", names())));
            };
            let text = fs::read_to_string(&path).map_err(|e| unreadable(&path, e))?;
            slot.check(&text)
                .map_err(|(what, hint)| Error::new(format!("{}: {what}", path.display()), hint))?;
            prompts.texts.insert(slot.name, text);
        }
        Ok(prompts)
    }

    fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    /// A template with values in place of its variables. Values are not templates: `{{` in one of
    /// them stays.
    pub(crate) fn render(&self, name: &str, values: &[(&str, &str)]) -> String {
        let mut out = String::new();
        let mut rest = self.text(name).trim_end();
        while let Some((before, variable, after)) = next_variable(rest) {
            out.push_str(before);
            out.push_str(values.iter().find(|(key, _)| *key == variable).map_or("", |(_, value)| value));
            rest = after;
        }
        out + rest
    }

    /// Hash of the templates that a text of the kind `name` is made with.
    pub(crate) fn hash(&self, name: &str) -> Key {
        Key::of(&[self.text("system"), self.text(name), self.text("retry")])
    }

    /// Hash of all.
    pub(crate) fn hash_of_all(&self) -> Key {
        Key::of(&self.texts)
    }
}

/// What stands before the first `{{variable}}`, its name, and what stands after it.
fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (variable, after) = rest.split_once("}}")?;
    Some((before, variable.trim(), after))
}

impl Slot {
    fn check(&self, text: &str) -> Result<(), (String, String)> {
        let known = |variable: &str| self.variables.iter().any(|v| v.trim_end_matches('!') == variable);
        let list = || {
            let names = self.variables.iter().map(|v| format!("{{{{{}}}}}", v.trim_end_matches('!')));
            names.collect::<Vec<_>>().join(", ")
        };
        let mut used = Vec::new();
        let mut rest = text;
        while let Some((_, variable, after)) = next_variable(rest) {
            if !known(variable) {
                let hint = if self.variables.is_empty() {
                    "it knows none".to_owned()
                } else {
                    format!("it knows {}", list())
                };
                return Err((format!("unknown variable {{{{{variable}}}}}"), hint));
            }
            used.push(variable);
            rest = after;
        }
        let needed = self.variables.iter().filter_map(|v| v.strip_suffix('!'));
        if let Some(missing) = needed.into_iter().find(|v| !used.contains(v)) {
            let hint = "without it the model cannot know what to write about".to_owned();
            return Err((format!("{{{{{missing}}}}} is missing"), hint));
        }
        if text.trim().is_empty() && self.name != "system" && self.name != "retry" {
            return Err((
                "it is empty".to_owned(),
                "remove the file to use the built-in template".to_owned(),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_templates_have_their_variables() {
        for slot in &SLOTS {
            assert_eq!(slot.check(slot.text), Ok(()), "{}", slot.name);
        }
    }

    #[test]
    fn values_take_the_place_of_variables_and_stay_as_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("tasks.txt"), "{{count}} of {{ category }}!\n").expect("written");
        let prompts = Prompts::with_folder(folder.path()).expect("prompts");
        assert_eq!(prompts.render("tasks", &[("count", "3"), ("category", "{{count}}")]), "3 of {{count}}!");
        let ours = Prompts::built_in();
        assert_ne!(prompts.hash("tasks"), ours.hash("tasks"));
        assert_eq!(prompts.hash("triple"), ours.hash("triple"));
    }

    #[test]
    fn templates_that_cannot_work_are_refused_by_name() {
        for (file, text, message) in [
            ("tasks.txt", "{{count}}", "tasks.txt: {{category}} is missing"),
            ("tasks.txt", "{{count}} {{category}} {{cuont}}", "tasks.txt: unknown variable {{cuont}}"),
            ("system.txt", "{{count}}", "system.txt: unknown variable {{count}}"),
            ("task.txt", "", "task.txt: there is no template of this name"),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            fs::write(folder.path().join(file), text).expect("written");
            let error = Prompts::with_folder(folder.path()).expect_err(message).message;
            assert!(error.ends_with(message), "{error}");
        }
        assert!(Prompts::with_folder(Path::new("/nowhere")).is_err());
    }
}
