//! Numbers with a range.

use reveille_payload::WriteJson;
use serde::{Deserialize, Serialize};

use crate::InvalidValue;

/// A number from 0 to 1, checked when it is made: the volume of a critical sound, or the relevance of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Fraction(f64);

impl Fraction {
    /// 1.
    pub const ONE: Self = Self(1.0);
    /// 0.
    pub const ZERO: Self = Self(0.0);
}

impl TryFrom<f64> for Fraction {
    type Error = InvalidValue;

    /// # Errors
    /// [`InvalidValue::Form`] unless it is from 0 to 1.
    fn try_from(value: f64) -> Result<Self, InvalidValue> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(InvalidValue::Form { what: "relevance score or volume", expected: "from 0 to 1" })
        }
    }
}

impl From<Fraction> for f64 {
    fn from(fraction: Fraction) -> Self {
        fraction.0
    }
}

/// Any number but infinity and NaN, which JSON cannot write. Use it for the relevance of a Live Activity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Finite(f64);

impl TryFrom<f64> for Finite {
    type Error = InvalidValue;

    /// # Errors
    /// [`InvalidValue::Form`] for infinity and NaN, which JSON cannot write.
    fn try_from(value: f64) -> Result<Self, InvalidValue> {
        if value.is_finite() {
            Ok(Self(value))
        } else {
            Err(InvalidValue::Form { what: "relevance score", expected: "a finite number" })
        }
    }
}

impl From<Finite> for f64 {
    fn from(number: Finite) -> Self {
        number.0
    }
}

impl WriteJson for Fraction {
    fn write_json(&self, out: &mut Vec<u8>) {
        write_finite(self.0, out);
    }
}

impl WriteJson for Finite {
    fn write_json(&self, out: &mut Vec<u8>) {
        write_finite(self.0, out);
    }
}

fn write_finite(number: f64, out: &mut Vec<u8>) {
    // serde_json writes a number that is not finite as null, and cannot fail on a buffer.
    let _ = serde_json::to_writer(out, &number);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for value in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Fraction::try_from(value).is_err(), "{value}");
        }
        assert_eq!(f64::from(Fraction::try_from(0.5).unwrap()), 0.5);
        assert!(Finite::try_from(-1e300).is_ok());
        assert!(Finite::try_from(f64::NAN).is_err());
    }
}
