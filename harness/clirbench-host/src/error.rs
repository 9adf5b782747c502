//! Why a plugin is refused, or what it answered.

use std::io;
use std::path::PathBuf;

use clirbench_abi::AbiError;

use crate::ManifestError;

/// What went wrong, and where. [`Error::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read or written.
    #[error("cannot {action} `{}`: {source}", path.display())]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that is not a shared object with a manifest.
    #[error("`{}` is not a plugin: {reason}", path.display())]
    NotAPlugin {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A plugin whose manifest cannot be used.
    #[error("`{}` is refused: {reason}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: ManifestError,
    },
    /// A plugin for another machine.
    #[error("plugin `{plugin}` was built for {built}, this is {here}")]
    Target {
        /// Plugin id.
        plugin: String,
        /// The plugin's target triple.
        built: String,
        /// The harness's.
        here: &'static str,
    },
    /// No plugin has this id.
    #[error("there is no plugin `{id}`")]
    Unknown {
        /// The id that was asked for.
        id: String,
        /// What was found instead.
        hint: String,
    },
    /// No encoder, or more than one, recognises a model directory.
    #[error("{message}")]
    Undetected {
        /// Which directory, and which encoders.
        message: String,
        /// What to write into the bench file.
        hint: String,
    },
    /// The lock names another library, or none.
    #[error("plugin `{plugin}` is not the one in plugins.lock: {difference}")]
    Locked {
        /// Plugin id.
        plugin: String,
        /// What differs.
        difference: String,
    },
    /// A `plugins.lock` that cannot be understood.
    #[error("`{}` is not a plugins.lock: {reason}", path.display())]
    LockFile {
        /// The file.
        path: PathBuf,
        /// Line and reason.
        reason: String,
    },
    /// A config that the plugin's schema does not allow.
    #[error("{message}")]
    Config {
        /// Which key of which plugin, and why.
        message: String,
        /// A near key, the allowed values, or where to look.
        hint: String,
    },
    /// A library that does not load.
    #[error("plugin `{plugin}` cannot be loaded: {reason}")]
    Load {
        /// Plugin id.
        plugin: String,
        /// One line from the loader.
        reason: String,
    },
    /// A plugin without the interface that was asked for.
    #[error("plugin `{plugin}` has no `{interface}`")]
    NoInterface {
        /// Plugin id.
        plugin: String,
        /// Interface id.
        interface: &'static str,
        /// What it has.
        has: String,
    },
    /// An interface that was built against another layout.
    #[error("plugin `{plugin}` is refused: its {mismatch}")]
    Layout {
        /// Plugin id.
        plugin: String,
        /// Which interface, and how many differences.
        mismatch: String,
    },
    /// A plugin that does not keep its word.
    #[error("plugin `{plugin}` broke its contract: {breach}")]
    Contract {
        /// Plugin id.
        plugin: String,
        /// What it did.
        breach: String,
    },
    /// An error that the plugin returned, panics included.
    #[error("plugin `{plugin}`: {message}")]
    Plugin {
        /// Plugin id.
        plugin: String,
        /// One of `config`, `input`, `model`, `runtime`, `cancelled`, `panic`, `internal`.
        kind: String,
        /// What and where.
        message: String,
        /// What to do; may be empty.
        hint: String,
    },
    /// A call with buffers that do not fit its texts, or a host that cannot be described.
    #[error("{0}")]
    Usage(String),
}

/// Result of every call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// What the user can do about it; `None` when nothing helps.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        let hint = match self {
            Error::File { .. } | Error::Usage(_) => "",
            Error::NotAPlugin { .. } => {
                "name a library that a plugin crate built, or the directory that holds it"
            }
            Error::Manifest { .. } | Error::Layout { .. } => {
                "build the plugin with the `clirbench-plugin` of this harness"
            }
            Error::Target { .. } => "build the plugin for this target",
            Error::Unknown { hint, .. } | Error::Undetected { hint, .. } | Error::Config { hint, .. } => hint,
            Error::Locked { .. } => "if the change is intended, write it again: `clirbench plugin lock`",
            Error::LockFile { .. } => "remove it and write it again: `clirbench plugin lock`",
            Error::Load { .. } => "build it again; `ldd` shows libraries that it misses",
            Error::NoInterface { has, .. } => has,
            Error::Contract { .. } => "this is a fault of the plugin: report it to its author",
            Error::Plugin { hint, .. } => hint,
        };
        (!hint.is_empty()).then_some(hint)
    }

    /// Whether the plugin stopped because the user asked for it.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Error::Plugin { kind, .. } if kind == "cancelled")
    }

    pub(crate) fn from_plugin(plugin: &str, error: AbiError) -> Self {
        Error::Plugin {
            plugin: plugin.to_owned(),
            kind: error.kind.into_string(),
            message: error.message.into_string(),
            hint: error.hint.into_string(),
        }
    }

    pub(crate) fn contract(plugin: &str, breach: impl Into<String>) -> Self {
        Error::Contract { plugin: plugin.to_owned(), breach: breach.into() }
    }
}
