//! The models of a merge, opened and found to fit together.

use std::path::{Path, PathBuf};

use clirbench_model::{ModelDirectory, Tensors};

use crate::agreement::{check_base, check_model};
use crate::element::StoredType;
use crate::weights::Weights;
use crate::{Error, MergeSpec, Result};

/// A model directory.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) directory: ModelDirectory,
    pub(crate) weights: Weights,
}

impl Model {
    fn open(name: String, path: &Path) -> Result<Self> {
        let directory = ModelDirectory::read(path)?;
        let weights = Weights::open(path, &directory)?;
        Ok(Model { name, path: path.to_owned(), directory, weights })
    }
}

/// The models of a merge: same architecture, vocabulary, pooling, prompts and modules; tensors of the same
/// names and shapes, of any floating-point type.
#[derive(Debug)]
pub struct Parents {
    /// At least one.
    pub(crate) models: Vec<Model>,
    pub(crate) base: Option<Model>,
    /// One per model, or none.
    pub(crate) importances: Vec<Tensors>,
}

impl Parents {
    /// Opens what the spec names; relative paths start at the current folder.
    ///
    /// # Errors
    /// Kind `model` for a directory that cannot be read, or the first thing by name in which one differs
    /// from the first; kind `config` where some models have importances and others not.
    pub fn open(spec: &MergeSpec) -> Result<Self> {
        spec.check()?;
        let mut models: Vec<Model> = Vec::new();
        for parent in &spec.models {
            let model = Model::open(parent.name(), &parent.path)?;
            if let Some(first) = models.first() {
                check_model(first, &model)?;
            }
            models.push(model);
        }
        let name =
            |path: &Path| path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let base = spec.base.as_deref().map(|path| Model::open(name(path), path)).transpose()?;
        if let Some(base) = &base {
            check_base(&models[0], base)?;
        }
        let importances = importances(spec, &models)?;
        Ok(Parents { models, base, importances })
    }

    /// Names of the models, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.models.iter().map(|model| model.name.as_str())
    }

    /// The directory that gives the merged model all that is not weights.
    #[must_use]
    pub fn first(&self) -> &Path {
        &self.models[0].path
    }
}

/// The importances of every model's weights, under the weights' names.
fn importances(spec: &MergeSpec, models: &[Model]) -> Result<Vec<Tensors>> {
    if spec.models.iter().all(|parent| parent.importance.is_none()) {
        return Ok(Vec::new());
    }
    if let Some(parent) = spec.models.iter().find(|parent| parent.importance.is_none()) {
        return Err(Error::config(format!("model `{}` has no `importance`, others have", parent.name()))
            .hint("give every model the importances of its weights, or none"));
    }
    let mut found = Vec::new();
    let paths = spec.models.iter().filter_map(|parent| parent.importance.as_ref());
    for (path, model) in paths.zip(models) {
        let tensors = Tensors::open(path)?;
        for name in model.weights.names() {
            let Some((dtype, shape)) = model.weights.describe(&name) else { continue };
            let described = tensors.describe(&name);
            let fits = described.is_some_and(|(of, s)| s == shape && StoredType::of(of).is_some());
            if StoredType::of(dtype).is_some() && !fits {
                let what =
                    described.map_or("has no".to_owned(), |(of, s)| format!("has another ({of} {s:?})"));
                let path = path.display();
                return Err(Error::model(format!("{path} {what} tensor `{name}` of shape {shape:?}"))
                    .hint("importances are of one model: estimate them again for this one"));
            }
        }
        found.push(tensors);
    }
    Ok(found)
}
