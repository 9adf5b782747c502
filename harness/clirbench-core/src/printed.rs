//! Numbers as tables print them: known to a digit, no further.
//!
//! ```
//! use clirbench_core::printed::Printed;
//!
//! let mrr = Printed::parse("0.945").expect("a number");
//! assert_eq!((mrr.value, mrr.unit), (0.945, 0.001));
//! // Rounded to the nearest, it was between 0.9445 and 0.9455.
//! assert!(mrr.span(0.5).holds(0.9454) && !mrr.span(0.5).holds(0.9456));
//! ```

use serde::Serialize;

/// What arithmetic in f64 may be off by, relative to the numbers.
const ROUNDING: f64 = 1e-9;

/// A number and how much one unit of its last digit is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Printed {
    /// The number.
    pub value: f64,
    /// One unit of the last digit; 0 where the number is exact.
    pub unit: f64,
}

impl Printed {
    /// A number of which every digit is known.
    #[must_use]
    pub fn exact(value: f64) -> Printed {
        Printed { value, unit: 0.0 }
    }

    /// A decimal number as it is written (`76.00` is known to 0.01); `None` for what is no finite number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Printed> {
        let text = text.trim();
        let value: f64 = text.parse().ok().filter(|v: &f64| v.is_finite())?;
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let decimals = digits.split_once('.').map_or(0, |(_, d)| d.len());
        let exponent: i32 = exponent.parse().ok()?;
        let last = exponent.checked_sub(i32::try_from(decimals).ok()?)?;
        // Parsed, not computed: 0.01 is then the same number wherever it comes from.
        let unit = format!("1e{last}").parse::<f64>().ok().filter(|u| u.is_finite())?;
        Some(Printed { value, unit })
    }

    /// The number in another unit: `scaled(0.01)` makes a fraction of a percentage.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Printed {
        Printed { value: self.value * factor, unit: self.unit * factor }
    }

    /// What the number may have been before it was printed: `units` of its last digit to either side.
    /// Half a unit is rounding to the nearest; a whole one leaves room for cutting off and rounding twice.
    #[must_use]
    pub fn span(self, units: f64) -> Span {
        Span { low: self.value - units * self.unit, high: self.value + units * self.unit }
    }

    /// Decimals that the number is printed with once it is multiplied by `factor`; 6 where it is exact.
    #[must_use]
    pub fn decimals(self, factor: f64) -> usize {
        let unit = self.unit * factor;
        if unit > 0.0 { (-unit.log10()).round().clamp(0.0, 12.0) as usize } else { 6 }
    }
}

/// Numbers from `low` to `high`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Span {
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

impl Span {
    /// Whether `value` is inside, up to the rounding of f64.
    #[must_use]
    pub fn holds(self, value: f64) -> bool {
        self.meets(Span { low: value, high: value })
    }

    /// Whether the two share a number, up to the rounding of f64.
    #[must_use]
    pub fn meets(self, other: Span) -> bool {
        self.may_be_at_most(other) && other.may_be_at_most(self)
    }

    /// Whether a number here can be at most one of `other`, up to the rounding of f64.
    #[must_use]
    pub fn may_be_at_most(self, other: Span) -> bool {
        let slack = ROUNDING * self.low.abs().max(other.high.abs()).max(1.0);
        self.low <= other.high + slack
    }

    /// Where the mean of one number of each is; `None` of nothing.
    #[must_use]
    pub fn mean(spans: &[Span]) -> Option<Span> {
        let mean = |of: fn(&Span) -> f64| spans.iter().map(of).sum::<f64>() / spans.len() as f64;
        (!spans.is_empty()).then(|| Span { low: mean(|s| s.low), high: mean(|s| s.high) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_counted_as_written() {
        let parsed = |text| Printed::parse(text).map(|p| (p.value, p.unit));
        assert_eq!(parsed("76.00"), Some((76.0, 0.01)));
        assert_eq!(parsed(" 7 "), Some((7.0, 1.0)));
        assert_eq!(parsed("-9.4"), Some((-9.4, 0.1)));
        assert_eq!(parsed("1.5e-3"), Some((0.0015, 0.0001)));
        assert_eq!(parsed("2E2"), Some((200.0, 100.0)));
    }

    #[test]
    fn what_is_no_finite_number_is_none() {
        for text in
            ["", "NaN", "inf", "-infinity", "1e999", "1e99999999999", "1,5", "0x10", "n/a", "1e-99999999999"]
        {
            assert_eq!(Printed::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_percentage_as_a_fraction_keeps_its_digit() {
        let fraction = Printed::parse("15.46").expect("a number").scaled(0.01);
        assert!(fraction.span(0.5).holds(0.15464) && !fraction.span(0.5).holds(0.15466));
        assert_eq!(fraction.decimals(100.0), 2);
        assert_eq!(Printed::exact(0.25).decimals(1.0), 6);
    }

    #[test]
    fn spans_meet_at_their_ends() {
        let (a, b) = (Span { low: 0.1, high: 0.3 }, Span { low: 0.1 + 0.2, high: 0.5 });
        assert!(a.meets(b) && b.meets(a), "0.1 + 0.2 is above 0.3 by rounding alone");
        assert!(!a.meets(Span { low: 0.31, high: 1.0 }));
        assert!(b.may_be_at_most(a) && !Span { low: 0.4, high: 0.5 }.may_be_at_most(a));
        assert_eq!(Span::mean(&[a, Span { low: 0.3, high: 0.5 }]), Some(Span { low: 0.2, high: 0.4 }));
        assert_eq!(Span::mean(&[]), None);
    }
}
