//! Identifiers of people in all their spellings: a person who wants to be forgotten does not know which one an
//! app recorded.

use sha1_smol::Sha1;
use url::Url;

use super::mail;

/// Returns the address of a `mailto:` IRI without scheme, query, percent-encoding and letter case. The letter
/// case before the `@` could tell two people apart (RFC 5321, section 2.4), but no mail system in use
/// distinguishes it.
pub(super) fn mail(mailto: &str) -> String {
    address(mailto).trim().to_lowercase()
}

/// Returns the SHA-1s under which a `mailto:` IRI may have been recorded.
pub(super) fn mail_sha1s(mailto: &str) -> Vec<String> {
    let address = address(mailto);
    let whole = format!("mailto:{address}");
    let folded = whole.to_lowercase();
    [
        mailto,
        &whole,
        &mail::fold(&whole),
        &folded,
        // Many forget the `mailto:`.
        &address,
        &mail(mailto),
    ]
    .map(|text| Sha1::from(text).digest().to_string())
    .into()
}

fn address(mailto: &str) -> String {
    let plain = match mailto.split_at_checked("mailto:".len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("mailto:") => rest,
        _ => mailto,
    };
    decoded(plain.split(['?', '#']).next().unwrap_or_default())
}

/// Normalizes what RFC 3986, section 6.2 calls equivalent in a URL: letter case of scheme and host, the
/// scheme's own port, an empty path, and percent-encoding.
pub(super) fn url(url: &str) -> String {
    // Resolves dot segments too, if it parses as a URL.
    let parsed = Url::parse(url.trim()).map(String::from);
    let url = parsed.as_deref().unwrap_or(url);
    let Some((scheme, rest)) = url.trim().split_once(':') else {
        return decoded(url.trim());
    };
    let scheme = scheme.to_lowercase();
    let Some(rest) = rest.strip_prefix("//") else {
        return format!("{scheme}:{}", decoded(rest));
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let host = decoded(host).to_lowercase();
    let port = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => ":",
    };
    let host = host.strip_suffix(port).unwrap_or(&host);
    let host = host.strip_suffix(':').unwrap_or(host);
    let path = if path == "/" {
        String::new()
    } else {
        decoded(path)
    };
    format!("{scheme}://{host}{path}")
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|two| {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            u8::try_from(digit(two[0])? * 16 + digit(two[1])?).ok()
        });
        if let (b'%', Some(byte)) = (first, digits) {
            bytes.push(byte);
            rest = &behind[2..];
        } else {
            bytes.push(first);
            rest = behind;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_address_is_one_in_all_spellings() {
        for spelt in [
            "mailto:zoe.q@example.com",
            "MAILTO:zoe.q@example.com",
            "mailto:Zoe.Q@EXAMPLE.com",
            "mailto:zoe%2Eq@example.com",
            "mailto:zoe.q%40example.com",
            "mailto:zoe.q@example.com?subject=hello",
            "zoe.q@example.com",
        ] {
            assert_eq!(mail(spelt), "zoe.q@example.com", "{spelt}");
        }
        assert_ne!(mail("mailto:zoeq@example.com"), "zoe.q@example.com");
        assert_eq!(mail("mailto:100%@é.example"), "100%@é.example");
    }

    #[test]
    fn a_url_is_one_in_all_spellings() {
        for (one, other) in [
            ("HTTPS://School.Example:443/", "https://school.example"),
            ("http://a.example:80/x", "http://A.example/x"),
            ("http://a.example/%7Eada", "http://a.example/~ada"),
            ("urn:school", "URN:school"),
            ("https://a.example/x/..", "https://a.example"),
            ("https://a.example/%61/../.", "https://a.example/"),
        ] {
            assert_eq!(url(one), url(other), "{one}");
        }
        for (one, other) in [
            ("http://a.example/Ada", "http://a.example/ada"),
            ("http://a.example:8080", "http://a.example"),
            ("https://a.example", "http://a.example"),
        ] {
            assert_ne!(url(one), url(other), "{one}");
        }
    }
}
