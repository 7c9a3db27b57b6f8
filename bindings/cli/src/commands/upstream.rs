//! Arguments for the LRS, the credentials and the connection.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use pannier::lrs::Endpoint;
use pannier::transport::{HttpOptions, HttpTransport};
use pannier::{Config, Credentials, Error, XapiVersion};

use super::credentials::{self, Named};
use super::{Failure, connection, small_file};
use crate::terminal::one_line;

/// Which LRS.
#[derive(Args, Debug)]
pub struct UpstreamArgs {
    /// The LRS's base URL, such as <https://lrs.example/xAPI>; the queue remembers it
    #[arg(long, env = "PANNIER_LRS", value_name = "URL")]
    pub lrs: Option<String>,

    #[command(flatten)]
    credentials: CredentialArgs,

    #[command(flatten)]
    way: WayArgs,

    /// The version of xAPI to speak: 1.0.3 or 2.0.0; without it the LRS is asked
    // Read where the other settings of main are: what is wrong with it stops no other upstream.
    #[arg(long, value_name = "VERSION")]
    pub speak: Option<String>,
}

/// As whom.
#[derive(Args, Debug)]
pub struct CredentialArgs {
    /// A file with the credentials: lines `user = …` and `password = …`, or `basic = …`, or `token = …`
    ///
    /// Without it they come from the environment: `PANNIER_LRS_USER` and `PANNIER_LRS_PASSWORD`, or
    /// `PANNIER_LRS_BASIC` for a ready value, or `PANNIER_LRS_TOKEN`. Never from the arguments, which other
    /// users of the machine can read.
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,

    /// Send the credentials over http:// to another host too, where everybody on the way can read them
    #[arg(long)]
    pub allow_cleartext: bool,
}

/// By which way.
#[derive(Args, Debug)]
pub struct WayArgs {
    /// Trust the certificates in this file too (PEM or DER): those of a school's or company's own
    /// authority
    #[arg(long, value_name = "FILE")]
    ca: Vec<PathBuf>,

    /// Go through this HTTP proxy; what is for this machine itself goes through none
    ///
    /// A user name and a password for it stand before its host: `http://USER:PASSWORD@HOST:PORT`. In a
    /// variable no other user of the machine can read them.
    #[arg(
        long,
        env = "PANNIER_PROXY",
        hide_env_values = true,
        value_name = "URL"
    )]
    proxy: Option<String>,

    /// Go through the proxies that `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name
    #[arg(long, conflicts_with = "proxy")]
    proxy_from_environment: bool,
}

impl UpstreamArgs {
    /// Returns a configuration with everything but the first upstream's address and credentials.
    pub fn config_without_main(&self) -> Result<Config, Failure> {
        let mut config = Config::default();
        config.allow_cleartext = self.credentials.allow_cleartext;
        if self.way.is_asked_for() {
            config.transport = Some(Arc::new(self.way.transport()?));
        }
        Ok(config)
    }

    /// Returns a configuration with everything.
    pub fn config(&self) -> Result<Config, Failure> {
        if let Some(lrs) = &self.lrs {
            Endpoint::parse(lrs).map_err(Error::from)?;
        }
        let mut config = self.config_without_main()?;
        config.endpoint.clone_from(&self.lrs);
        config.credentials = self.credentials.read()?;
        config.speak = self.speaks()?;
        Ok(config)
    }

    fn speaks(&self) -> Result<Option<XapiVersion>, Failure> {
        let Some(text) = &self.speak else {
            return Ok(None);
        };
        let version = text.parse().map_err(|error| {
            let text = one_line(text);
            Failure::usage(format!("--speak {text}: {error}"))
        })?;
        Ok(Some(version))
    }
}

impl WayArgs {
    fn is_asked_for(&self) -> bool {
        !self.ca.is_empty() || self.proxy.is_some() || self.proxy_from_environment
    }

    /// Returns a transport with the settings of the connection.
    pub fn transport(&self) -> Result<HttpTransport, Failure> {
        let read = |path: &PathBuf| small_file::bytes(path, "certificates");
        let options = HttpOptions {
            extra_roots: self.ca.iter().map(read).collect::<Result<_, _>>()?,
            proxy: self.proxy.clone(),
            proxies_from_environment: self.proxy_from_environment,
            ..HttpOptions::default()
        };
        HttpTransport::new(&options).map_err(|error| match error {
            pannier::transport::InvalidHttpOptions::NotACertificate(at) => Failure::usage(format!(
                "{} holds no readable certificate; give it in PEM or DER",
                self.ca
                    .get(at)
                    .map_or("--ca".into(), |path| one_line(path.display()))
            )),
            other => Failure::usage(connection::in_our_words(&other.to_string())),
        })
    }
}

/// Reads the credentials for an upstream other than the first: from `PANNIER_LRS_NAME_USER` and so on, or from the
/// file.
pub fn credentials_of(name: &str, file: Option<&Path>) -> Result<Option<Credentials>, Failure> {
    found(&variables_of(name), file)
}

/// Returns the prefix of the variables with the credentials of an upstream other than the first.
pub fn variables_of(name: &str) -> String {
    format!(
        "PANNIER_LRS_{}",
        name.to_ascii_uppercase().replace('-', "_")
    )
}

impl UpstreamArgs {
    /// Returns the file with credentials, if one is named.
    pub fn credentials_file(&self) -> Option<&Path> {
        self.credentials.credentials.as_deref()
    }
}

impl CredentialArgs {
    /// Reads the credentials, if any are given.
    pub fn read(&self) -> Result<Option<Credentials>, Failure> {
        found("PANNIER_LRS", self.credentials.as_deref())
    }
}

fn found(prefix: &str, file: Option<&Path>) -> Result<Option<Credentials>, Failure> {
    match credentials::read(prefix, file)? {
            Named {
                user: None,
                password: None,
                token: None,
                basic: None,
            } => Ok(None),
            Named {
                user: Some(user),
                password: Some(password),
                token: None,
                basic: None,
            } => Ok(Some(Credentials::Basic { user, password })),
            Named {
                user: None,
                password: None,
                token: Some(token),
                basic: None,
            } => Ok(Some(Credentials::Bearer(token))),
            Named {
                user: None,
                password: None,
                token: None,
                basic: Some(basic),
            } => unpack(&basic).map(Some).ok_or_else(|| {
                Failure::usage(
                    "the ready Basic value is not what follows `Basic` in a header: user, colon and password in base64",
                )
            }),
            _ => Err(Failure::usage(
                "give the LRS's credentials either as user and password, or as a ready Basic value, or as a token",
            )),
        }
}

/// Reads user and password from a ready value, with or without `Basic` before it.
fn unpack(basic: &str) -> Option<Credentials> {
    let packed = basic.trim();
    let packed = match packed.split_once(' ') {
        Some((word, rest)) if word.eq_ignore_ascii_case("basic") => rest.trim(),
        Some(_) => return None,
        None => packed,
    };
    let pair = String::from_utf8(STANDARD.decode(packed).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some(Credentials::Basic {
        user: user.to_owned(),
        password: password.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ready_value_is_user_and_password() {
        // RFC 7617, section 2.
        let aladdin = || {
            Some(Credentials::Basic {
                user: "Aladdin".to_owned(),
                password: "open sesame".to_owned(),
            })
        };
        for value in [
            "QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            " Basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n",
        ] {
            assert!(unpack(value) == aladdin(), "{value}");
        }
        for value in ["", "Bearer abc", "user:password", "dXNlcg=="] {
            assert!(unpack(value).is_none(), "{value}");
        }
    }
}
