//! Architectures, written once for all ways to run them.

mod bert;
mod classifier;
mod embedder;
mod modern_bert;

use candle_core::Result as Candle;
use clirbench_plugin::Result;

use crate::config::Architecture;
use crate::head::Head;
use crate::initial::Initial;
use crate::ops::{Embeddings, Ops};
use crate::parameters::Loader;
use crate::random::Dropout;

use bert::Bert;
use classifier::Classifier;
use embedder::Embedder;
use modern_bert::ModernBert;

/// Dropout sites of one layer: room for all that an architecture has.
const SITES_PER_LAYER: u32 = 8;
/// Sites of the embeddings and of the head, after those of any layer.
const OUTER_SITES: u32 = 1 << 20;

/// Site `place` of the layer `layer`.
fn layer_site(layer: usize, place: u32) -> u32 {
    layer as u32 * SITES_PER_LAYER + place
}

/// No dropout.
const NONE: Dropout = Dropout { rate: 0.0, site: 0 };

/// A transformer and its head, as indices of parameters.
#[derive(Debug)]
pub(crate) struct Encoder {
    body: Body,
    head: BoundHead,
    pub(crate) vocabulary: usize,
    pub(crate) segments: usize,
    pub(crate) hidden: usize,
    pub(crate) dim: usize,
    pub(crate) max_positions: usize,
    /// The parameter whose rows get gradients one by one.
    pub(crate) token_table: crate::parameters::Parameter,
}

#[derive(Debug)]
enum Body {
    Bert(Bert),
    ModernBert(ModernBert),
    Static(Embeddings),
}

#[derive(Debug)]
enum BoundHead {
    Embedder(Embedder),
    Classifier(Classifier),
    States,
}

impl Encoder {
    /// Takes the parameters of the architecture and of the head.
    ///
    /// `classifier` is what a cross-encoder's classifier begins as where the files have none.
    pub(crate) fn load(
        architecture: &Architecture,
        head: &Head,
        classifier: Option<Initial>,
        loader: &mut Loader<'_>,
    ) -> Result<Self> {
        let (body, shape) = match architecture {
            Architecture::Bert(config) => {
                loader.find_prefix("embeddings.word_embeddings.weight");
                let positions = config.position_rows.saturating_sub(config.first_position);
                let shape = (config.vocab_size, config.segments, config.hidden_size, positions);
                (Body::Bert(Bert::load(config, loader)?), shape)
            }
            Architecture::ModernBert(config) => {
                loader.find_prefix("embeddings.tok_embeddings.weight");
                let shape = (config.vocab_size, 1, config.hidden_size, config.max_positions);
                (Body::ModernBert(ModernBert::load(config, loader)?), shape)
            }
            Architecture::Static => {
                let (embeddings, rows, cols) = embedder::static_table(loader)?;
                (Body::Static(embeddings), (rows, 1, cols, usize::MAX))
            }
        };
        let (vocabulary, segments, hidden, max_positions) = shape;
        let (head, dim) = match head {
            Head::Embedding { pooling, steps } => {
                let embedder = Embedder::load(pooling, steps, hidden, loader)?;
                let dim = embedder.dim;
                (BoundHead::Embedder(embedder), dim)
            }
            Head::CrossEncoder => {
                let load = |loader: &mut Loader<'_>| Classifier::load(architecture, loader);
                (BoundHead::Classifier(loader.with_initial(classifier, load)?), 1)
            }
            Head::States => (BoundHead::States, hidden),
        };
        let token_table = body.embeddings().tokens;
        Ok(Encoder { body, head, vocabulary, segments, hidden, dim, max_positions, token_table })
    }

    /// Embeddings `[texts, dim]`, or scores `[texts, 1]`.
    pub(crate) fn forward<O: Ops>(&self, ops: &O) -> Candle<O::Value> {
        let states = match &self.body {
            Body::Bert(bert) => bert.forward(ops)?,
            Body::ModernBert(bert) => bert.forward(ops)?,
            Body::Static(embeddings) => ops.embed(embeddings)?,
        };
        match &self.head {
            BoundHead::Embedder(head) => head.forward(ops, states),
            BoundHead::Classifier(head) => head.forward(ops, states),
            BoundHead::States => Ok(states),
        }
    }

    /// Whether a tensor that nothing uses may be in the files: buffers, and heads of other tasks.
    pub(crate) fn harmless(name: &str) -> bool {
        const PREFIXES: [&str; 7] =
            ["pooler.", "cls.", "lm_head.", "classifier.", "head.", "decoder.", "qa_outputs."];
        name.ends_with("position_ids")
            || name.ends_with("embeddings.token_type_ids")
            || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    }
}

impl Body {
    fn embeddings(&self) -> &Embeddings {
        match self {
            Body::Bert(bert) => &bert.embeddings,
            Body::ModernBert(bert) => &bert.embeddings,
            Body::Static(embeddings) => embeddings,
        }
    }
}
