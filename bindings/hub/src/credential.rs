//! HTTP Basic: the user of the hub, and the authority of its statements.

use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::hash;
use super::problem::Problem;
use super::splice;

/// The hub's one user.
#[derive(Clone)]
pub struct Credential {
    user: String,
    digest: String,
}

impl Credential {
    /// Takes a user and a password.
    pub fn new(user: &str, password: &str) -> Self {
        Self {
            user: user.to_owned(),
            digest: hash::sha256(format!("{user}:{password}").as_bytes()),
        }
    }

    /// Refuses with 401 a request that does not carry this user and password.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let problem = match given.and_then(basic) {
            // Digests are compared, so that the time taken reveals nothing about the password.
            Some(given) if hash::sha256(&given) == self.digest => return Ok(()),
            Some(_) => "the user or the password is wrong",
            None => {
                "no readable Basic credentials; send Authorization: Basic with user and password (in a form, before the content)"
            }
        };
        Err(Problem::new(StatusCode::UNAUTHORIZED, problem))
    }

    /// Returns the `authority` of what this user sends: always the same agent, wherever the hub listens (1.0.3 Data
    /// 2.4.9; 2.0.0 4.2.4.2).
    pub fn authority(&self) -> String {
        let name = splice::quote(&self.user);
        format!(
            r#"{{"objectType":"Agent","account":{{"homePage":"http://localhost/xAPI","name":{name}}}}}"#
        )
    }
}

fn basic(header: &str) -> Option<Vec<u8>> {
    let (scheme, rest) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("Basic")
        .then(|| STANDARD.decode(rest.trim()).ok())?
}
