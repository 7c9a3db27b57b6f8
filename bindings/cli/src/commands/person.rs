//! A person's identifier, from the arguments.

use clap::Args;
use pannier::Uuid;
use pannier::statement::model::{Agent, Ifi};
use pannier::statement::{Statement, XapiVersion, check};

use super::Failure;

/// Who, by exactly one identifier.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct PersonArgs {
    /// By a mail address
    #[arg(long, value_name = "ADDRESS")]
    mbox: Option<String>,

    /// By the SHA-1 of a mail address with its mailto:, as 40 hex digits
    #[arg(long, value_name = "HEX")]
    mbox_sha1sum: Option<String>,

    /// By an `OpenID`
    #[arg(long, value_name = "URL")]
    openid: Option<String>,

    /// By an account: the home page of the system it is on, and its name there
    #[arg(long, num_args = 2, value_names = ["HOME_PAGE", "NAME"])]
    account: Option<Vec<String>>,
}

impl PersonArgs {
    /// Returns the identifier, which is valid by the rules of some version.
    pub fn ifi(&self) -> Result<Ifi, Failure> {
        let mbox = self.mbox.as_deref().map(|address| {
            let plain = match address.split_at_checked("mailto:".len()) {
                Some((scheme, plain)) if scheme.eq_ignore_ascii_case("mailto:") => plain,
                _ => address,
            };
            Ifi::mbox(format!("mailto:{plain}"))
        });
        let account = self.account.as_deref().and_then(|account| match account {
            [home_page, name] => Some(Ifi::account(home_page, name)),
            _ => None,
        });
        let who = mbox
            .or_else(|| self.mbox_sha1sum.as_ref().map(Ifi::mbox_sha1sum))
            .or_else(|| self.openid.as_ref().map(Ifi::openid))
            .or(account)
            .ok_or_else(|| {
                Failure::usage("say who, by --mbox, --mbox-sha1sum, --openid or --account")
            })?;
        // No valid statement names anybody so: it is mistyped.
        let named = Statement::void(Uuid::nil(), Agent::new(who.clone())).to_json();
        let verdicts = [XapiVersion::V1_0_3, XapiVersion::V2_0_0]
            .map(|version| check(named.as_bytes(), version));
        match verdicts {
            [Err(invalid), Err(_)] => Err(Failure::usage(format!("this is nobody: {invalid}"))),
            _ => Ok(who),
        }
    }
}
