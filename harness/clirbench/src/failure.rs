//! How a command ends.

use std::process::ExitCode;

/// Exit status of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was done.
    Done = 0,
    /// An error; nothing was measured.
    Error = 1,
    /// Some cells failed.
    Incomplete = 3,
    /// A comparison found what `--fail-on` names.
    Regression = 4,
    /// A check found something.
    Findings = 5,
    /// The user stopped it.
    Stopped = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// An error with what to do about it; `{:#}` of its source chain is the message.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Advice {
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Advice {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Advice {
        Advice { message: message.into(), hint: hint.into() }
    }
}

impl From<clirbench_host::Error> for Advice {
    fn from(error: clirbench_host::Error) -> Advice {
        Advice::new(error.to_string(), error.hint().unwrap_or_default())
    }
}

impl From<clirbench_model::Error> for Advice {
    fn from(error: clirbench_model::Error) -> Advice {
        Advice { message: error.message, hint: error.hint }
    }
}

impl From<clirbench_data::Error> for Advice {
    /// The message of a data error says what to do.
    fn from(error: clirbench_data::Error) -> Advice {
        Advice::new(error.to_string(), "")
    }
}

impl From<clirbench_synth::Error> for Advice {
    fn from(error: clirbench_synth::Error) -> Advice {
        Advice { message: error.message, hint: error.hint }
    }
}

impl From<clirbench_jobs::job::Failure> for Advice {
    fn from(failure: clirbench_jobs::job::Failure) -> Advice {
        Advice { message: failure.message, hint: failure.hint }
    }
}
