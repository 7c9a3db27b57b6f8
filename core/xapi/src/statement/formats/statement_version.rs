//! Values of a statement's `version` property.
//!
//! A provider should leave it out; it may write only `1.0.0`, or `2.0.0` under version 2. An LRS of either
//! version must accept any 1.0.x, so statements from elsewhere with `1.0` or `1.0.3` do no harm and are
//! accepted too.

use crate::statement::version::XapiVersion;

/// Tells whether a statement checked as `version` may declare version `text`.
pub(crate) fn is_allowed(text: &str, version: XapiVersion) -> bool {
    is_1_0(text) || (version == XapiVersion::V2_0_0 && text == "2.0.0")
}

/// Tells whether `text` is version 1.0 in the form of semantic versioning: `1.0` or `1.0.x`.
fn is_1_0(text: &str) -> bool {
    match text.strip_prefix("1.0") {
        Some("" | ".0") => true,
        Some(rest) => rest.strip_prefix('.').is_some_and(|patch| {
            !patch.starts_with('0')
                && !patch.is_empty()
                && patch.bytes().all(|b| b.is_ascii_digit())
        }),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_0_is_for_both() {
        for version in [XapiVersion::V1_0_3, XapiVersion::V2_0_0] {
            for good in ["1.0", "1.0.0", "1.0.3", "1.0.12"] {
                assert!(is_allowed(good, version), "{good}");
            }
            for bad in [
                "",
                "1",
                "v1.0.0",
                "1.0.",
                "1.0.03",
                "1.0.x",
                "1.0.0-beta",
                "1.1.0",
                "0.95",
                "2.0",
                "2.0.1",
            ] {
                assert!(!is_allowed(bad, version), "{bad}");
            }
        }
        assert!(is_allowed("2.0.0", XapiVersion::V2_0_0));
        assert!(!is_allowed("2.0.0", XapiVersion::V1_0_3));
    }
}
