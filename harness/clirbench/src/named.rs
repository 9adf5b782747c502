//! Datasets that are named on the command line.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::Result;
use clirbench_data::{DatasetSpec, Loaded, load};

use crate::{environment::read_bench, failure::Advice, screen::Screen};

/// `DATASET` or `DATASET=DIR`: a manifest or bench file, or the name of a manifest in `datasets`; and the
/// folder of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    dataset: String,
    folder: Option<PathBuf>,
}

impl FromStr for Named {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Named, Infallible> {
        let (dataset, folder) = text.split_once('=').map_or((text, None), |(d, f)| (d, Some(f.into())));
        Ok(Named { dataset: dataset.to_owned(), folder })
    }
}

impl Named {
    /// The TOML file.
    fn file(&self) -> Result<PathBuf, Advice> {
        let file = PathBuf::from(&self.dataset);
        let known = Path::new("datasets").join(format!("{}.toml", self.dataset));
        match (file.is_file(), known.is_file()) {
            (true, _) => Ok(file),
            (false, true) => Ok(known),
            (false, false) => Err(Advice::new(
                format!("there is no dataset {}: neither a file nor {}", self.dataset, known.display()),
                "name a manifest or bench file; `clirbench data list` shows the manifests in datasets/",
            )),
        }
    }

    /// The entries that it stands for, and the folder that their paths count from.
    pub(crate) fn specs(&self) -> Result<(Vec<DatasetSpec>, PathBuf)> {
        let file = self.file()?;
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let is_bench = toml::from_str::<toml::Table>(&text).is_ok_and(|t| t.contains_key("datasets"));
        let base = file.parent().unwrap_or(Path::new("")).to_owned();
        let mut specs = if is_bench {
            read_bench(&file)?.datasets
        } else {
            // An entry that names its manifest: languages without files may be left out.
            let manifest = std::path::absolute(&file)?;
            vec![DatasetSpec { manifest: Some(manifest), ..DatasetSpec::default() }]
        };
        if let Some(folder) = &self.folder {
            let folder = std::path::absolute(folder)?;
            specs.iter_mut().for_each(|spec| spec.path = Some(folder.clone()));
        }
        Ok((specs, base))
    }
}

/// Reads all datasets that are named.
pub(crate) fn load_all(named: &[Named], screen: &Screen) -> Result<Vec<Loaded>> {
    let mut all = Vec::new();
    for named in named {
        let (specs, base) = named.specs()?;
        for spec in specs {
            let loaded = load(&spec, &base).map_err(Advice::from)?;
            loaded.warnings.iter().for_each(|warning| screen.warn(&warning.to_string()));
            all.push(loaded);
        }
    }
    Ok(all)
}
