//! The versions of the standard a statement can be checked against.

use std::fmt;
use std::str::FromStr;

/// A version of the xAPI standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum XapiVersion {
    /// xAPI 1.0.3, the version almost every LRS speaks.
    V1_0_3,
    /// xAPI 2.0.0, which is IEEE 9274.1.1.
    V2_0_0,
}

impl XapiVersion {
    /// Returns the version as written in the `X-Experience-API-Version` header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_0_3 => "1.0.3",
            Self::V2_0_0 => "2.0.0",
        }
    }

    /// Returns the other of the two versions that Pannier speaks.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::V1_0_3 => Self::V2_0_0,
            Self::V2_0_0 => Self::V1_0_3,
        }
    }
}

impl fmt::Display for XapiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for XapiVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl FromStr for XapiVersion {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        match text {
            "1.0.3" => Ok(Self::V1_0_3),
            "2.0.0" => Ok(Self::V2_0_0),
            _ => Err(UnknownVersion),
        }
    }
}

/// Error for a text that names no version of the standard that Pannier knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an xAPI version Pannier knows: use 1.0.3 or 2.0.0")]
pub struct UnknownVersion;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_version_agree() {
        for version in [XapiVersion::V1_0_3, XapiVersion::V2_0_0] {
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        assert_eq!("1.0.2".parse::<XapiVersion>(), Err(UnknownVersion));
        assert!(XapiVersion::V1_0_3 < XapiVersion::V2_0_0);
    }
}
