//! `pannier hub`: a small LRS on this machine.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tokio::runtime::{Builder, Runtime};
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};
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
    let ending = Ending::listen()
        .map_err(|error| Failure::open(format!("cannot listen for Ctrl-C: {error}")))?;
    let hub = Hub::start(&options).map_err(|error| Failure::open(error.to_string()))?;
    let shown = made.then_some(&password);
    output.show(
        &serde_json::json!({ "ready": true, "url": hub.url(), "user": user, "password": shown }),
        format_args!(
            "LRS       {}\nuser      {user}\n{}ready; Ctrl-C stops it",
            hub.url(),
            shown
                .map(|password| format!("password  {password}\n"))
                .unwrap_or_default()
        ),
    )?;
    ending.wait();
    hub.shutdown()
        .map_err(|error| Failure::work(format!("the hub failed: {error}")))
}

/// What tells the hub to end: Ctrl-C and, on Unix, a polite request.
struct Ending {
    runtime: Runtime,
    #[cfg(unix)]
    signals: [Signal; 2],
    #[cfg(windows)]
    ctrl_c: CtrlC,
}

impl Ending {
    /// From now on nothing of that ends the process by itself.
    fn listen() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let entered = runtime.enter();
        #[cfg(unix)]
        let signals = [
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        ];
        #[cfg(windows)]
        let ctrl_c = ctrl_c()?;
        drop(entered);
        Ok(Self {
            runtime,
            #[cfg(unix)]
            signals,
            #[cfg(windows)]
            ctrl_c,
        })
    }

    fn wait(self) {
        #[cfg(unix)]
        {
            let [mut interrupted, mut terminated] = self.signals;
            self.runtime.block_on(async {
                tokio::select! {
                    _ = interrupted.recv() => {}
                    _ = terminated.recv() => {}
                }
            });
        }
        #[cfg(windows)]
        {
            let mut ctrl_c = self.ctrl_c;
            self.runtime.block_on(ctrl_c.recv());
        }
    }
}
