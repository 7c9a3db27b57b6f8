//! LRS and credentials of a request: what a reader has to know besides the answer.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::lrs::{Authorization, Endpoint};

/// Endpoint and credentials of a request: some servers repeat the credentials in what they say, where nobody else may
/// read them.
#[derive(Clone, Copy, Debug)]
pub struct AskedAs<'a> {
    pub(super) endpoint: &'a Endpoint,
    authorization: Option<&'a Authorization>,
    /// Credentials of earlier requests, whose answers may still come.
    former: &'a [Authorization],
}

impl<'a> From<&'a Endpoint> for AskedAs<'a> {
    /// Describes a request without credentials.
    fn from(endpoint: &'a Endpoint) -> Self {
        Self {
            endpoint,
            authorization: None,
            former: &[],
        }
    }
}

impl<'a> From<(&'a Endpoint, Option<&'a Authorization>)> for AskedAs<'a> {
    fn from((endpoint, authorization): (&'a Endpoint, Option<&'a Authorization>)) -> Self {
        Self {
            endpoint,
            authorization,
            former: &[],
        }
    }
}

impl<'a> AskedAs<'a> {
    /// Adds the credentials of earlier requests, whose answers may still come.
    #[must_use]
    pub fn after(self, former: &'a [Authorization]) -> Self {
        Self { former, ..self }
    }
}

/// Number of characters below which a secret is hidden only as a word of its own: many words would contain it.
const SHORT: usize = 4;

const IN_ITS_PLACE: &str = "(hidden)";

impl AskedAs<'_> {
    /// Returns a server's text without the credentials it was asked with: the whole value, the password, the token; as
    /// they are, and as JSON, URLs and web pages write them.
    pub(super) fn hide(&self, text: &str) -> String {
        let secrets = self.secrets();
        if secrets.is_empty() {
            return text.to_owned();
        }
        let mut clean = String::with_capacity(text.len());
        let mut rest = text;
        let mut before = None;
        while let Some(next) = rest.chars().next() {
            let found = secrets.iter().find_map(|secret| {
                let end = written(rest, secret)?;
                let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
                let alone = || apart(before) && apart(rest[end..].chars().next());
                (secret.chars().count() >= SHORT || alone()).then_some(end)
            });
            if let Some(end) = found {
                clean.push_str(IN_ITS_PLACE);
                rest = &rest[end..];
                before = None;
            } else {
                clean.push(next);
                rest = &rest[next.len_utf8()..];
                before = Some(next);
            }
        }
        clean
    }

    /// Returns the secrets, the longest first, so that none is left in part.
    fn secrets(&self) -> Vec<String> {
        let all = self.authorization.into_iter().chain(self.former);
        let mut secrets: Vec<_> = all.flat_map(secrets_of).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
    }
}

/// Returns the whole value, the password, the token, and what else reveals them.
fn secrets_of(authorization: &Authorization) -> Vec<String> {
    let Some((_, value)) = authorization.value().split_once(' ') else {
        return Vec::new();
    };
    let mut secrets = vec![value.to_owned()];
    // A ready value need not keep to base64's padding, nor to its last bits.
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let decoded = GeneralPurpose::new(&STANDARD, lenient).decode(value);
    if let Some(pair) = decoded.ok().and_then(|pair| String::from_utf8(pair).ok())
        && let Some((_, password)) = pair.split_once(':')
    {
        secrets.extend([STANDARD_NO_PAD.encode(password), password.to_owned()]);
        secrets.push(pair);
    }
    // Without the padding, which many leave out, and in the alphabet for URLs.
    let unpadded = value.trim_end_matches('=').to_owned();
    secrets.push(unpadded.replace('+', "-").replace('/', "_"));
    secrets.push(unpadded);
    let password_alone = |secret: &String| !secret.is_empty() && secret != ":";
    secrets.retain(password_alone);
    secrets
}

/// Returns the end of a secret that the text begins with, each of its characters written in any way.
fn written(text: &str, secret: &str) -> Option<usize> {
    let mut rest = text;
    for c in secret.chars() {
        rest = one(rest, c)?;
    }
    Some(text.len() - rest.len())
}

/// Returns what follows this character, written as it is, escaped as in JSON (once or several times), percent-encoded,
/// or as an HTML entity.
fn one(text: &str, c: char) -> Option<&str> {
    // First, since an ampersand may be written as an entity, too.
    if let Some(rest) = by_number(text, c).or_else(|| entity(text, c)) {
        return Some(rest);
    }
    if let Some(rest) = text.strip_prefix(c) {
        // A backslash is doubled in JSON, any number of times.
        return Some(if c == '\\' {
            rest.trim_start_matches('\\')
        } else {
            rest
        });
    }
    let behind = text.trim_start_matches('\\');
    if behind.len() < text.len() {
        return behind.strip_prefix(c);
    }
    if text.starts_with('%') {
        let mut bytes = [0; 4];
        let mut rest = text;
        for byte in c.encode_utf8(&mut bytes).bytes() {
            rest = hex(rest.strip_prefix('%')?, 2, u32::from(byte))?;
        }
        return Some(rest);
    }
    if c == ' ' {
        return text.strip_prefix('+');
    }
    None
}

/// Returns what follows this character, written as an HTML entity.
fn entity(text: &str, c: char) -> Option<&str> {
    let (entity, rest) = text.strip_prefix('&')?.split_once(';')?;
    let means = match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        number => number.strip_prefix('#').and_then(|number| {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok(),
                None => number.parse().ok(),
            };
            char::from_u32(code?)
        }),
    };
    (means == Some(c)).then_some(rest)
}

/// Returns what follows this character, written as JSON's `\u` and the number of each of its UTF-16 units.
fn by_number(text: &str, c: char) -> Option<&str> {
    let mut units = [0; 2];
    let mut rest = text;
    for unit in c.encode_utf16(&mut units) {
        rest = rest.strip_prefix('\\')?.trim_start_matches('\\');
        rest = hex(rest.strip_prefix('u')?, 4, u32::from(*unit))?;
    }
    Some(rest)
}

/// Returns what follows this many hex digits, if they mean this number.
fn hex(text: &str, digits: usize, number: u32) -> Option<&str> {
    let (found, rest) = text.split_at_checked(digits)?;
    (u32::from_str_radix(found, 16) == Ok(number)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lrs::Credentials;

    fn hidden(credentials: &Credentials, text: &str) -> String {
        let endpoint = Endpoint::parse("https://lrs.example/xAPI").unwrap();
        let authorization = credentials.authorization().unwrap();
        AskedAs::from((&endpoint, Some(&authorization))).hide(text)
    }

    fn basic(user: &str, password: &str) -> Credentials {
        Credentials::Basic {
            user: user.to_owned(),
            password: password.to_owned(),
        }
    }

    #[test]
    fn a_server_that_repeats_the_header_is_not_repeated() {
        // RFC 7617, section 2.
        let aladdin = basic("Aladdin", "open sesame");
        for (said, shown) in [
            (
                "bad header: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==.",
                "bad header: Basic (hidden).",
            ),
            ("Aladdin:open sesame is unknown", "(hidden) is unknown"),
            ("no open sesame here", "no (hidden) here"),
            (
                "?auth=QWxhZGRpbjpvcGVuIHNlc2FtZQ%3D%3D&pw=open%20sesame&again=open+sesame",
                "?auth=(hidden)&pw=(hidden)&again=(hidden)",
            ),
            (
                r#"{"auth":"QWxhZGRpbjpvcGVuIHNlc2FtZQ\u003d\u003D"}"#,
                r#"{"auth":"(hidden)"}"#,
            ),
            (
                "opens sesame, Basic QWxhZGRpbg==",
                "opens sesame, Basic QWxhZGRpbg==",
            ),
        ] {
            assert_eq!(hidden(&aladdin, said), shown);
        }
    }

    #[test]
    fn escaped_characters_hide_no_secret() {
        let odd = basic("u", "a\"b\\c/d<é😀");
        for said in [
            "a\"b\\c/d<é😀",
            r#"a\"b\\c\/d<é😀"#,
            r#"a\\\"b\\\\c\\\/d\\u003cé😀"#,
            r"a\u0022b\u005cc\u002Fd\u003C\u00e9\ud83d\ude00",
            "a%22b%5Cc%2fd%3C%c3%A9%F0%9F%98%80",
            "a&quot;b\\c&#47;d&lt;&#xe9;😀",
        ] {
            assert_eq!(
                hidden(&odd, &format!("x {said} y")),
                "x (hidden) y",
                "{said}"
            );
        }
    }

    #[test]
    fn other_alphabets_hide_no_secret() {
        // `printf 'app:<p&ss>??>' | base64`, without its end and as RFC 4648, section 5 has it.
        let app = basic("app", "<p&ss>??>");
        for said in [
            "YXBwOjxwJnNzPj8/Pg",
            "YXBwOjxwJnNzPj8_Pg",
            "PHAmc3M+Pz8+",
            "&lt;p&amp;ss&gt;??&gt;",
        ] {
            assert_eq!(
                hidden(&app, &format!("x {said} y")),
                "x (hidden) y",
                "{said}"
            );
        }
    }

    #[test]
    fn a_short_one_is_hidden_as_a_word_of_its_own() {
        assert_eq!(
            hidden(&basic("u", "an"), "an answer: u:an, \"an\""),
            "(hidden) answer: (hidden), \"(hidden)\""
        );
        assert_eq!(hidden(&basic("", ""), "a: b"), "a: b");
    }

    #[test]
    fn tokens_and_ready_values_are_hidden() {
        let bearer = Credentials::Bearer("eyJh.bGci/-".to_owned());
        assert_eq!(
            hidden(&bearer, r#"{"token":"eyJh.bGci\/-"}"#),
            r#"{"token":"(hidden)"}"#
        );
        // No padding: "u:SECRETpw".
        let ready = Credentials::Basic64("dTpTRUNSRVRwdw".to_owned());
        assert_eq!(
            hidden(&ready, "dTpTRUNSRVRwdw or SECRETpw"),
            "(hidden) or (hidden)"
        );
        assert_eq!(
            hidden(&Credentials::Basic64("b0a1-9f.~".to_owned()), "b0a1-9f.~!"),
            "(hidden)!"
        );
    }
}
