//! Credentials for an LRS.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

/// Credentials by which the LRS knows us. `Debug` shows the kind only.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// HTTP Basic (C 4): key and secret, as most LRSs call them.
    Basic {
        /// The user name or key. It cannot contain a colon (RFC 7617, section 2).
        user: String,
        /// The password or secret.
        password: String,
    },
    /// HTTP Basic in the ready form in which it was issued: what stands after `Basic ` in the header. Sent as it is,
    /// since not all issuers keep to user and password (cmi5 8.2.2).
    Basic64(String),
    /// A bearer token (RFC 6750), which no version of xAPI names but many LRSs take.
    Bearer(String),
}

/// Reason why credentials cannot be sent. Never repeats them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidCredentials {
    /// A colon would move the border between user name and password.
    #[error(
        "the user name must not contain a colon; check that it is not user and password in one"
    )]
    ColonInUser,
    /// Line breaks and other control characters, most often from a file that was read whole.
    #[error("the {0} must not contain a line break or other control character; trim it")]
    ControlCharacter(&'static str),
    /// A token with characters that RFC 6750, section 2.1 does not allow.
    #[error(
        "the bearer token must be one word of letters, digits and -._~+/=; give the token alone"
    )]
    NotAToken,
    /// A ready value with characters that RFC 9110, section 11.2 does not allow.
    #[error(
        "the ready Basic value must be one word of letters, digits and -._~+/=; give what stands after \"Basic \" alone"
    )]
    NotBase64,
}

/// The value of an `Authorization` header, known to be safe to send. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization(String);

impl Credentials {
    /// Makes the header value, or says why these credentials cannot be sent.
    pub fn authorization(&self) -> Result<Authorization, InvalidCredentials> {
        match self {
            Self::Basic { user, password } => {
                if user.contains(':') {
                    return Err(InvalidCredentials::ColonInUser);
                }
                for (what, text) in [("user name", user), ("password", password)] {
                    if text.contains(char::is_control) {
                        return Err(InvalidCredentials::ControlCharacter(what));
                    }
                }
                let pair = STANDARD.encode(format!("{user}:{password}"));
                Ok(Authorization(format!("Basic {pair}")))
            }
            Self::Basic64(ready) if is_one_word(ready) => {
                Ok(Authorization(format!("Basic {ready}")))
            }
            Self::Basic64(_) => Err(InvalidCredentials::NotBase64),
            Self::Bearer(token) if is_one_word(token) => {
                Ok(Authorization(format!("Bearer {token}")))
            }
            Self::Bearer(_) => Err(InvalidCredentials::NotAToken),
        }
    }
}

/// Tells whether the text is a `token68` (RFC 9110, section 11.2), wherever its `=` stand.
fn is_one_word(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    !text.is_empty() && text.chars().all(fits)
}

impl Authorization {
    pub(super) fn value(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } | Self::Basic64(_) => "Basic(hidden)",
            Self::Bearer(_) => "Bearer(hidden)",
        })
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(user: &str, password: &str) -> Credentials {
        Credentials::Basic {
            user: user.to_owned(),
            password: password.to_owned(),
        }
    }

    #[test]
    fn basic_is_base64_of_user_colon_password() {
        let known = |user, password| basic(user, password).authorization().map(|it| it.0);
        // RFC 7617, section 2 and 2.1; and xAPI's blank pair for nobody in particular (C 4).
        assert_eq!(
            known("Aladdin", "open sesame"),
            Ok("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".to_owned())
        );
        assert_eq!(
            known("test", "123\u{a3}"),
            Ok("Basic dGVzdDoxMjPCow==".to_owned())
        );
        assert_eq!(known("", ""), Ok("Basic Og==".to_owned()));
        assert_eq!(
            known("a", "with:colon"),
            Ok("Basic YTp3aXRoOmNvbG9u".to_owned())
        );
    }

    #[test]
    fn a_token_goes_as_it_is() {
        let token = Credentials::Bearer("eyJh.bGci_-~+/=".to_owned());
        assert_eq!(
            token.authorization().map(|it| it.0),
            Ok("Bearer eyJh.bGci_-~+/=".to_owned())
        );
    }

    #[test]
    fn a_ready_value_goes_as_it_is() {
        // The same as of RFC 7617, section 2; and one of no user and no password.
        for ready in ["QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "b0a1-9f.~"] {
            let ready_made = Credentials::Basic64(ready.to_owned());
            assert_eq!(
                ready_made.authorization().map(|it| it.0),
                Ok(format!("Basic {ready}"))
            );
        }
        for wrong in ["", "Basic QWxh", "QWxh\r\nHost: evil"] {
            let refused = Credentials::Basic64(wrong.to_owned()).authorization();
            assert_eq!(refused, Err(InvalidCredentials::NotBase64), "{wrong:?}");
        }
    }

    #[test]
    fn what_could_smuggle_a_header_is_refused() {
        for (credentials, why) in [
            (basic("a:b", "c"), InvalidCredentials::ColonInUser),
            (
                basic("a\n", "c"),
                InvalidCredentials::ControlCharacter("user name"),
            ),
            (
                basic("a", "c\r\n"),
                InvalidCredentials::ControlCharacter("password"),
            ),
            (
                Credentials::Bearer("x\r\nHost: evil".to_owned()),
                InvalidCredentials::NotAToken,
            ),
            (
                Credentials::Bearer("Bearer x".to_owned()),
                InvalidCredentials::NotAToken,
            ),
            (
                Credentials::Bearer(String::new()),
                InvalidCredentials::NotAToken,
            ),
        ] {
            assert_eq!(credentials.authorization(), Err(why));
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let basic = basic("ada", "lovelace");
        let bearer = Credentials::Bearer("t0ken".to_owned());
        let header = bearer.authorization();
        let ready = Credentials::Basic64("t0ken".to_owned());
        let shown = format!("{basic:?} {bearer:?} {header:?} {ready:?}");
        for secret in ["ada", "lovelace", "t0ken"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
