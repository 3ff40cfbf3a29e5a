//! Floating-point numbers as Go's `%v` writes them.

use std::fmt;

use super::Float;

impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, shortest) = match self {
            Self::Single(value) => (f64::from(*value), format!("{value:e}")),
            Self::Double(value) => (*value, format!("{value:e}")),
        };
        if value.is_nan() {
            return f.write_str("NaN");
        }
        if value.is_infinite() {
            return f.write_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        }
        // `eprec` of strconv/ftoa.go.
        match shortest.split_once('e') {
            Some((digits, exponent)) => match exponent.parse::<i32>() {
                Ok(exponent @ (..-4 | 6..)) => write!(f, "{digits}e{exponent:+03}"),
                _ => match self {
                    Self::Single(value) => write!(f, "{value}"),
                    Self::Double(value) => write!(f, "{value}"),
                },
            },
            None => f.write_str(&shortest),
        }
    }
}

impl Float {
    pub(super) fn is_zero(self) -> bool {
        match self {
            Self::Single(value) => value == 0.0,
            Self::Double(value) => value == 0.0,
        }
    }

    /// The number; `None` where JSON has none for it.
    pub(super) fn finite(self) -> Option<f64> {
        // The shortest decimal of a single one is that of no double one near it.
        let value = match self {
            Self::Single(value) => value.to_string().parse().unwrap_or(f64::from(value)),
            Self::Double(value) => value,
        };
        value.is_finite().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_writes_them() {
        for (value, expected) in [
            (1e5, "100000"),
            (1e6, "1e+06"),
            (123_456_789.0, "1.23456789e+08"),
            (1e20, "1e+20"),
            (1e22, "1e+22"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5, "1.5"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.234567e+06"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
            (-0.0, "-0"),
            (0.0, "0"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(Float::Double(value).to_string(), expected);
        }
        for (value, expected) in [
            (0.1, "0.1"),
            (1e7, "1e+07"),
            (16_777_216.0, "1.6777216e+07"),
        ] {
            assert_eq!(Float::Single(value).to_string(), expected);
        }
        assert_eq!(Float::Single(0.1).finite(), Some(0.1));
        assert_eq!(Float::Double(f64::NAN).finite(), None);
    }
}
