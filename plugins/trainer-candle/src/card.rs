//! README.md of a trained model.

use clirbench_model::card_parts;
use clirbench_plugin::{Error, FitJob, LossInput, Result};

use crate::checkpoint::Best;
use crate::options::Options;

/// What a model was trained from and with. Equal fits have equal cards: no times, no folders.
pub(crate) struct Card<'a> {
    pub(crate) job: &'a FitJob,
    pub(crate) options: &'a Options,
    /// Name of the base's folder.
    pub(crate) base: &'a str,
    /// README.md of the base; empty where it has none.
    pub(crate) base_card: &'a str,
    pub(crate) rows: usize,
    pub(crate) steps: usize,
    pub(crate) best: Option<Best>,
}

impl Card<'_> {
    /// The card. It begins with the metadata of the base's card and ends with its text: languages and
    /// prefixes of queries and documents are often written nowhere else.
    ///
    /// # Errors
    /// `internal` when the options cannot be written.
    pub(crate) fn text(&self) -> Result<String> {
        let (header, body) = card_parts(self.base_card);
        let columns: Vec<&str> = self.job.columns.iter().map(|column| &column.name[..]).collect();
        let mut facts = vec![
            ("rows", self.rows.to_string()),
            ("columns", columns.join(", ")),
            ("loss of", loss(self.job).to_owned()),
            ("steps", self.steps.to_string()),
            ("seed", self.job.seed.to_string()),
        ];
        if !self.job.parts.is_empty() {
            facts.insert(3, ("parts of the loss", self.job.parts.join(", ")));
        }
        if let Some(best) = self.best {
            facts.push(("weights of step", best.step.to_string()));
            facts.push(("validation", best.score.to_string()));
        }
        let facts: String = facts.iter().map(|(name, value)| format!("| {name} | {value} |\n")).collect();
        let options = serde_json::to_string_pretty(self.options)
            .map_err(|e| Error::internal(format!("the options as JSON: {e}")))?;
        let mut text = format!(
            "{header}# {base}, fine-tuned\n\n\
             Trained from `{base}` by `trainer-candle` {version} of clirbench. The loss, the gradient's norm \
             and the learning rate of every step are in `training.csv`.\n\n\
             | | |\n|---|---|\n{facts}\n\
             ```json\n{options}\n```\n",
            base = self.base,
            version = env!("CARGO_PKG_VERSION"),
        );
        if !body.trim().is_empty() {
            text += &format!(
                "\n---\n\nThe card of `{}` follows; what it measured holds for the base only.\n\n{}\n",
                self.base,
                body.trim()
            );
        }
        Ok(text)
    }
}

fn loss(job: &FitJob) -> &'static str {
    match job.input {
        LossInput::Embeddings => "embeddings",
        LossInput::Scores => "scores of pairs",
    }
}

#[cfg(test)]
mod tests {
    use clirbench_model::{has_e5_prefixes, languages};
    use clirbench_plugin::{Role, TrainingColumn};

    use super::*;

    const BASE: &str = "---\nlanguage:\n- ko\n- en\n---\n# E5\n\nStart with \"query: \" or \"passage: \".\n";

    fn card(base_card: &str) -> String {
        let column = |name: &str| TrainingColumn { name: name.into(), role: Role::Query };
        let job = FitJob {
            base: "/models/e5".into(),
            out: String::new(),
            checkpoints: String::new(),
            columns: vec![column("query"), column("positive")],
            input: LossInput::Embeddings,
            parts: vec!["nce".into()],
            seed: 42,
            validate_every: 10,
            greater_is_better: true,
        };
        let options = Options::default();
        let best = Some(Best { step: 80, score: 0.5 });
        Card { job: &job, options: &options, base: "e5", base_card, rows: 3000, steps: 94, best }
            .text()
            .expect("a card")
    }

    #[test]
    fn a_card_says_what_was_done_and_keeps_what_the_base_says() {
        let text = card(BASE);
        assert_eq!(languages(&text), ["ko", "en"]);
        assert!(has_e5_prefixes(&text));
        for line in ["| rows | 3000 |", "| parts of the loss | nce |", "| weights of step | 80 |", "# E5"] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        assert!(text.contains("\"learning_rate\": 0.00002") || text.contains("\"learning_rate\": 2e-5"));
        assert!(!text.contains("/models"), "no folder of this machine");
        assert!(card("").starts_with("# e5, fine-tuned\n") && !card("").contains("follows"));
    }
}
