//! `pannier doctor`: does the connection to the LRS work, before anything depends on it?

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use pannier::statement::model::{Agent, XapiActivity};
use pannier::statement::vocabulary::verbs;
use pannier::{Collector, Config, Examined, Finding, Probe, Statement, Uuid};
use serde::Serialize;

use super::queue_file::QueueArgs;
use super::upstream::{self, UpstreamArgs};
use super::which::WhichArgs;
use super::{Failure, Output, advice, connection, sync};
use crate::terminal::one_line;

/// Try the way to the LRS: network, encryption, address, version, credentials, right to write, clock
///
/// Says of each whether it is as it should be and, if not, what to do. Asks a few questions that store
/// nothing and leaves the queue alone. Without --lrs it asks the LRS that the queue remembers. With --upstream it
/// asks the LRS of that one, with the credentials that `sync --upstream` sends.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Ends with 0 if nothing is the matter (what cannot be told is not), with 1 if it works or may work and
somebody should look at it, and with 4 if nothing would be delivered like this.

Examples:
  pannier doctor --lrs https://lrs.example/xAPI --credentials ~/.lrs-credentials
  pannier doctor --ca school-ca.pem
  PANNIER_LRS_EXAMS_TOKEN=… pannier doctor --upstream exams
  pannier doctor --store    # shows the right to write by a statement, which stays at the LRS")]
pub struct DoctorArgs {
    #[command(flatten)]
    upstream: UpstreamArgs,

    #[command(flatten)]
    which: WhichArgs,

    /// The credentials of an upstream beside the first, in a file as for `--credentials`; without it they
    /// come from `PANNIER_LRS_NAME_USER`, `…_PASSWORD`, `…_BASIC` and `…_TOKEN`
    #[arg(long, value_name = "NAME=FILE", value_parser = sync::of_name, requires = "upstream")]
    credentials_of: Vec<(String, PathBuf)>,

    /// Store a statement that says that somebody tried the connection. An LRS never forgets one
    #[arg(long)]
    store: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    probe: &'a Probe,
    upstream: &'a str,
    worst: Finding,
    /// Statement that was sent, whatever its outcome.
    sent: Option<Uuid>,
}

/// Runs the examination and shows the findings.
pub fn run(args: &DoctorArgs, queue: &QueueArgs, output: Output) -> Result<(), Failure> {
    let upstream = args.which.name().unwrap_or("main");
    let config = if upstream == "main" {
        let mut config = args.upstream.config()?;
        if config.endpoint.is_none() {
            config.endpoint = remembered(queue)?;
        }
        config
    } else {
        args.config_of(upstream, queue)?
    };
    // A queue remembers its LRS and its version: trying another one must not change what it knows.
    let folder = tempfile::Builder::new()
        .prefix("pannier-doctor-")
        .tempdir()
        .map_err(|error| Failure::open(format!("cannot make a temporary folder: {error}")))?;
    let collector = Collector::open(folder.path().join("queue.db"), config)?;
    let sent = args.store.then(Uuid::new_v4);
    let mut probe = match sent {
        Some(id) => collector.probe_storing(trial(id))?,
        None => collector.probe()?,
    };
    for check in &mut probe.checks {
        check.sentence = connection::in_our_words(&check.sentence);
    }
    let shown = Shown {
        probe: &probe,
        upstream,
        worst: probe.worst(),
        sent,
    };
    output.show(&shown, Person(&shown));
    outcome(&probe, upstream)
}

impl DoctorArgs {
    /// Returns the configuration for an upstream beside the first, by which `sync --upstream` delivers to it.
    fn config_of(&self, name: &str, queue: &QueueArgs) -> Result<Config, Failure> {
        let mut config = self.upstream.config_without_main()?;
        let collector = queue.open(Config::default())?;
        config.endpoint = collector.upstream(name)?.status()?.endpoint;
        if config.endpoint.is_none() {
            return Err(Failure::usage(advice::without_lrs(name)));
        }
        let mut files = self.credentials_of.iter();
        let file = files
            .find(|(of, _)| of == name)
            .map(|(_, file)| file.as_path());
        let file = file.or(self.upstream.credentials_file());
        config.credentials = upstream::credentials_of(name, file)?;
        Ok(config)
    }
}

/// Returns the LRS of the queue, if there is a queue.
fn remembered(queue: &QueueArgs) -> Result<Option<String>, Failure> {
    if !queue.path()?.exists() {
        return Ok(None);
    }
    Ok(queue.open(Config::default())?.status()?.endpoint)
}

/// Returns a statement that is true: somebody tried the connection.
fn trial(id: Uuid) -> Statement {
    Statement::new(
        Agent::account("https://pannier.invalid/doctor", "doctor").name("pannier doctor"),
        verbs::INTERACTED,
        XapiActivity::new("https://pannier.invalid/doctor/connection"),
    )
    .id(id)
}

fn outcome(probe: &Probe, upstream: &str) -> Result<(), Failure> {
    let doubtful = probe
        .check(Examined::Lrs)
        .is_none_or(|check| check.finding != Finding::Good);
    let writes = probe
        .check(Examined::Write)
        .is_some_and(|check| check.finding == Finding::Good);
    match probe.worst() {
        Finding::Bad => Err(Failure::undelivered(
            "nothing would be delivered like this; see what is marked `bad`",
        )),
        Finding::Warning if writes => Err(Failure::work(
            "it works, but somebody should look at what is marked `look`",
        )),
        Finding::Warning => Err(Failure::work(
            "it may work or not; look at what is marked `look`",
        )),
        _ if doubtful => Err(Failure::work(format!(
            "it may be an LRS or not; try `{} --store`, or check the address",
            advice::doctor(upstream)
        ))),
        _ => Ok(()),
    }
}

struct Person<'a>(&'a Shown<'a>);

impl fmt::Display for Person<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown { probe, sent, .. } = self.0;
        write!(f, "{}", probe.endpoint)?;
        for check in &probe.checks {
            let mark = match check.finding {
                Finding::Good => "good",
                Finding::Unknown => "?",
                Finding::Warning => "look",
                Finding::Bad => "bad",
            };
            let what = match check.examined {
                Examined::Network => "network",
                Examined::Encryption => "encryption",
                Examined::Lrs => "LRS",
                Examined::Version => "version",
                Examined::Credentials => "credentials",
                Examined::Write => "writing",
                Examined::Clock => "clock",
            };
            let status = check
                .status
                .map(|status| format!(" ({status})"))
                .unwrap_or_default();
            write!(
                f,
                "\n{mark:>4}  {what:<11}  {}{status}",
                one_line(&check.sentence)
            )?;
        }
        if let Some(id) = sent {
            write!(f, "\nThe statement sent has the id {id}.")?;
        }
        Ok(())
    }
}
