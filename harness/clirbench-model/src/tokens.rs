//! Texts to token ids, as the model's own tokenizer.json says, except for its truncation and padding:
//! those are ours, for the files ship arbitrary ones (MiniLM pads everything to 128).

use clirbench_plugin::{Error, Result, TextStats};
use tokenizers::models::ModelWrapper;
use tokenizers::{
    EncodeInput, PostProcessor, Tokenizer, TruncationDirection, TruncationParams, TruncationStrategy,
};

use crate::directory::ModelDirectory;
use crate::files::join;

/// The tokens of one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Token ids, special tokens included.
    pub ids: Vec<u32>,
    /// Segment of each token; parallel to `ids`.
    pub types: Vec<u32>,
    /// What happened to the text.
    pub stats: TextStats,
}

/// The tokenizer of one model, with its limit.
#[derive(Debug)]
pub struct TextTokenizer {
    inner: Tokenizer,
    unknown: Option<u32>,
    pad: u32,
    lowercase: bool,
    /// Whether texts get the special tokens of the post-processor.
    special: bool,
}

impl TextTokenizer {
    /// Reads tokenizer.json; inputs end after `max_length` tokens.
    ///
    /// # Errors
    /// Kind `model` when the file is missing or damaged, `config` when `max_length` leaves no room
    /// for text beside the special tokens.
    pub fn read(directory: &mut ModelDirectory, max_length: Option<usize>) -> Result<Self> {
        let relative = join(&directory.transformer, "tokenizer.json");
        let path = directory.files.path(&relative);
        if !path.is_file() {
            return Err(Error::model(format!("{} is missing", path.display())).hint(
                "save the model's fast tokenizer there: AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)",
            ));
        }
        let mut inner = Tokenizer::from_file(&path).map_err(|e| {
            Error::model(format!("{}: {e}", path.display())).hint("download the file again; it looks damaged")
        })?;
        directory.files.note(&relative);

        let processor = inner.get_post_processor().filter(|_| !directory.is_static);
        let special = processor.map_or(0, |p| p.added_tokens(false));
        if let Some(length) = max_length.filter(|length| *length <= special) {
            return Err(Error::config(format!(
                "`max_length` is {length}, and the model adds {special} special tokens to every text"
            ))
            .hint(format!("set `max_length` above {special}")));
        }
        let direction = match directory.tokenizer.truncation_side.as_deref() {
            Some("left") => TruncationDirection::Left,
            _ => TruncationDirection::Right,
        };
        let truncation = max_length.map(|max_length| TruncationParams {
            max_length,
            direction,
            strategy: TruncationStrategy::LongestFirst,
            stride: 0,
        });
        inner.with_truncation(truncation).map_err(|e| Error::config(format!("`max_length`: {e}")))?;
        inner.with_padding(None);

        let unknown =
            directory.tokenizer.unk_token().map(str::to_owned).or_else(|| match inner.get_model() {
                ModelWrapper::BPE(model) => model.get_unk_token().clone(),
                ModelWrapper::WordPiece(model) => Some(model.unk_token.clone()),
                ModelWrapper::WordLevel(model) => Some(model.unk_token.clone()),
                ModelWrapper::Unigram(_) => None,
            });
        let pad = directory.tokenizer.pad_token().and_then(|token| inner.token_to_id(token));
        let config_pad = directory.config.pad_token_id.and_then(|id| u32::try_from(id).ok());
        Ok(TextTokenizer {
            unknown: unknown.and_then(|token| inner.token_to_id(&token)),
            pad: pad.or(config_pad).unwrap_or(0),
            lowercase: directory.lowercase,
            special: !directory.is_static,
            inner,
        })
    }

    /// Id of the padding token.
    pub fn pad(&self) -> u32 {
        self.pad
    }

    /// Tokenizes `prompt` followed by `text`.
    ///
    /// # Errors
    /// Kind `input` when the tokenizer cannot take the text.
    pub fn encode(&self, prompt: &str, text: &str) -> Result<Tokens> {
        self.tokens(self.normalized([prompt, text].concat()).into(), text)
    }

    /// Tokenizes two texts as one input, as a cross-encoder takes them; the longer one is cut first.
    ///
    /// # Errors
    /// Kind `input` when the tokenizer cannot take the texts.
    pub fn encode_pair(&self, first: &str, second: &str) -> Result<Tokens> {
        let pair = (self.normalized(first.to_owned()), self.normalized(second.to_owned()));
        self.tokens(pair.into(), first)
    }

    fn normalized(&self, text: String) -> String {
        if self.lowercase { text.to_lowercase() } else { text }
    }

    fn tokens(&self, input: EncodeInput<'_>, text: &str) -> Result<Tokens> {
        let encoding = self.inner.encode_fast(input, self.special).map_err(|e| {
            let start: String = text.chars().take(40).collect();
            Error::input(format!("the tokenizer refuses the text {start:?}...: {e}"))
        })?;
        let ids = encoding.get_ids().to_vec();
        let stats = TextStats {
            tokens: u32::try_from(ids.len()).unwrap_or(u32::MAX),
            unknown: ids.iter().filter(|id| Some(**id) == self.unknown).count() as u32,
            truncated: !encoding.get_overflowing().is_empty(),
        };
        Ok(Tokens { types: encoding.get_type_ids().to_vec(), ids, stats })
    }

    /// How many tokens of an input are its prompt: those of the prompt alone, without a special
    /// token at its end, as sentence-transformers counts them.
    ///
    /// # Errors
    /// Kind `input` when the tokenizer cannot take the prompt.
    pub fn prompt_length(&self, prompt: &str) -> Result<usize> {
        if prompt.is_empty() {
            return Ok(0);
        }
        let tokens = self.encode(prompt, "")?;
        let vocabulary = self.inner.get_added_tokens_decoder();
        let special = |id: &u32| vocabulary.get(id).is_some_and(|token| token.special);
        Ok(tokens.ids.len() - usize::from(tokens.ids.last().is_some_and(special)))
    }

    /// The text that `ids` stand for, special tokens included.
    ///
    /// # Errors
    /// Kind `internal` when the tokenizer cannot decode its own ids.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.inner
            .decode(ids, false)
            .map_err(|e| Error::internal(format!("the tokenizer cannot decode: {e}")))
    }
}
