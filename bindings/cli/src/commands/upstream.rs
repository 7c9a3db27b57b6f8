//! Which LRS, and as whom.

use std::path::PathBuf;

use clap::Args;
use pannier::Credentials;

use super::Failure;
use super::credentials::{self, Named};

/// Which LRS.
#[derive(Args, Debug)]
pub struct UpstreamArgs {
    /// The LRS's base URL, such as <https://lrs.example/xAPI>; the queue remembers it
    #[arg(long, env = "PANNIER_LRS", value_name = "URL")]
    pub lrs: Option<String>,

    #[command(flatten)]
    pub credentials: CredentialArgs,
}

/// As whom.
#[derive(Args, Debug)]
pub struct CredentialArgs {
    /// A file with the credentials: lines `user = …` and `password = …`, or `token = …`
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
}

impl CredentialArgs {
    /// The credentials, if any are given.
    pub fn read(&self) -> Result<Option<Credentials>, Failure> {
        match credentials::read("PANNIER_LRS", self.credentials.as_deref())? {
            Named {
                user: None,
                password: None,
                token: None,
            } => Ok(None),
            Named {
                user: Some(user),
                password: Some(password),
                token: None,
            } => Ok(Some(Credentials::Basic { user, password })),
            Named {
                user: None,
                password: None,
                token: Some(token),
            } => Ok(Some(Credentials::Bearer(token))),
            _ => Err(Failure::usage(
                "give the LRS's credentials either as user and password or as a token",
            )),
        }
    }
}
