//! UUIDs in their standard string form: 32 hexadecimal digits in five groups. Any version and variant is
//! accepted, since the standard's own first example has none.

use uuid::Uuid;

/// Reads a UUID in standard form, in letters of either case.
pub(crate) fn parse(text: &str) -> Option<Uuid> {
    // The library also reads forms with braces, a prefix or no hyphens; only the standard form is this long.
    if text.len() == 36 {
        Uuid::try_parse(text).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_standard_form() {
        for good in [
            "7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c",
            "12345678-1234-5678-1234-56781234567A",
        ] {
            assert!(parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "7c6f2b4e0a0d4f4b9a3c1f1d2e3a4b5c",
            "{7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c}",
            "urn:uuid:7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c",
            "7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5g",
            "7c6f2b4e-0a0d-4f4b-9a3c-1f1d2e3a4b5c0",
            "7c6f2b4-e0a0d-4f4b-9a3c-1f1d2e3a4b5c",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
