//! The IRI of a mailbox: `mailto:` and an address.
//!
//! Only the shape is checked, not whether a mail server would take it. Several addresses separated by commas
//! are let through: the standard speaks of one address but does not say that an LRS refuses more.

use super::iri;

/// Whether `text` is a `mailto:` IRI with an address and nothing more, such as a subject.
pub(crate) fn is_mailto(text: &str) -> bool {
    let Some((scheme, addresses)) = text.split_once(':') else {
        return false;
    };
    scheme.eq_ignore_ascii_case("mailto")
        && iri::is_iri(text)
        && !addresses.contains(['?', '#'])
        && addresses.split(',').all(is_address)
}

/// `local@domain`, with neither empty, and no empty label in the domain.
fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.contains('@')
            && domain.split('.').all(|label| !label.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_an_address_counts() {
        for good in [
            "mailto:a@example.com",
            "MAILTO:a@example.com",
            "mailto:a+b@localhost",
            "mailto:a@bücher.example",
            "mailto:%22a%20b%22@example.com",
            "mailto:a@example.com,b@example.com",
        ] {
            assert!(is_mailto(good), "{good}");
        }
        for bad in [
            "a@example.com",
            "mailto:",
            "mailto:example.com",
            "mailto:@example.com",
            "mailto:a@",
            "mailto:a@b@c",
            "mailto:a@example..com",
            "mailto:a b@example.com",
            "mailto:a@example.com?subject=x",
            "mailto:a@example.com,",
            "http://a@example.com",
        ] {
            assert!(!is_mailto(bad), "{bad}");
        }
    }
}
