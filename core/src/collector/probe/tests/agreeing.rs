//! A probe promises what a sync then keeps, at servers of every kind: "nothing will be delivered like this"
//! is never said where something is delivered, and all is well never where nothing is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::collector::probe::{Examined, Finding, Probe};
use crate::collector::tests::kit::{FakeLrs, TestClock, config, open, sent, statement, strangers};
use crate::collector::{Collector, Config};
use crate::lrs::{Method, Request, Response, TransportError};
use crate::statement::XapiVersion;

const STATEMENTS: u64 = 3;

/// How a server answers, each in a word; "well" is as the standard says.
#[derive(Debug, Clone, Copy)]
struct Odd {
    about: &'static str,
    look_up: &'static str,
    post: &'static str,
    /// It gives its version header.
    signs: bool,
    /// It understands this version alone.
    understands: Option<&'static str>,
    /// A list without statements it refuses as such.
    wants_some: bool,
}

const WELL: Odd = Odd {
    about: "well",
    look_up: "well",
    post: "well",
    signs: true,
    understands: None,
    wants_some: false,
};

const ABOUTS: [&str; 14] = [
    "well", "breaks", "404", "500", "401", "403", "page", "403 page", "302", "{}", "429", "503",
    "407", "others",
];

const LOOK_UPS: [&str; 16] = [
    "well", "400", "401", "403", "405", "406", "500", "501", "503", "page", "401 page", "302",
    "{}", "204", "407", "breaks",
];

const POSTS: [&str; 20] = [
    "well",
    "keeps, 204",
    "keeps, bare 204",
    "keeps, {}",
    "keeps, page",
    "keeps, 500",
    "204",
    "bare 204",
    "400",
    "401",
    "403",
    "404",
    "407",
    "406",
    "413",
    "429",
    "500",
    "503",
    "page",
    "302",
];

type Kept = Mutex<BTreeMap<Uuid, Value>>;

impl Odd {
    fn says(self, kept: &Kept, request: &Request) -> Result<Response, TransportError> {
        let version = |(name, value): &(&str, String)| {
            name.eq_ignore_ascii_case("X-Experience-API-Version")
                && self
                    .understands
                    .is_some_and(|only| !value.starts_with(only))
        };
        if request.url.ends_with("/about") {
            return match self.about {
                "well" => Ok(self.json(200, &json!({"version": ["1.0.3", "2.0.0"]}))),
                "others" => Ok(self.json(200, &json!({"version": ["0.95"]}))),
                how => self.oddly(how),
            };
        }
        if request.headers.iter().any(version) {
            return Ok(self.json(400, &json!("another version")));
        }
        if request.method == Method::Get {
            return match self.look_up {
                "well" => {
                    let id = request.url.rsplit('=').next().unwrap().parse().unwrap();
                    match kept.lock().unwrap().get(&id) {
                        Some(copy) if request.url.contains("?statementId=") => {
                            Ok(self.json(200, copy))
                        }
                        _ => Ok(self.json(404, &Value::Null)),
                    }
                }
                how => self.oddly(how),
            };
        }
        let batch = sent(request);
        if batch.is_empty() && self.wants_some {
            return Ok(self.json(400, &json!("no statements")));
        }
        let ids: Vec<Uuid> = batch.iter().map(|(id, _)| *id).collect();
        let how = self.post.strip_prefix("keeps, ");
        if self.post == "well" || how.is_some() {
            kept.lock().unwrap().extend(batch);
        }
        match how.unwrap_or(self.post) {
            "well" => Ok(self.json(200, &json!(ids))),
            how => self.oddly(how),
        }
    }

    fn json(self, status: u16, body: &Value) -> Response {
        self.signed(strangers(status, &body.to_string()))
    }

    fn signed(self, mut answer: Response) -> Response {
        if self.signs {
            let version = self.understands.unwrap_or("1.0.3").to_owned();
            let name = "X-Experience-API-Version".to_owned();
            answer.headers.push((name, version));
        }
        answer
    }

    fn oddly(self, how: &str) -> Result<Response, TransportError> {
        let page = |status| {
            let mut page = strangers(status, "<html><title>Log in</title></html>");
            let kind = ("Content-Type".to_owned(), "text/html".to_owned());
            page.headers.push(kind);
            page
        };
        match how {
            "page" => Ok(page(200)),
            "401 page" => Ok(page(401)),
            "403 page" => Ok(page(403)),
            "302" => {
                let mut elsewhere = strangers(302, "");
                let to = ("Location".to_owned(), "https://login.example/".to_owned());
                elsewhere.headers.push(to);
                Ok(elsewhere)
            }
            "breaks" => Err(TransportError::Broken("reset".to_owned())),
            "{}" => Ok(self.json(200, &json!({}))),
            "204" => Ok(self.signed(strangers(204, ""))),
            "bare 204" => Ok(strangers(204, "")),
            status => Ok(self.json(status.parse().unwrap(), &json!("no"))),
        }
    }
}

struct Stage {
    collector: Collector,
    clock: Arc<TestClock>,
    kept: Arc<Kept>,
    _folder: tempfile::TempDir,
}

fn stage(odd: Odd, change: impl FnOnce(&mut Config)) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let lrs = Arc::new(FakeLrs::default());
    let kept = Arc::<Kept>::default();
    let there = Arc::clone(&kept);
    lrs.instead(move |request| Some(odd.says(&there, request)));
    let clock = TestClock::new();
    let mut config = config(&lrs);
    config.clock = Arc::clone(&clock) as _;
    change(&mut config);
    Stage {
        collector: open(folder.path(), config),
        clock,
        kept,
        _folder: folder,
    }
}

impl Stage {
    /// What a sync delivers, tried for a day.
    fn delivered(&self) -> u64 {
        for n in 0..STATEMENTS {
            self.collector.record(statement(n as usize)).unwrap();
        }
        for _ in 0..8 {
            self.collector.sync().unwrap();
            self.clock.pass(Duration::from_hours(3));
        }
        self.collector.status().unwrap().ledger.delivered
    }
}

/// As the command's exit code says it.
fn all_is_well(probe: &Probe) -> bool {
    let lrs = probe.check(Examined::Lrs).unwrap().finding;
    probe.worst() <= Finding::Unknown && lrs == Finding::Good
}

/// What both differ in at one server.
fn differ(odd: Odd, change: impl Fn(&mut Config)) -> Vec<String> {
    let stage = stage(odd, change);
    let asked = stage.collector.probe().unwrap();
    assert!(stage.kept.lock().unwrap().is_empty(), "{odd:?}");
    let stored = stage.collector.probe_storing(statement(9)).unwrap();
    let delivered = stage.delivered();
    let mut differ = Vec::new();
    for (how, probe) in [("asking", asked), ("storing", stored)] {
        // An empty list may be refused for what it is, whatever is done with others; and whether one that
        // says yes and looks for statements keeps any only sending one tells.
        let open = odd.post == "400" || odd.wants_some || odd.post.ends_with("204");
        let open = how == "asking" && open && odd.look_up == "well";
        // A wrong password looks the same at two real LRSs: the rights are not what they look at first.
        let no_rights = how == "asking" && odd.wants_some && odd.look_up.starts_with("401");
        let too_bad = probe.worst() == Finding::Bad && delivered > 0 && !no_rights;
        let too_good = all_is_well(&probe) && delivered < STATEMENTS && !open;
        if too_bad || too_good {
            let checks: Vec<_> = probe
                .checks
                .iter()
                .filter(|check| check.finding != Finding::Good)
                .collect();
            differ.push(format!(
                "{how} {odd:?}: {delivered} delivered, and {checks:#?}"
            ));
        }
    }
    differ
}

/// Compares at all these servers.
fn compare(servers: &[Odd], change: impl Fn(&mut Config)) {
    let differ: Vec<_> = servers
        .iter()
        .flat_map(|odd| differ(*odd, &change))
        .collect();
    assert!(
        differ.is_empty(),
        "{} of {}:\n{}",
        differ.len(),
        servers.len(),
        differ.join("\n")
    );
}

fn each(look_ups: &[&'static str], posts: &[&'static str], signs: bool) -> Vec<Odd> {
    let pairs = look_ups.iter().flat_map(|look_up| {
        posts.iter().map(move |post| Odd {
            look_up,
            post,
            signs,
            ..WELL
        })
    });
    pairs.collect()
}

#[test]
fn whatever_is_said_to_a_look_up() {
    let posts = ["well", "keeps, 204", "keeps, {}", "204", "page"];
    compare(&each(&LOOK_UPS, &posts, true), |_| {});
}

#[test]
fn whatever_is_said_to_what_is_sent() {
    compare(&each(&["well", "401", "500"], &POSTS, true), |_| {});
    compare(&each(&["well", "401"], &POSTS, false), |_| {});
}

#[test]
fn whatever_it_says_of_itself() {
    let mut servers = Vec::new();
    for about in ABOUTS {
        for post in ["well", "keeps, 204", "page"] {
            for signs in [true, false] {
                servers.push(Odd {
                    about,
                    post,
                    signs,
                    ..WELL
                });
            }
        }
    }
    compare(&servers, |_| {});
}

#[test]
fn whatever_version_it_understands() {
    let mut servers = Vec::new();
    for understands in [Some("1.0"), Some("2.0")] {
        for about in ["well", "404", "others"] {
            for look_up in ["well", "401"] {
                for post in ["well", "keeps, 204", "403"] {
                    servers.push(Odd {
                        about,
                        look_up,
                        post,
                        understands,
                        ..WELL
                    });
                }
            }
        }
    }
    compare(&servers, |_| {});
    compare(&servers, |config| config.speak = Some(XapiVersion::V2_0_0));
}

#[test]
fn whoever_refuses_an_empty_list_as_such() {
    let servers = LOOK_UPS.map(|look_up| Odd {
        look_up,
        wants_some: true,
        ..WELL
    });
    compare(&servers, |_| {});
}

#[test]
fn whatever_is_said_where_nobody_may_read() {
    let posts = ["keeps, 204", "keeps, bare 204", "keeps, {}"];
    compare(&each(&LOOK_UPS, &posts, true), |config| {
        config.write_only = true;
    });
    compare(&each(&["401", "405"], &posts, false), |config| {
        config.write_only = true;
    });
}

#[test]
fn what_is_certain_is_said() {
    let bad = |odd| {
        let probe = stage(odd, |_| {}).collector.probe().unwrap();
        probe.worst() == Finding::Bad
    };
    let look_up = "401";
    assert!(bad(Odd {
        look_up,
        post: "401",
        ..WELL
    }));
    assert!(bad(Odd {
        look_up,
        wants_some: true,
        ..WELL
    }));
    for post in ["401", "403", "404", "429", "503", "302"] {
        assert!(bad(Odd { post, ..WELL }), "{post}");
    }
    let well = |odd| all_is_well(&stage(odd, |_| {}).collector.probe().unwrap());
    for signs in [true, false] {
        assert!(well(Odd { signs, ..WELL }));
        for about in ["404", "401", "500"] {
            assert!(well(Odd { about, ..WELL }), "{about}");
        }
    }
}
