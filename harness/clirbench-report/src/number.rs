//! Numbers as text.

/// The shortest decimal that reads back as the same f64; zero has no sign.
pub(crate) fn shortest(value: f64) -> String {
    (value + 0.0).to_string()
}

/// `digits` decimals; halves go away from zero, also where the nearest f64 lies one step below
/// (0.285 prints as `0.29`); never `-0.00`.
pub(crate) fn fixed(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", value * (1.0 + f64::EPSILON));
    if text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.') {
        return text.trim_start_matches('-').to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest_reads_back() {
        for value in [0.1 + 0.2, 1.0, 1.0 / 3.0, 650.95, 1e-12, -0.25] {
            assert_eq!(shortest(value).parse::<f64>(), Ok(value));
        }
        assert_eq!(shortest(-0.0), "0");
        assert_eq!(shortest(0.1), "0.1");
    }

    #[test]
    fn fixed_rounds_halves_away_and_drops_the_sign_of_zero() {
        assert_eq!(fixed(0.285, 2), "0.29");
        assert_eq!(fixed(-0.285, 2), "-0.29");
        assert_eq!(fixed(100.0 * 0.90375, 2), "90.38");
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(fixed(0.0, 1), "0.0");
        assert_eq!(fixed(12.0, 2), "12.00");
    }
}
