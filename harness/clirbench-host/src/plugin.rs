//! Loads a plugin and opens its interfaces.

use clirbench_abi::encoder::EncoderModule;
use clirbench_abi::fisher::FisherModule;
use clirbench_abi::host::HostObject;
use clirbench_abi::loss::LossModule;
use clirbench_abi::merger::MergerModule;
use clirbench_abi::scenario::ScenarioModule;
use clirbench_abi::trainer::TrainerModule;
use clirbench_abi::{AbiError, InterfaceModule, RResult, RStr, Root, load_root};
use serde_json::Value;

use crate::inspect::sha256;
use crate::{
    EncoderHandle, Error, FisherHandle, HostServices, LossHandle, Manifest, MergerHandle, PluginFile, Result,
    ScenarioHandle, TrainerHandle,
};

/// Opens what an interface is about, from a config (JSON) and the host.
type Open<O> = extern "C" fn(RStr<'_>, HostObject) -> RResult<O, AbiError>;

/// A loaded plugin. Its library stays loaded until the process ends.
pub struct Plugin {
    manifest: Manifest,
    root: Root,
    host: HostObject,
}

/// Loads a plugin: from here on its code runs in this process.
///
/// Thread pools read their environment when a library first uses them, so a worker sets
/// `RAYON_NUM_THREADS` and `OMP_NUM_THREADS` before it starts; `services.threads` alone binds
/// only plugins that ask.
///
/// # Errors
/// When the file has changed since it was inspected, does not load, or says another thing about
/// itself than its manifest.
pub fn load(file: &PluginFile, services: HostServices) -> Result<Plugin> {
    let id = &file.manifest.id;
    if sha256(&file.path)? != file.sha256 {
        return Err(Error::contract(id, "its library changed after it was inspected"));
    }
    let host = services.object(id)?;
    let root = load_root(&file.path).map_err(|e| {
        log::debug!("plugin `{id}`: {}", e.report);
        Error::Load { plugin: id.clone(), reason: e.summary }
    })?;
    let said = Manifest::from_json(root.manifest().as_bytes())
        .map_err(|e| Error::contract(id, format!("its code has no manifest: {e}")))?;
    if let Some(lie) = difference(&file.manifest, &said) {
        return Err(Error::contract(id, lie));
    }
    Ok(Plugin { manifest: said, root, host })
}

/// The first thing on which file and code disagree.
fn difference(file: &Manifest, code: &Manifest) -> Option<String> {
    let ids = |m: &Manifest| m.interfaces.iter().map(|i| i.id.clone()).collect::<Vec<_>>().join(", ");
    let fields = [
        ("id", &file.id, &code.id),
        ("version", &file.version, &code.version),
        ("licence", &file.licence, &code.licence),
        ("description", &file.description, &code.description),
        ("abi", &file.abi, &code.abi),
        ("target", &file.target, &code.target),
        ("rustc", &file.rustc, &code.rustc),
        ("interfaces", &ids(file), &ids(code)),
    ];
    let lie = fields.iter().find(|(_, file, code)| file != code);
    let lie =
        lie.map(|(field, file, code)| format!("its file says {field} `{file}`, its code says `{code}`"));
    lie.or_else(|| (file != code).then(|| "its file and its code differ on a config schema".to_owned()))
}

impl Plugin {
    /// What the plugin says about itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Opens the encoder. `config` is checked against the schema first.
    ///
    /// # Errors
    /// When the plugin has no `encoder/1`, or one of another layout, when the config does not fit,
    /// or when the plugin cannot open it (or says something impossible about it).
    pub fn encoder(&self, config: &Value) -> Result<EncoderHandle> {
        let opened = self.open(config, |module: &EncoderModule| module.open)?;
        EncoderHandle::new(&self.manifest.id, opened)
    }

    /// Opens the scenario. `config` is checked against the schema first.
    ///
    /// # Errors
    /// As [`Plugin::encoder`], for `scenario/1`.
    pub fn scenario(&self, config: &Value) -> Result<ScenarioHandle> {
        let opened = self.open(config, |module: &ScenarioModule| module.open)?;
        Ok(ScenarioHandle::new(&self.manifest.id, opened))
    }

    /// Opens the loss. `config` is checked against the schema first.
    ///
    /// # Errors
    /// As [`Plugin::encoder`], for `loss/1`.
    pub fn loss(&self, config: &Value) -> Result<LossHandle> {
        let opened = self.open(config, |module: &LossModule| module.open)?;
        LossHandle::new(&self.manifest.id, opened)
    }

    /// Opens the trainer. `config` is checked against the schema first.
    ///
    /// # Errors
    /// As [`Plugin::encoder`], for `trainer/1`.
    pub fn trainer(&self, config: &Value) -> Result<TrainerHandle> {
        let opened = self.open(config, |module: &TrainerModule| module.open)?;
        Ok(TrainerHandle::new(&self.manifest.id, opened))
    }

    /// Opens the merger. `config` is checked against the schema first.
    ///
    /// # Errors
    /// As [`Plugin::encoder`], for `merger/1`.
    pub fn merger(&self, config: &Value) -> Result<MergerHandle> {
        let opened = self.open(config, |module: &MergerModule| module.open)?;
        Ok(MergerHandle::new(&self.manifest.id, opened))
    }

    /// Opens the estimator of Fisher information. `config` is checked against the schema first.
    ///
    /// # Errors
    /// As [`Plugin::encoder`], for `fisher/1`.
    pub fn fisher(&self, config: &Value) -> Result<FisherHandle> {
        let opened = self.open(config, |module: &FisherModule| module.open)?;
        Ok(FisherHandle::new(&self.manifest.id, opened))
    }

    /// What the function that `of` picks from the module of an interface makes of `config`.
    fn open<T: InterfaceModule, O>(&self, config: &Value, of: impl FnOnce(&T) -> Open<O>) -> Result<O> {
        let open = of(self.module::<T>(config)?);
        let opened = open(RStr::from(config.to_string().as_str()), self.host.clone());
        opened.into_result().map_err(|e| Error::from_plugin(&self.manifest.id, e))
    }

    /// The module of an interface: in the manifest, in the code, and of our layout.
    fn module<T: InterfaceModule>(&self, config: &Value) -> Result<&'static T> {
        let plugin = || self.manifest.id.clone();
        if self.manifest.interface(T::ID).is_none() {
            let has = self.manifest.has();
            return Err(Error::NoInterface { plugin: plugin(), interface: T::ID, has });
        }
        self.manifest.check_config(T::ID, config)?;
        let interface = self.root.interface(T::ID).ok_or_else(|| {
            let lie = format!("its manifest names `{}`, its code does not have it", T::ID);
            Error::contract(&self.manifest.id, lie)
        })?;
        interface.get::<T>().map_err(|mismatch| {
            log::debug!("plugin `{}`: {}", self.manifest.id, mismatch.report);
            Error::Layout { plugin: plugin(), mismatch: mismatch.to_string() }
        })
    }
}
