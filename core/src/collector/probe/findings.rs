//! Findings from the answers to a probe, by the same readers as a sync's.

use super::said::{
    Said, is_marked, looked_up, no_answer, not_examined, ok, quoted, said, stranger_says,
};
use super::way;
use super::writing::{taken, write};
use super::{Asking, Check, Examined, Finding, Heard, Probe};
use crate::lrs::reading::{highest_common, read_about, read_get};
use crate::lrs::{About, Found, Response, TransportError};

/// Difference between clocks from which one of them must be wrong, milliseconds.
const FAR_APART_MS: i64 = 5 * 60 * 1000;

pub(super) fn of(asking: &Asking, heard: &Heard) -> Probe {
    let lrs = lrs(asking, heard);
    let there = lrs.0;
    let checks = [
        (Examined::Network, network(heard)),
        (Examined::Encryption, encryption(asking, heard)),
        (Examined::Lrs, lrs),
        (Examined::Version, version(asking, heard)),
        (Examined::Credentials, credentials(asking, heard)),
        (Examined::Write, write(asking, heard, there)),
        (Examined::Clock, clock(heard)),
    ];
    let checks = checks.map(|(examined, (finding, status, sentence))| Check {
        examined,
        finding,
        status,
        sentence,
    });
    Probe {
        endpoint: asking.endpoint.as_str().to_owned(),
        checks: checks.into(),
        versions: heard.versions.clone(),
        speaks: heard.is_there().then_some(heard.speaks),
        clock_difference_ms: heard.clock_difference,
    }
}

fn network(heard: &Heard) -> Said {
    match &heard.about {
        Ok(_) => said(Finding::Good, None, "the host answers"),
        Err(_) if heard.is_there() => said(Finding::Good, None, "the host answers"),
        Err(failure) if failure.is_tls() => said(Finding::Good, None, "the host is there"),
        Err(failure @ TransportError::Unreachable(_)) => said(
            Finding::Bad,
            None,
            format!("{failure}; {}", way::to_reach_it(failure)),
        ),
        Err(failure) => said(
            Finding::Bad,
            None,
            format!("{failure}; something is there, so try again, then ask whoever runs it"),
        ),
    }
}

fn encryption(asking: &Asking, heard: &Heard) -> Said {
    let endpoint = &asking.endpoint;
    match &heard.about {
        Err(failure) if failure.is_tls() => {
            let todo = way::to_be_secure(failure).map(|todo| format!("; {todo}"));
            let what = format!("{failure}{}", todo.unwrap_or_default());
            said(Finding::Bad, None, what)
        }
        Err(_) if !heard.is_there() => not_examined(),
        _ if endpoint.is_https() => said(
            Finding::Good,
            None,
            "the connection is encrypted and the host's certificate is trusted",
        ),
        _ if endpoint.is_confidential() => said(
            Finding::Good,
            None,
            "the connection is not encrypted and does not leave this device",
        ),
        _ => said(
            Finding::Warning,
            None,
            "the connection is not encrypted: whoever is on the way can read and change everything; \
             use https:// if the LRS has it",
        ),
    }
}

/// Tells whether it refuses a question in the version that is tried as malformed (400).
pub(super) fn misunderstands(asking: &Asking, heard: &Heard) -> bool {
    matches!(
        looked_up(asking, heard),
        Some(Found::Refused { status: 400, .. })
    )
}

fn lrs(asking: &Asking, heard: &Heard) -> Said {
    if !heard.is_there() {
        return not_examined();
    }
    if let Some((status, todo)) = way::refuses_everything(heard) {
        let what = format!("everything is refused, and nothing shows that an LRS does it; {todo}");
        return said(Finding::Bad, status, what);
    }
    let about = heard.about.as_ref().ok();
    let about_says = about.map_or(About::Silent, |about| read_about(about, asking.asked()));
    let mut stranger = None;
    let mut status = about.map(|about| about.status);
    if let About::NotAnLrs(why) = &about_says {
        stranger = Some(why.clone());
    }
    if let Some(Ok(answer)) = &heard.look_up {
        match read_get(answer, asking.asked(), heard.nobody) {
            Found::NotAnLrs(why) => {
                stranger = Some(why);
                status = Some(answer.status);
            }
            // An SPA answers every path, an LRS's own /about may be behind something.
            _ if is_marked(answer) => stranger = None,
            Found::Missing if answer.status == 200 => {
                return said(
                    Finding::Good,
                    answer.status,
                    "an LRS answers: it looks for statements",
                );
            }
            _ => {}
        }
    }
    let marked = heard.answers().any(is_marked);
    let says_so_when_sent = ok(heard.post.as_ref()).is_some_and(is_marked);
    match (stranger, about_says) {
        (Some(why), _) if says_so_when_sent || taken(asking, heard).is_some() => said(
            Finding::Warning,
            status,
            format!(
                "what is sent is answered as by an LRS, and some questions are not: {why}; ask whoever runs \
                 it what stands before it"
            ),
        ),
        (Some(why), _) => said(Finding::Bad, status, stranger_says(&why)),
        (None, About::Versions(_)) => said(
            Finding::Good,
            status,
            "an LRS answers: it lists its versions",
        ),
        (None, _) if marked => said(
            Finding::Good,
            None,
            "an LRS answers: it names the xAPI version of its answers",
        ),
        (None, _) => said(
            Finding::Unknown,
            status,
            "nothing in its answers shows that it is an LRS, which some LRSs do not; check the path \
             in the endpoint",
        ),
    }
}

impl Heard {
    /// Tells whether anything answers at all.
    fn is_there(&self) -> bool {
        self.answers().next().is_some()
    }

    /// Returns the answers that came, without the look-up of a stored statement.
    pub(super) fn answers(&self) -> impl Iterator<Item = &Response> {
        let (look_up, post) = (ok(self.look_up.as_ref()), ok(self.post.as_ref()));
        [self.about.as_ref().ok(), look_up, post]
            .into_iter()
            .flatten()
    }
}

fn version(asking: &Asking, heard: &Heard) -> Said {
    let about = match &heard.about {
        Ok(about) => about,
        Err(_) if !heard.is_there() => return not_examined(),
        Err(failure) => {
            let what = format!(
                "asked which versions it speaks, {failure}: a sync asks three times and then sends in xAPI {}; ask \
                 whoever runs it, or set the version",
                heard.speaks.as_str()
            );
            return said(Finding::Warning, None, what);
        }
    };
    let (finding, what) = spoken(asking, heard);
    said(finding, about.status, what)
}

/// Returns what is to be said of the versions that it lists, and of the one that is tried.
fn spoken(asking: &Asking, heard: &Heard) -> (Finding, String) {
    let (listed, tried) = (heard.versions.join(", "), heard.speaks.as_str());
    let takes_nothing = misunderstands(asking, heard) && taken(asking, heard).is_none();
    match (asking.speak, highest_common(&heard.versions)) {
        (_, None) if !listed.is_empty() && takes_nothing => (
            Finding::Bad,
            format!("it speaks xAPI {listed}, and Pannier 1.0.3 and 2.0.0"),
        ),
        (None, Some(version))
            if takes_nothing && !heard.versions.iter().any(|text| text == version.as_str()) =>
        {
            let ours = version.as_str();
            let what = format!(
                "it lists xAPI {listed} and refuses {ours} as malformed (400), though who speaks a version takes each of \
                 its patches; ask whoever runs it for {ours}"
            );
            (Finding::Bad, what)
        }
        (_, None) if !listed.is_empty() => (
            Finding::Warning,
            format!(
                "it lists xAPI {listed}, and Pannier speaks 1.0.3 and 2.0.0: xAPI {tried} is tried all the same; ask \
                 whoever runs it for one of these"
            ),
        ),
        (Some(fixed), _) => spoken_if_taken(asking, heard, fixed.as_str(), "was set"),
        (None, Some(version)) if version != heard.speaks => (
            Finding::Warning,
            format!(
                "it lists xAPI {} and does not understand it, or takes nothing in it: xAPI {tried} is spoken; tell \
                 whoever runs it",
                version.as_str()
            ),
        ),
        (None, Some(version)) => spoken_if_taken(asking, heard, version.as_str(), "both sides can"),
        (None, None) => (
            Finding::Unknown,
            format!("it does not list its versions; xAPI {tried} is tried first"),
        ),
    }
}

/// Returns what is to be said of a version with nothing against it: good only if the LRS has taken something in it.
fn spoken_if_taken(asking: &Asking, heard: &Heard, version: &str, why: &str) -> (Finding, String) {
    if taken(asking, heard).is_some() {
        return (Finding::Good, format!("xAPI {version} is spoken, as {why}"));
    }
    let what = format!(
        "xAPI {version} is tried first, as {why}; whether it takes statements in it is open, as it took nothing just now"
    );
    (Finding::Unknown, what)
}

fn credentials(asking: &Asking, heard: &Heard) -> Said {
    let Some(outcome) = &heard.look_up else {
        return not_examined();
    };
    let answer = match outcome {
        Ok(answer) => answer,
        Err(failure) => return no_answer(failure),
    };
    let status = answer.status;
    match read_get(answer, asking.asked(), heard.nobody) {
        Found::Copy(_) | Found::Missing if asking.authorization.is_none() => said(
            Finding::Warning,
            status,
            "none are set, and it answers all the same",
        ),
        Found::Copy(_) | Found::Missing => {
            said(Finding::Good, status, "it lets them look for a statement")
        }
        Found::Unreadable => said(
            Finding::Unknown,
            status,
            "it answers a look-up with something that cannot be read",
        ),
        Found::NotAnLrs(_) => not_examined(),
        Found::Refused { status: 401, words } => by_401(asking, heard, answer, &words.to_string()),
        Found::Refused {
            status: 403, words, ..
        } => said(
            Finding::Warning,
            status,
            format!(
                "they may not read statements, so what a broken connection leaves open cannot be \
                 looked up; give them the right to read{}",
                quoted(&words.to_string())
            ),
        ),
        Found::Refused { status, words, .. } => said(
            Finding::Unknown,
            status,
            format!(
                "it answers a look-up with {status}{}",
                quoted(&words.to_string())
            ),
        ),
    }
}

fn by_401(asking: &Asking, heard: &Heard, answer: &Response, words: &str) -> Said {
    if taken(asking, heard).is_some() {
        let what = format!(
            "it lets nobody look for statements with them, and takes what is sent: if they may only write, all is \
             well but that what a broken connection leaves open cannot be looked up{}",
            quoted(words)
        );
        return said(Finding::Warning, answer.status, what);
    }
    if !is_marked(answer) && heard.versions.is_empty() {
        return said(
            Finding::Bad,
            answer.status,
            "somebody asks for other credentials, perhaps not the LRS but something before it; check them, and \
             what stands before the LRS",
        );
    }
    let what = match asking.authorization {
        Some(_) => "it does not know them",
        None => "none are set, and it asks for some",
    };
    let what = format!("{what}; set the right ones{}", quoted(words));
    said(Finding::Bad, answer.status, what)
}

fn clock(heard: &Heard) -> Said {
    if !heard.is_there() {
        return not_examined();
    }
    let Some(difference) = heard.clock_difference else {
        return said(Finding::Unknown, None, "it does not tell the time");
    };
    let seconds = difference.unsigned_abs().div_ceil(1_000);
    if difference.abs() < FAR_APART_MS {
        return said(Finding::Good, None, "its clock and this device's agree");
    }
    let which = if difference > 0 { "ahead of" } else { "behind" };
    said(
        Finding::Warning,
        None,
        format!(
            "its clock is {} {which} this device's: one of them is wrong; check the device's first",
            span(seconds)
        ),
    )
}

/// Writes a time in the largest unit of which there are two.
fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
