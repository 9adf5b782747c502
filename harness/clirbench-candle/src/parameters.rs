//! The named tensors of a model: those that train, and those that are only carried along.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor, Var};
use clirbench_plugin::{Error, Result};
use safetensors::tensor::Dtype;

use crate::files::Source;
use crate::initial::Initial;

/// Index of a trainable tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parameter(pub(crate) usize);

/// A trainable tensor: its f32 master and where it came from.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) var: Var,
    /// Type in the file.
    pub(crate) dtype: Dtype,
    /// Module of the head that it belongs to, if not to the transformer.
    pub(crate) module: Option<String>,
}

/// All tensors of a model.
#[derive(Debug)]
pub(crate) struct Parameters {
    pub(crate) trainable: Vec<Named>,
    /// Tensors of the transformer's files that this model does not use; written back unchanged.
    pub(crate) untouched: BTreeMap<String, Source>,
}

impl Parameters {
    pub(crate) fn var(&self, parameter: Parameter) -> &Var {
        &self.trainable[parameter.0].var
    }
}

/// Takes tensors out of files by name, and remembers what was missing.
pub(crate) struct Loader<'a> {
    sources: BTreeMap<String, Source>,
    device: &'a Device,
    prefix: String,
    module: Option<String>,
    missing: Vec<String>,
    trainable: Vec<Named>,
    /// Makes tensors that are missing.
    initial: Option<Initial>,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(sources: BTreeMap<String, Source>, device: &'a Device) -> Self {
        Loader {
            sources,
            device,
            prefix: String::new(),
            module: None,
            missing: Vec::new(),
            trainable: Vec::new(),
            initial: None,
        }
    }

    /// Calls `load` with a loader that makes what is missing from `initial`, if that is something.
    pub(crate) fn with_initial<T>(
        &mut self,
        initial: Option<Initial>,
        load: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.initial = initial;
        let loaded = load(self);
        self.initial = None;
        loaded
    }

    /// What stands before `suffix` in the names of the files: `bert.`, `roberta.`, `model.` or nothing.
    pub(crate) fn find_prefix(&mut self, suffix: &str) {
        let found = self.sources.keys().find_map(|name| name.strip_suffix(suffix));
        self.prefix = found.unwrap_or_default().to_owned();
    }

    /// The first of `names` that the files have.
    pub(crate) fn first_of<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        names.iter().copied().find(|name| self.has(name))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.sources.contains_key(&format!("{}{name}", self.prefix))
    }

    /// The tensor `name` (the prefix is added), which must have `shape`.
    pub(crate) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Parameter> {
        let full = format!("{}{name}", self.prefix);
        self.take_full(full, shape)
    }

    /// The tensor `name` as it stands, with no prefix added.
    pub(crate) fn take_unprefixed(&mut self, name: &str, shape: &[usize]) -> Result<Parameter> {
        self.take_full(name.to_owned(), shape)
    }

    fn take_full(&mut self, full: String, shape: &[usize]) -> Result<Parameter> {
        let Some(source) = self.sources.remove(&full) else {
            if let Some(initial) = self.initial {
                let tensor = initial.tensor(&full, shape, self.device).map_err(crate::error::candle)?;
                return self.push(full, &tensor, Dtype::F32);
            }
            self.missing.push(full);
            return Ok(Parameter(usize::MAX));
        };
        if source.shape != shape {
            return Err(Error::model(format!(
                "tensor {full} has shape {:?}, the configuration asks for {shape:?}",
                source.shape
            ))
            .hint("config.json and the weights belong to different models"));
        }
        let tensor = source.load(&full, self.device)?;
        self.push(full, &tensor, source.dtype)
    }

    /// Shape of a tensor that is there.
    pub(crate) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.sources.get(&format!("{}{name}", self.prefix)).map(|source| source.shape.clone())
    }

    fn push(&mut self, name: String, tensor: &Tensor, dtype: Dtype) -> Result<Parameter> {
        debug_assert_eq!(tensor.dtype(), DType::F32, "masters are f32");
        let name = match &self.module {
            Some(module) => format!("{module}/{name}"),
            None => name,
        };
        let var = Var::from_tensor(tensor).map_err(crate::error::candle)?;
        self.trainable.push(Named { name, var, dtype, module: self.module.clone() });
        Ok(Parameter(self.trainable.len() - 1))
    }

    /// Takes tensors of a module's own file: `load` is given a loader over `sources`, and all of them
    /// have to be used.
    pub(crate) fn module<T>(
        &mut self,
        module: &str,
        sources: BTreeMap<String, Source>,
        load: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let outer = std::mem::replace(&mut self.sources, sources);
        let prefix = std::mem::take(&mut self.prefix);
        self.module = Some(module.to_owned());
        let loaded = load(self);
        self.module = None;
        self.prefix = prefix;
        let rest = std::mem::replace(&mut self.sources, outer);
        let loaded = loaded?;
        if rest.is_empty() {
            return Ok(loaded);
        }
        Err(extra(&rest.into_keys().collect::<Vec<_>>(), &format!("module {module}")))
    }

    /// The parameters, after everything was taken. A name that was not there is an error, and so is a
    /// tensor that nobody took and `harmless` does not know.
    pub(crate) fn finish(self, harmless: impl Fn(&str) -> bool) -> Result<Parameters> {
        if !self.missing.is_empty() {
            return Err(Error::model(format!("the weights lack {}", listed(&self.missing)))
                .hint("config.json and the weights belong to different models, or a shard is absent"));
        }
        let prefix = &self.prefix;
        let surplus: Vec<String> = self
            .sources
            .keys()
            .filter(|name| !harmless(name) && !name.strip_prefix(prefix.as_str()).is_some_and(&harmless))
            .cloned()
            .collect();
        if !surplus.is_empty() {
            return Err(extra(&surplus, "the architecture"));
        }
        Ok(Parameters { trainable: self.trainable, untouched: self.sources })
    }
}

fn extra(names: &[String], what: &str) -> Error {
    Error::model(format!("the weights have tensors that {what} does not use: {}", listed(names)))
        .hint("config.json and the weights belong to different models")
}

/// The names, cut where there are many.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN {
        text += &format!(" and {} more", names.len() - SHOWN);
    }
    text
}
