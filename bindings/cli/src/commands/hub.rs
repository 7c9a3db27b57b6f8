//! `pannier hub`: a small LRS on this machine.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use uuid::Uuid;

use super::credentials::{self, Named};
use super::{Failure, Output};
use crate::hub::{Hub, Options, Place};

/// Run a small LRS on this machine
///
/// It speaks xAPI 1.0.3 and 2.0.0: statements with attachments, voiding and all filters, and the About
/// resource. It is made for the first hour with Pannier and for tests, and says exactly what is wrong
/// with a request. It listens on this machine only, unless --listen says otherwise.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Credentials come from the environment (PANNIER_HUB_USER, PANNIER_HUB_PASSWORD) or a file of lines
`user = …` and `password = …`, never from the arguments, which other users of the machine can read.
If there is no password, the hub makes one and prints it once.

Examples:
  pannier hub
  PANNIER_HUB_USER=me PANNIER_HUB_PASSWORD=secret pannier hub --store lrs.db
  PANNIER_LRS_USER=me PANNIER_LRS_PASSWORD=secret pannier sync --lrs http://127.0.0.1:8080/xAPI")]
pub struct HubArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// The file to keep the statements in; without it they are kept in memory
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,

    /// A file with the user and the password
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
}

/// Runs a hub until Ctrl-C.
pub fn run(args: HubArgs, output: Output) -> Result<(), Failure> {
    let named = credentials::read("PANNIER_HUB", args.credentials.as_deref())?;
    let Named { user, password, .. } = named;
    let made = password.is_none();
    let user = user.unwrap_or_else(|| "pannier".to_owned());
    let password = password.unwrap_or_else(|| Uuid::new_v4().simple().to_string());
    let options = Options {
        addr: args.listen,
        place: args.store.map_or(Place::Memory, Place::File),
        ..Options::new(&user, &password)
    };
    let hub = Hub::start(&options).map_err(|error| Failure::open(error.to_string()))?;
    let shown = made.then_some(&password);
    output.one(
        &serde_json::json!({ "ready": true, "url": hub.url(), "user": user, "password": shown }),
        || {
            println!("LRS        {}", hub.url());
            println!("user       {user}");
            if let Some(password) = shown {
                println!("password   {password}");
            }
            println!("ready; Ctrl-C stops it");
        },
    );
    until_told().map_err(|error| Failure::open(format!("cannot wait for Ctrl-C: {error}")))?;
    hub.shutdown()
        .map_err(|error| Failure::work(format!("the hub failed: {error}")))
}

/// Waits for Ctrl-C or, on Unix, a polite request to end.
fn until_told() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        #[cfg(unix)]
        {
            let mut terminated =
                tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
            tokio::select! {
                interrupted = tokio::signal::ctrl_c() => interrupted,
                _ = terminated.recv() => Ok(()),
            }
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await
    })
}
