//! `pannier upstream`: further LRSs, and which statements are for them.

use clap::{Args, Subcommand};
use pannier::lrs::Endpoint;
use pannier::{Collector, Config, NewUpstream, Remainder, Route, UpstreamInfo};
use serde_json::json;

use super::queue_file::QueueArgs;
use super::{Failure, Output, arguments};
use crate::terminal::one_line;

/// Deliver to other LRSs, too: add, list, change and remove them
///
/// Each upstream has a queue, waits and refusals of its own, and none waits for another. The first one is
/// `main`, the LRS of `--lrs`. One that is added gets what is recorded from then on: all of it, or what its
/// activities and verbs say; with `--backfill` also what another one is to get still. `pannier sync` delivers to all that it has credentials for: for one called
/// `north-1` they are `PANNIER_LRS_NORTH_1_USER` and `…_PASSWORD`, or `…_BASIC`, or `…_TOKEN`, or a file
/// (`--credentials-of north-1=FILE`).
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  pannier upstream add region --endpoint https://lrs.region.example/xAPI
  pannier upstream add exams --endpoint https://exams.example/xAPI --activity https://school.example/exams/
  PANNIER_LRS_EXAMS_USER=app PANNIER_LRS_EXAMS_PASSWORD=… pannier sync
  pannier held list --upstream exams
  pannier upstream set exams --endpoint https://new.example/xAPI
  pannier upstream remove exams --discard")]
pub struct UpstreamsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Add one, which gets what is recorded from now on
    Add {
        /// Its name: a to z, 0 to 9 and -, a letter first
        name: String,
        /// The LRS's base URL, such as <https://lrs.example/xAPI>
        #[arg(long, value_name = "URL")]
        endpoint: String,
        #[command(flatten)]
        route: RouteArgs,
        /// What the queue has for another upstream still is for it, too, as far as its activities and verbs say
        #[arg(long)]
        backfill: bool,
    },
    /// List them with what is left for each
    List,
    /// Say where one is, or which statements are for it from now on
    Set {
        /// Its name
        name: String,
        /// Another base URL: what is queued goes there
        #[arg(long, value_name = "URL")]
        endpoint: Option<String>,
        #[command(flatten)]
        route: RouteArgs,
        /// All statements are for it from now on
        #[arg(long, conflicts_with_all = ["activities", "verbs"])]
        everything: bool,
    },
    /// Remove one, if all that is for it is delivered
    Remove {
        /// Its name
        name: String,
        /// Give up for good what it does not have yet; other upstreams get it all the same
        #[arg(long)]
        discard: bool,
    },
}

#[derive(Args, Debug)]
struct RouteArgs {
    /// Only statements about an activity whose id begins so, as the object or in the context; several may be
    /// given
    #[arg(long = "activity", value_name = "PREFIX", id = "activities", value_parser = arguments::iri)]
    activities: Vec<String>,

    /// Only statements with this verb, by its whole IRI; several may be given
    #[arg(long = "verb", value_name = "IRI", id = "verbs", value_parser = arguments::iri)]
    verbs: Vec<String>,
}

impl RouteArgs {
    fn route(&self) -> Route {
        Route::all()
            .of_activities(&self.activities)
            .of_verbs(&self.verbs)
    }
}

/// Runs the command.
pub fn run(args: &UpstreamsArgs, queue: &QueueArgs, output: Output) -> Result<(), Failure> {
    match &args.action {
        Action::Add {
            name,
            endpoint,
            route,
            backfill,
        } => add(name, endpoint, &route.route(), *backfill, queue, output)?,
        Action::List => {
            for one in queue.open(Config::default())?.upstreams()? {
                output.list(&shown(&one), line(&one))?;
            }
        }
        Action::Set {
            name,
            endpoint,
            route,
            everything,
        } => set(
            name,
            endpoint.as_deref(),
            &route.route(),
            *everything,
            queue,
            output,
        )?,
        Action::Remove { name, discard } => {
            let collector = queue.open(Config::default())?;
            let remainder = if *discard {
                Remainder::Discard
            } else {
                Remainder::MustBeEmpty
            };
            let discarded = collector.remove_upstream(name, remainder)?;
            output.show(
                &json!({ "name": name, "discarded": discarded }),
                format_args!("{name}  removed; {discarded} discarded"),
            );
        }
    }
    Ok(())
}

fn add(
    name: &str,
    endpoint: &str,
    route: &Route,
    backfill: bool,
    queue: &QueueArgs,
    output: Output,
) -> Result<(), Failure> {
    let collector = queue.open_or_make(Config::default())?;
    let mut new = NewUpstream::new(name, endpoint, None);
    new.route = route.clone();
    new.backfill = backfill;
    let added = collector.add_upstream(new)?;
    warn_of_the_same(&collector, name)?;
    let status = added.status()?;
    let queued = status.ledger.queued;
    let already = if backfill {
        format!("{queued} that are here already, and ")
    } else {
        String::new()
    };
    output.show(
        &json!({ "name": name, "endpoint": status.endpoint, "route": added.route()?, "queued": queued }),
        format_args!("{name}  gets {already}what is recorded from now on{}", of(route)),
    );
    Ok(())
}

fn set(
    name: &str,
    endpoint: Option<&str>,
    route: &Route,
    everything: bool,
    queue: &QueueArgs,
    output: Output,
) -> Result<(), Failure> {
    if endpoint.is_none() && !everything && route.is_all() {
        return Err(Failure::usage(
            "nothing to set: give --endpoint, --activity, --verb or --everything",
        ));
    }
    let collector = queue.open(Config::default())?;
    let upstream = collector.upstream(name)?;
    if everything || !route.is_all() {
        upstream.set_route(route)?;
    }
    if let Some(endpoint) = endpoint {
        upstream.set_endpoint(endpoint)?;
        warn_of_the_same(&collector, name)?;
        if name == "main" {
            warn_of_the_variable(&collector)?;
        }
    }
    output.show(
        &json!({ "name": name, "endpoint": upstream.status()?.endpoint, "route": upstream.route()? }),
        format_args!("{name}  is set"),
    );
    Ok(())
}

/// Warns where the environment names another address for the first upstream, which the next sync sets again.
fn warn_of_the_variable(collector: &Collector) -> Result<(), Failure> {
    let Some(named) = arguments::variable("PANNIER_LRS") else {
        return Ok(());
    };
    let named = Endpoint::parse(&named).map(|it| it.as_str().to_owned());
    if named.ok() != collector.status()?.endpoint {
        super::tell(format_args!(
            "pannier: PANNIER_LRS names another address, and a sync where it is set goes there: unset it or change it"
        ));
    }
    Ok(())
}

/// Warns of another upstream with the same address. It can be right: an LRS may have a store for each account.
pub fn warn_of_the_same(collector: &Collector, name: &str) -> Result<(), Failure> {
    let all = collector.upstreams()?;
    let endpoint = |one: &UpstreamInfo| one.status.endpoint.clone();
    let ours = all.iter().find(|one| one.name == name).and_then(endpoint);
    let same = all
        .iter()
        .find(|one| one.name != name && endpoint(one).is_some() && endpoint(one) == ours);
    if let Some(same) = same {
        super::tell(format_args!(
            "pannier: {name} has the same address as {}: with the same credentials too, each statement is sent there twice, and \
             some LRSs store it twice; give them different credentials, or remove one",
            same.name
        ));
    }
    Ok(())
}

/// Returns an upstream for a program: `upstream list`, and the member `upstreams` of `status`.
pub fn shown(one: &UpstreamInfo) -> serde_json::Value {
    let mut shown = json!(one);
    if let Some(members) = shown.as_object_mut() {
        // These tell about this process or the whole queue, not about the upstream.
        for member in ["opened", "syncing", "network", "loss"] {
            members.remove(member);
        }
        members.insert("undelivered".to_owned(), json!(one.status.undelivered()));
        members.insert("is_healthy".to_owned(), json!(one.status.is_healthy()));
    }
    shown
}

/// Returns an upstream for a person, in a line.
pub fn line(one: &UpstreamInfo) -> String {
    let ledger = &one.status.ledger;
    let endpoint = one.status.endpoint.as_deref();
    let mut line = format!(
        "{}  {}  {} queued, {} waiting, {} held, {} delivered{}",
        one.name,
        one_line(endpoint.unwrap_or("none yet")),
        ledger.queued,
        ledger.waiting,
        ledger.held,
        ledger.delivered,
        of(&one.route)
    );
    if let Some(trouble) = &one.status.trouble {
        line.push_str("  (");
        line.push_str(&super::advice::trouble(trouble, &one.name, endpoint));
        line.push(')');
    }
    line
}

fn of(route: &Route) -> String {
    let list = |of: &str, all: &[String]| match all {
        [] => String::new(),
        all => format!(", {of} {}", one_line(all.join(" or "))),
    };
    list("about", route.activities()) + &list("with", route.verbs())
}
