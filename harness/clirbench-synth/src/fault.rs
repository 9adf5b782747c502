//! Why a request got no reply, and what follows from it.

use std::time::Duration;

/// What became of a request that got no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// For people; without the API key.
    pub(crate) message: String,
    /// When the endpoint wants to be asked again.
    pub(crate) retry_after: Option<Duration>,
}

/// Kinds of faults; reports count them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum FaultKind {
    /// No connection: nothing was sent.
    Unreachable,
    /// No reply within the time.
    Timeout,
    /// The connection broke, or what came is no completion. It may have been charged.
    Broken,
    /// Too many requests.
    RateLimited,
    /// The server failed.
    ServerError,
    /// The endpoint does not want this request.
    Refused,
    /// The endpoint wants no request of ours: key, address, permission, credit.
    Denied,
}

impl FaultKind {
    /// Its name in journal and report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            FaultKind::Unreachable => "unreachable",
            FaultKind::Timeout => "timeout",
            FaultKind::Broken => "broken",
            FaultKind::RateLimited => "rate-limited",
            FaultKind::ServerError => "server-error",
            FaultKind::Refused => "refused",
            FaultKind::Denied => "denied",
        }
    }

    /// Whether the endpoint may have done the work, and charge for it, although nobody saw it.
    pub(crate) fn may_be_charged(self) -> bool {
        matches!(self, FaultKind::Timeout | FaultKind::Broken)
    }

    /// Whether the same request may succeed later.
    pub(crate) fn is_transient(self) -> bool {
        !matches!(self, FaultKind::Refused | FaultKind::Denied)
    }

    /// The kind of an HTTP status that is no success. `code` is the endpoint's own error code.
    pub(crate) fn of_status(status: u16, code: &str) -> FaultKind {
        match status {
            // Credit that is used up does not come back by waiting.
            429 if code == "insufficient_quota" => FaultKind::Denied,
            429 => FaultKind::RateLimited,
            // What is behind the gateway may have done its work.
            408 | 504 | 524 => FaultKind::Timeout,
            409 | 425 | 500.. => FaultKind::ServerError,
            400 | 413 | 422 => FaultKind::Refused,
            _ => FaultKind::Denied,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_say_what_follows() {
        for (status, code, kind) in [
            (401, "", FaultKind::Denied),
            (403, "", FaultKind::Denied),
            (404, "", FaultKind::Denied),
            (302, "", FaultKind::Denied),
            (400, "", FaultKind::Refused),
            (429, "rate_limit_exceeded", FaultKind::RateLimited),
            (429, "insufficient_quota", FaultKind::Denied),
            (500, "", FaultKind::ServerError),
            (529, "", FaultKind::ServerError),
            (504, "", FaultKind::Timeout),
        ] {
            assert_eq!(FaultKind::of_status(status, code), kind, "{status}");
        }
    }
}
