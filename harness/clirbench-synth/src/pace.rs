//! When the next request may start.

use std::time::{Duration, Instant};

use crate::{recipe::EndpointSpec, request::Tokens};

/// Spreads requests evenly over time, and holds all of them back where the endpoint asks for it.
pub(crate) struct Pace {
    per_request: f64,
    per_token: f64,
    free_at: Instant,
}

impl Pace {
    pub(crate) fn of(endpoint: &EndpointSpec) -> Pace {
        let share = |per_minute: Option<f64>| per_minute.map_or(0.0, |n| 60.0 / n);
        Pace {
            per_request: share(endpoint.requests_per_minute),
            per_token: share(endpoint.tokens_per_minute),
            free_at: Instant::now(),
        }
    }

    /// When the next request may start.
    pub(crate) fn free_at(&self) -> Instant {
        self.free_at
    }

    /// A request starts that can cost so many tokens.
    pub(crate) fn started(&mut self, now: Instant, bound: Tokens) {
        let seconds = self.per_request.max(self.per_token * bound.total() as f64);
        self.free_at = self.free_at.max(now) + Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    }

    /// No request starts before `until`.
    pub(crate) fn pause_until(&mut self, until: Instant) {
        self.free_at = self.free_at.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Recipe, tests::MINIMAL};

    fn pace(limits: &str) -> Pace {
        Pace::of(&Recipe::parse(&format!("{MINIMAL}{limits}")).expect("a recipe").endpoint)
    }

    #[test]
    fn the_stricter_limit_counts() {
        let cost = Tokens { input: 500, output: 500 };
        for (limits, seconds) in [
            ("", 0),
            ("requests_per_minute = 12\n", 5),
            ("tokens_per_minute = 10000\n", 6),
            ("requests_per_minute = 12\ntokens_per_minute = 10000\n", 6),
        ] {
            let (mut pace, now) = (pace(limits), Instant::now());
            pace.started(now, cost);
            pace.started(now, cost);
            assert_eq!(pace.free_at() - now, Duration::from_secs(2 * seconds), "{limits}");
        }
    }

    #[test]
    fn a_pause_holds_back_everything() {
        let (mut pace, later) = (pace(""), Instant::now() + Duration::from_secs(9));
        pace.pause_until(later);
        pace.pause_until(Instant::now());
        assert_eq!(pace.free_at(), later);
    }
}
