//! `pannier demo`: everything at once, on this machine, in half a minute.

use std::path::PathBuf;

use clap::Args;

use super::upstream::CredentialArgs;
use super::{Failure, Output, confirm};
use crate::demo::killed::{self, Order};
use crate::demo::{self, Day, Error, Named, Options, Stage};

/// Watch three devices record offline and deliver to an LRS that behaves badly
///
/// A phone, a headset and a tablet record about 1,500 statements without a network; the headset's
/// process is killed in the middle. Then the LRS comes up badly, then all is well. In the end a table
/// says for each device what was recorded, delivered, held and queued, and what the LRS itself says it
/// has. If this does not add up exactly, the exit code is 1.
#[derive(Args, Debug)]
#[command(after_long_help = "\
With --lrs the statements go to a real LRS, in which they stay; under the id of one of them it is
given another one first, so that it has something to refuse. It asks before it does that.

Examples:
  pannier demo
  PANNIER_LRS_USER=me PANNIER_LRS_PASSWORD=secret pannier demo --yes --lrs https://lrs.example/xAPI")]
pub struct DemoArgs {
    /// A real LRS's base URL, in place of a hub of the demo's own
    #[arg(long, value_name = "URL")]
    lrs: Option<String>,

    /// With --lrs: do not ask before about 1,500 invented statements are stored there for good
    #[arg(long, requires = "lrs")]
    yes: bool,

    #[command(flatten)]
    credentials: CredentialArgs,

    /// A new folder to keep the queues in; otherwise they are deleted in the end
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
}

/// Runs the demo.
pub fn run(args: DemoArgs, output: Output) -> Result<(), Failure> {
    let lrs = match args.lrs {
        None => None,
        Some(endpoint) => {
            let credentials = args.credentials.read()?;
            let what =
                format!("About 1,500 invented statements are stored at {endpoint}, for good");
            confirm::ask(args.yes, &what)?;
            Some(Named {
                endpoint,
                credentials,
                allow_cleartext: args.credentials.allow_cleartext,
            })
        }
    };
    let options = Options {
        lrs,
        keep: args.keep,
        program: std::env::current_exe().map_err(|error| {
            Failure::open(format!("cannot find this program's own file: {error}"))
        })?,
    };
    let stage = if output.json {
        Stage::dark()
    } else {
        Stage::visible()
    };
    let tally = demo::run(&options, &stage).map_err(failure)?;
    output.show(&tally, tally.text());
    if tally.exact {
        Ok(())
    } else {
        Err(Failure::work(""))
    }
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Collector(error) => error.into(),
        Error::Usage(text) => Failure::usage(text),
        Error::System(..) | Error::Hub(_) => Failure::open(error.to_string()),
        Error::Lrs(text) => Failure::undelivered(text),
    }
}

/// The headset of the demo
#[derive(Args, Debug)]
pub struct HeadsetArgs {
    queue: PathBuf,
    seed: u64,
    began_ms: u64,
    from: usize,
}

/// Records as the headset, until it is done or killed.
pub fn run_headset(args: HeadsetArgs) -> Result<(), Failure> {
    let order = Order {
        queue: args.queue,
        day: Day {
            seed: args.seed,
            began_ms: args.began_ms,
        },
        from: args.from,
    };
    killed::record(&order).map_err(failure)
}
