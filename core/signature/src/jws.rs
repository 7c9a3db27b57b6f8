//! A JWS in compact serialization (RFC 7515, 3.1 and 7.1), as far as xAPI allows one.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::algorithm::Algorithm;

/// Most characters of an `alg` that are repeated.
const SHOWN: usize = 20;

/// Parameters by which a header can name a key without a certificate, none of which is followed.
const OTHER_KEYS: [&str; 4] = ["jwk", "kid", "jku", "x5u"];

/// See the module's description.
pub(crate) struct Jws<'a> {
    pub(crate) algorithm: Algorithm,
    /// The chain of certificates, as the header has it.
    pub(crate) x5c: Option<Box<RawValue>>,
    /// Names of what the header has instead of, or beside, certificates.
    pub(crate) other_keys: Vec<&'static str>,
    pub(crate) payload: Vec<u8>,
    /// What was signed: the first two sections and the dot between them.
    pub(crate) signed: &'a [u8],
    pub(crate) signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Reads a JWS, or says what is wrong with its form.
    pub(crate) fn read(text: &'a [u8]) -> Result<Self, String> {
        const FORM: &str = "the signature is no JWS in compact serialization: three sections in base64url without \
            padding, with a dot between them and nothing else";
        let mut sections = text.split(|byte| *byte == b'.');
        let (Some(first), Some(second), Some(third), None) = (
            sections.next(),
            sections.next(),
            sections.next(),
            sections.next(),
        ) else {
            return Err(FORM.into());
        };
        let decode = |section: &[u8]| URL_SAFE_NO_PAD.decode(section).map_err(|_| FORM);
        let (header, payload, signature) = (decode(first)?, decode(second)?, decode(third)?);
        let header = Header::read(&header)?;
        Ok(Self {
            algorithm: header.algorithm()?,
            x5c: header.x5c,
            other_keys: header.other_keys,
            payload,
            signed: &text[..=first.len() + second.len()],
            signature,
        })
    }
}

/// Parameters of a JOSE header that decide something.
#[derive(Default)]
struct Header {
    alg: Option<Value>,
    x5c: Option<Box<RawValue>>,
    has_crit: bool,
    other_keys: Vec<&'static str>,
}

impl Header {
    fn read(text: &[u8]) -> Result<Self, String> {
        const FORM: &str =
            "the header of the signature is not a JSON object that has each name once";
        let text = str::from_utf8(text).map_err(|_| FORM)?;
        serde_json::from_str(text).map_err(|_| FORM.into())
    }

    fn algorithm(&self) -> Result<Algorithm, String> {
        const ALLOWED: &str = "xAPI allows RS256, RS384 and RS512";
        if self.has_crit {
            return Err(
                "the header of the signature has crit, and no extension that it can name is understood here"
                    .into(),
            );
        }
        match &self.alg {
            Some(Value::String(name)) => Algorithm::named(name).ok_or_else(|| {
                let shown: String = name.chars().take(SHOWN).collect();
                format!("the signature has the alg {shown:?}; {ALLOWED}")
            }),
            _ => Err(format!(
                "the header of the signature does not name its alg; {ALLOWED}"
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Parameters)
    }
}

struct Parameters;

impl<'de> Visitor<'de> for Parameters {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JOSE header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut header = Header::default();
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "alg" => header.alg = Some(map.next_value()?),
                "x5c" => header.x5c = Some(map.next_value()?),
                name => {
                    header.has_crit |= name == "crit";
                    let other = OTHER_KEYS.into_iter().find(|other| *other == name);
                    header.other_keys.extend(other);
                    let _: IgnoredAny = map.next_value()?;
                }
            }
            if !names.insert(name) {
                return Err(A::Error::custom("a name that stands there twice"));
            }
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_header(header: &str) -> Result<(), String> {
        let text = format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header));
        Jws::read(text.as_bytes()).map(|_| ())
    }

    #[test]
    fn the_form_is_compact_and_nothing_else() {
        let good = format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#));
        assert!(Jws::read(good.as_bytes()).is_ok());
        for bad in [
            String::new(),
            "..".into(),
            good.replacen('.', "", 1),
            format!("{good}."),
            format!("{good}\n"),
            format!(" {good}"),
            good.replace("e30", "e30="),
            good.replace("AAAA", "AA+A"),
            // The last character has bits that belong to no octet.
            good.replace("e30", "e31"),
        ] {
            assert!(Jws::read(bad.as_bytes()).is_err(), "{bad:?}");
        }
        let serialized =
            r#"{"payload":"e30","signatures":[{"protected":"e30","signature":"AAAA"}]}"#;
        assert!(Jws::read(serialized.as_bytes()).is_err());
    }

    #[test]
    fn a_header_has_each_name_once_an_allowed_alg_and_no_crit() {
        let deep = format!(
            r#"{{"alg":"RS256","x":{}}}"#,
            "[".repeat(100_000) + &"]".repeat(100_000)
        );
        for good in [
            r#"{"alg":"RS256"}"#,
            r#" {"typ":"JWT","alg":"RS512","jwk":{"a":1,"a":2}} "#,
            r#"{"\u0061lg":"RS384"}"#,
        ] {
            assert_eq!(with_header(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            (r#"{"alg":"RS256","alg":"RS256"}"#, "each name once"),
            (r#"{"alg":"RS256","\u0061lg":"none"}"#, "each name once"),
            (r#"{"alg":"RS256","kid":"a","kid":"a"}"#, "each name once"),
            (r#"["RS256"]"#, "JSON object"),
            (r#"{"alg":"RS256"} {}"#, "JSON object"),
            ("{}", "does not name its alg"),
            (r#"{"alg":null}"#, "does not name its alg"),
            (r#"{"alg":"none"}"#, "\"none\""),
            (r#"{"alg":"HS256"}"#, "\"HS256\""),
            (r#"{"alg":"PS256"}"#, "\"PS256\""),
            (r#"{"alg":"ES256"}"#, "\"ES256\""),
            (r#"{"alg":"rs256"}"#, "\"rs256\""),
            (r#"{"alg":"RS256","crit":[]}"#, "crit"),
            (r#"{"alg":"RS256","crit":["b64"],"b64":false}"#, "crit"),
        ] {
            let said = with_header(bad).unwrap_err();
            assert!(said.contains(why), "{bad}: {said}");
        }
        let _ = with_header(&deep);
        assert!(URL_SAFE_NO_PAD.decode("_w").is_ok_and(|it| it == [0xff]));
        assert!(Jws::read(b"_w.e30.AAAA").is_err(), "no UTF-8");
    }
}
