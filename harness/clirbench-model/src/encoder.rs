//! Everything of an encoder but its network.

use std::fs;

use clirbench_plugin::{EncoderInfo, Error, Host, Result, Role, TextStats};

use crate::batches::Plan;
use crate::directory::ModelDirectory;
use crate::head::{Head, Kind, Step};
use crate::limits::max_length;
use crate::options::ModelOptions;
use crate::pipeline::{Call, Runner};
use crate::pooling::{Pooling, PoolingMode};
use crate::prompts::Prompts;
use crate::readme;
use crate::tokens::TextTokenizer;

/// A model directory opened with the options of a bench file: what is known before there is a network.
pub struct TextModel {
    /// The options.
    pub options: ModelOptions,
    /// The directory, with the files that were read so far.
    pub directory: ModelDirectory,
    /// The tokenizer, with the limit that applies.
    pub tokenizer: TextTokenizer,
    /// The prompt of each role.
    pub prompts: Prompts,
    /// The longest input in tokens; `None` for no limit.
    pub max_tokens: Option<usize>,
    /// What a reader of the results has to know.
    pub warnings: Vec<String>,
    readme: String,
}

/// What a [`TextEncoder`] has to know about the network that was opened for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// What it puts out per text.
    pub kind: Kind,
    /// Length of one vector of its output.
    pub hidden: usize,
    /// Name, version and device (`onnxruntime 1.31.1 cpu`); a part of the vectors' keys.
    pub runtime: String,
    /// How texts are grouped.
    pub plan: Plan,
    /// Threads that tokenize while it computes.
    pub tokenizer_threads: usize,
}

/// Texts to vectors, given runners of the network.
pub struct TextEncoder {
    host: Host,
    info: EncoderInfo,
    tokenizer: TextTokenizer,
    prompts: Prompts,
    head: Head,
    plan: Plan,
    tokenizer_threads: usize,
}

impl TextModel {
    /// Reads the directory that the options name.
    ///
    /// # Errors
    /// Kind `model` for what the directory lacks, `config` for an option that does not fit it.
    pub fn open(options: ModelOptions) -> Result<Self> {
        let mut directory = ModelDirectory::read(&options.path)?;
        let mut warnings = std::mem::take(&mut directory.warnings);
        let max_tokens = max_length(
            options.max_length,
            directory.max_seq_length,
            &directory.tokenizer,
            &directory.config,
            &mut warnings,
        )?;
        let tokenizer = TextTokenizer::read(&mut directory, max_tokens)?;
        let readme = fs::read_to_string(directory.files.path("README.md")).unwrap_or_default();
        let prompts = Prompts::choose(
            &options,
            &directory.prompts,
            directory.default_prompt.as_deref(),
            readme::has_e5_prefixes(&readme),
        )?;
        warnings.extend(prompts.warnings.iter().cloned());
        Ok(TextModel { options, directory, tokenizer, prompts, max_tokens, warnings, readme })
    }

    /// Completes the encoder with what its network turned out to be.
    ///
    /// # Errors
    /// Kind `model` when the directory's modules do not fit the network, `config` when an option does
    /// not.
    pub fn with_network(mut self, network: Network, host: Host) -> Result<TextEncoder> {
        for step in &mut self.directory.steps {
            if let Step::Dense(dense) = step {
                dense.take_weights(&host)?;
            }
        }
        let head = self.head(network.kind)?;
        if let (Some(hidden), true) = (self.directory.hidden, network.kind == Kind::Tokens)
            && hidden != network.hidden
        {
            return Err(Error::model(format!(
                "the network's token vectors have {} components, the Pooling module says {hidden}",
                network.hidden
            ))
            .hint("weights and configs have to come from the same model"));
        }
        let info = EncoderInfo {
            dim: head.dim(network.kind, network.hidden)?,
            max_tokens: self.max_tokens,
            query_prompt: self.prompts.query.clone(),
            document_prompt: self.prompts.document.clone(),
            symmetric: self.prompts.query == self.prompts.document,
            similarity: self.directory.similarity.clone(),
            languages: readme::languages(&self.readme),
            files: self.directory.files.used(),
            runtime: network.runtime,
            warnings: self.warnings,
        };
        let plan = Plan { budget: self.options.batch_tokens.unwrap_or(network.plan.budget), ..network.plan };
        Ok(TextEncoder {
            host,
            info,
            tokenizer: self.tokenizer,
            prompts: self.prompts,
            head,
            plan,
            tokenizer_threads: network.tokenizer_threads,
        })
    }

    /// The modules after the transformer, with the options applied.
    fn head(&mut self, kind: Kind) -> Result<Head> {
        let (options, directory) = (&self.options, &self.directory);
        let include_prompt = directory.pooling.as_ref().is_none_or(|pooling| pooling.include_prompt);
        let pooling = match (&options.pooling, &directory.pooling) {
            (Some(names), _) => {
                let modes =
                    names.names().iter().map(|name| PoolingMode::parse(name)).collect::<Result<Vec<_>>>()?;
                if modes.is_empty() {
                    return Err(
                        Error::config("`pooling` is an empty list").hint("name a mode, or leave it out")
                    );
                }
                if kind != Kind::Tokens {
                    self.warnings
                        .push("`pooling` has no effect: the graph puts out pooled vectors only".into());
                }
                Pooling { modes, include_prompt }
            }
            (None, Some(pooling)) => pooling.clone(),
            (None, None) => {
                if kind == Kind::Tokens {
                    self.warnings.push(
                        "the directory says nothing about pooling (no modules.json): mean is used".into(),
                    );
                }
                Pooling { modes: vec![PoolingMode::Mean], include_prompt }
            }
        };
        let mut steps = directory.steps.clone();
        match options.normalize {
            Some(true) if !matches!(steps.last(), Some(Step::Normalize)) => steps.push(Step::Normalize),
            Some(false) => steps.retain(|step| !matches!(step, Step::Normalize)),
            _ => {}
        }
        Ok(Head { pooling, steps, truncate: options.dim })
    }
}

impl TextEncoder {
    /// What the encoder says about itself.
    pub fn info(&self) -> &EncoderInfo {
        &self.info
    }

    /// The input of a text as the network sees it: prompt and special tokens included.
    ///
    /// # Errors
    /// Kind `input` when the tokenizer cannot take the text.
    pub fn render(&self, role: Role, text: &str) -> Result<String> {
        self.tokenizer.decode(&self.tokenizer.encode(self.prompts.of(role), text)?.ids)
    }

    /// Encodes `texts` on the runners, each on a thread of its own: vectors to `out`
    /// (`[texts.len(), dim]`), what happened to the texts to `stats`. Returns how many were encoded.
    ///
    /// # Errors
    /// Kind `cancelled`, or the first error of the tokenizer or a runner.
    pub fn encode<R: Runner>(
        &self,
        runners: &mut [R],
        role: Role,
        texts: &[&str],
        out: &mut [f32],
        stats: &mut [TextStats],
    ) -> Result<usize> {
        let dim = self.info.dim;
        if out.len() != texts.len() * dim || stats.len() != texts.len() {
            return Err(Error::internal(format!(
                "{} texts of dimension {dim} into {} values and {} stats",
                texts.len(),
                out.len(),
                stats.len()
            )));
        }
        let prompt = self.prompts.of(role);
        let call = Call {
            tokenizer: &self.tokenizer,
            prompt,
            prompt_tokens: self.tokenizer.prompt_length(prompt)?,
            head: &self.head,
            dim,
            plan: self.plan,
            tokenizer_threads: self.tokenizer_threads,
            host: &self.host,
        };
        call.run(runners, texts, out, stats)?;
        Ok(texts.len())
    }
}
