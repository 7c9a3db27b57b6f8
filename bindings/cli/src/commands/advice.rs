//! Troubles, each in a sentence, and what to do about them: the command's side of `docs/troubles.md`.
//!
//! The LRS's own words, and only those, are in quotation marks. A status is named only where one came. Pannier's
//! own findings have neither.

use pannier::{HeldStatement, HoldReason, LossReport, Problem, Trouble, WaitKind, WaitReason};

use super::connection;
use super::upstream::variables_of;
use crate::terminal::one_line;

/// Returns a sentence on what keeps the LRS of this upstream from accepting anything, and one on what to do.
pub fn trouble(trouble: &Trouble, upstream: &str, endpoint: Option<&str>) -> String {
    if trouble.problem == Problem::OtherEndpoint {
        return two_addresses(trouble, upstream, endpoint);
    }
    if trouble.problem == Problem::WrongEndpoint && endpoint.is_none() {
        return capitalised(&without_lrs(upstream)) + ".";
    }
    let (what, todo) = match (trouble.problem, trouble.status) {
        (Problem::NotAnLrs, Some(407)) => (
            "a proxy on the way to {lrs} asks for a user name and a password",
            connection::LOG_IN_TO_THE_PROXY,
        ),
        // A status that an LRS gives too, from something that gives no sign of being one.
        (Problem::NotAnLrs, Some(400..=499)) => (
            "something that does not say that it is an LRS refused a request to {lrs}",
            "It may be a proxy or firewall in between, or another address: check the address with \
             `{doctor}`, and tell who runs the network or the LRS; nothing is held for it",
        ),
        (problem, _) => sentences(problem, &trouble.words),
    };
    let todo = todo
        .replace("{credentials}", &to_give_credentials(upstream))
        .replace("{endpoint}", &to_name_the_lrs(upstream))
        .replace("{doctor}", &doctor(upstream));
    let at = endpoint.map(|url| format!(" at {url}")).unwrap_or_default();
    let what = what.replace("{lrs}", &format!("the LRS{at}"));
    format!("{}{}. {todo}.", capitalised(&what), said(trouble))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Names the address that the queue has now and, where that is known, the one that this process was to deliver to.
fn two_addresses(trouble: &Trouble, upstream: &str, ours: Option<&str>) -> String {
    let theirs = trouble.words.trim();
    let ours = ours.filter(|ours| *ours != theirs);
    let ours = ours.map(|ours| format!(", and this one to the LRS at {}", one_line(ours)));
    format!(
        "Another process delivers this queue to the LRS at {}{}. Name the same LRS with {} everywhere, and sync again; \
         nothing more is sent.",
        one_line(theirs),
        ours.unwrap_or_default(),
        to_name_the_lrs(upstream)
    )
}

/// Names the sources of the credentials for an upstream.
pub fn to_give_credentials(upstream: &str) -> String {
    match upstream {
        "main" => "PANNIER_LRS_USER and PANNIER_LRS_PASSWORD (or --credentials FILE)".to_owned(),
        name => {
            let variables = variables_of(name);
            format!("{variables}_USER and {variables}_PASSWORD (or --credentials-of {name}=FILE)")
        }
    }
}

/// Returns the call that tries the way to the LRS of an upstream.
pub fn doctor(upstream: &str) -> String {
    format!("pannier doctor{}", at(upstream))
}

/// Returns the argument by which a command is about an upstream, after a space; nothing for the first one.
pub fn at(upstream: &str) -> String {
    match upstream {
        "main" => String::new(),
        name => format!(" --upstream {name}"),
    }
}

/// Says that an upstream has no address, and how it gets one.
pub fn without_lrs(upstream: &str) -> String {
    match upstream {
        "main" => "no LRS is known; name one with --lrs URL or PANNIER_LRS".to_owned(),
        name => format!(
            "no LRS is known for {name}; name one with `pannier upstream set {name} --endpoint URL`"
        ),
    }
}

fn to_name_the_lrs(upstream: &str) -> String {
    match upstream {
        "main" => "--lrs".to_owned(),
        name => format!("`pannier upstream set {name} --endpoint`"),
    }
}

/// Returns the status and the words that came, in parentheses.
fn said(trouble: &Trouble) -> String {
    let words = trouble.words.trim();
    let words = if words.is_empty() {
        None
    } else if is_of_the_lrs(trouble.problem) && trouble.status.is_some() {
        Some(quoted(words))
    } else {
        Some(one_line(connection::in_our_words(words)))
    };
    match (trouble.status, words) {
        (Some(status), Some(words)) => format!(" ({status}: {words})"),
        (Some(status), None) => format!(" ({status})"),
        (None, Some(words)) => format!(" ({words})"),
        (None, None) => String::new(),
    }
}

/// Tells whether the words of such a trouble came over the network.
fn is_of_the_lrs(problem: Problem) -> bool {
    match problem {
        Problem::Credentials
        | Problem::WrongEndpoint
        | Problem::Busy
        | Problem::ServerError
        | Problem::RefusesEverything
        | Problem::Unexpected => true,
        Problem::Unreachable
        | Problem::TimedOut
        | Problem::Broken
        | Problem::NotAnLrs
        | Problem::OtherEndpoint
        | Problem::NoCommonVersion => false,
    }
}

fn sentences(problem: Problem, words: &str) -> (&'static str, &'static str) {
    match problem {
        Problem::Unreachable => connection::explained(words).unwrap_or((
            "{lrs} cannot be reached",
            "Check the network and the address; everything stays in the queue",
        )),
        Problem::TimedOut => (
            "{lrs} did not answer in time",
            "Sync again later: what it may have by then is looked up first, and nothing is counted twice",
        ),
        Problem::Broken => (
            "the connection to {lrs} broke before the whole answer had come",
            "Sync again later: what it may have by then is looked up first; if it stays so, a proxy or firewall is in between",
        ),
        Problem::NotAnLrs => (
            "something else answered in the place of {lrs}",
            "Log in to the network if it wants that; if it is so on every network, check the address",
        ),
        Problem::Credentials => (
            "{lrs} does not take the credentials that it got, or got none",
            "Set {credentials} and sync again; nothing is lost",
        ),
        Problem::WrongEndpoint => (
            "there is no LRS at this address, or {lrs} has moved",
            "Name the LRS's base URL with {endpoint}, without /statements, and sync again",
        ),
        // Handled before, with both addresses.
        Problem::OtherEndpoint => ("another process delivers this queue elsewhere", ""),
        Problem::NoCommonVersion => (
            "{lrs} speaks neither xAPI 1.0.3 nor 2.0.0",
            "Tell who runs it",
        ),
        Problem::Busy => (
            "{lrs}, or what stands before it, is busy and asks to wait",
            "Sync again later; nothing is lost",
        ),
        Problem::ServerError => (
            "{lrs} failed",
            "Sync again later; if it stays so, tell who runs it, with its words",
        ),
        Problem::RefusesEverything => (
            "{lrs} refuses all that it is sent now",
            "Read its words: a right is missing, a quota is used up, or what is left is at fault, which shows once it takes another statement; nothing is held",
        ),
        Problem::Unexpected => (
            "{lrs} gave an answer that fits nothing",
            "Tell who runs it, with its words",
        ),
    }
}

/// Returns why nothing is sent now, as the end of "nothing is sent …".
pub fn wait(why: WaitKind) -> &'static str {
    match why {
        WaitKind::Backoff => "for a while after a failure; a sync tries at once",
        WaitKind::RetryAfter => "because the LRS asked to wait",
        WaitKind::OutcomeUnknown => "because a request may still be at work at the LRS",
        WaitKind::App => "until you have done something about it; a sync tries once",
    }
}

/// Returns what a statement that is set aside waits for.
pub fn aside(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::Future => "its timestamp lies in the LRS's future",
        WaitReason::Version => {
            "it needs xAPI 2.0.0, and 1.0.3 is spoken with the LRS; where that takes 2.0.0, say so with `--speak 2.0.0`"
        }
        WaitReason::Target => "it voids a statement that is not delivered yet",
        WaitReason::Suspect => "it was refused or failed on when it was alone; it is tried again",
        WaitReason::Retry => "it is sent with the next sync",
        WaitReason::NoAttachments => {
            "the LRS does not take the contents of its attachments; one is tried again now and then"
        }
    }
}

/// Returns why a statement is held.
pub fn held(reason: HoldReason) -> &'static str {
    match reason {
        HoldReason::Refused => "the LRS does not accept it",
        HoldReason::Forbidden => "the LRS forbids it",
        HoldReason::Conflict => "the LRS has another statement under its id",
        HoldReason::ConflictUnseen => "the LRS knows its id and does not show what it has",
        HoldReason::TooLarge => "it is too large for the LRS",
        HoldReason::ServerError => "the LRS fails on it again and again, and takes others",
        HoldReason::ContentMissing => "the LRS has it without the contents of its attachments",
        HoldReason::Damaged => "its bytes on this machine are no longer those that were recorded",
        HoldReason::TargetGivenUp => "the statement that it voids was given up here",
    }
}

/// Returns what can be done about a held statement.
pub fn remedy(reason: HoldReason) -> &'static str {
    match reason {
        HoldReason::Refused => "replace it with a corrected one, or discard it",
        HoldReason::Forbidden => "get the right and retry it, or discard it",
        HoldReason::Conflict | HoldReason::ConflictUnseen => {
            "keep-theirs gives ours up, send-as-new sends ours under a new id, retry tries again"
        }
        HoldReason::TooLarge => {
            "replace it with a smaller one, or have the limit raised and retry it"
        }
        HoldReason::ServerError => "tell who runs the LRS, then retry it",
        HoldReason::ContentMissing => {
            "take the contents elsewhere and discard it, or retry it to look once more"
        }
        HoldReason::Damaged => {
            "replace it with what it was, or discard it; it was not sent like that"
        }
        HoldReason::TargetGivenUp => {
            "discard it; or retry it to void what the LRS has under that id, which is not from here"
        }
    }
}

/// Returns what the LRS itself said of a held statement, with the status that came.
pub fn of_the_lrs(held: &HeldStatement) -> Option<String> {
    let by_us = [
        HoldReason::ContentMissing,
        HoldReason::Damaged,
        HoldReason::TargetGivenUp,
    ];
    if held.reason.is_conflict() || by_us.contains(&held.reason) {
        // The words there are Pannier's own finding.
        return None;
    }
    match (held.status, held.words.trim()) {
        (None, _) => None,
        (Some(status), "") => Some(status.to_string()),
        (Some(status), words) => Some(format!("{status}: {}", quoted(words))),
    }
}

/// Tells whether something is lost, or may be.
pub fn is_loss(loss: &LossReport) -> bool {
    loss.lost > 0 || loss.uncertain
}

/// Describes what was lost with a damaged file.
pub fn loss(loss: &LossReport) -> String {
    let kept: Vec<String> = loss
        .kept_at
        .iter()
        .map(|path| one_line(path.display()))
        .collect();
    let kept = match kept.as_slice() {
        [] => String::new(),
        [one] => format!("; the old file is kept as {one}"),
        several => format!("; the old files are kept as {}", several.join(" and ")),
    };
    let mut all = loss.kept_at.iter().map(|path| path.to_string_lossy());
    let copied = if all.any(|path| path.ends_with("-wal") || path.ends_with("-log")) {
        ". If the queue was copied here over an older one, the log that the older one had left (-wal) may be all that \
         was wrong: copy it again, into an empty folder"
    } else {
        ""
    };
    let missing = match (loss.lost, loss.uncertain) {
        (0, true) => "whether any are lost can no longer be told".to_owned(),
        (0, false) => "none is known to be lost".to_owned(),
        (count, true) => format!(
            "{count} are lost by what stands beside it, but how many really are can no longer be told"
        ),
        (count, false) => format!("at least {count} are lost"),
    };
    let saved = match (loss.saved, loss.lost) {
        (0, 0) => String::new(),
        (count, _) => format!("{count} statements were saved, "),
    };
    format!(
        "the queue was damaged ({}): {saved}{missing}{kept}{copied}. `pannier status --acknowledge` ends this message",
        one_line(&loss.damage),
    )
}

/// Returns the words in quotation marks.
pub fn quoted(words: &str) -> String {
    format!("“{}”", one_line(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_not_certain_is_not_told_as_one() {
        let mut report = LossReport::default();
        report.lost = 5;
        assert!(loss(&report).contains("at least 5 are lost"));
        report.uncertain = true;
        let words = loss(&report);
        assert!(words.contains("can no longer be told") && !words.contains("at least"));
    }

    #[test]
    fn damage_with_a_log_says_what_to_do_if_the_log_is_that_of_another_copy() {
        let with = |kept: &[&str]| {
            let mut report = LossReport::default();
            report.kept_at = kept.iter().map(Into::into).collect();
            (report.saved, report.lost) = (3, 1);
            loss(&report)
        };
        let file = "/q/queue.db.damaged-7";
        for (kept, is_told) in [
            (vec![], false),
            (vec![file], false),
            (vec!["/q/queue.db.damaged-7-ledger"], false),
            (vec![file, "/q/queue.db.damaged-7-wal"], true),
            (vec!["/q/queue.db.damaged-7-log"], true),
        ] {
            let words = with(&kept);
            assert_eq!(words.contains("into an empty folder"), is_told, "{words}");
        }
    }

    fn of(problem: Problem, status: Option<u16>, words: &str) -> String {
        let words = words.to_owned();
        let it = Trouble {
            problem,
            status,
            words,
            since: 0,
        };
        trouble(&it, "main", Some("https://lrs.example/xAPI"))
    }

    #[test]
    fn every_trouble_is_two_sentences_with_the_address_and_without_a_code_word() {
        for &problem in Problem::ALL {
            let text = of(problem, Some(499), "its words");
            assert!(
                text.contains("the LRS at https://lrs.example/xAPI")
                    || text.starts_with("The LRS at"),
                "{text}"
            );
            // What the device finds out by itself comes with none.
            let has_status = problem != Problem::OtherEndpoint;
            assert_eq!(text.contains("499"), has_status, "{text}");
            assert!(
                !(text.contains(problem.code()) && problem.code().contains('_'))
                    && text.matches(". ").count() == 1,
                "{text}"
            );
            assert!(
                text.ends_with('.') && text.chars().next().is_some_and(char::is_uppercase),
                "{text}"
            );
        }
    }

    #[test]
    fn the_lrs_is_quoted_and_nobody_else() {
        assert!(of(Problem::Busy, Some(503), "no\u{1b}[2J room").contains("(503: “no [2J room”)"));
        let unreachable = of(
            Problem::Unreachable,
            None,
            "Connection refused (os error 111)",
        );
        assert!(!unreachable.contains('“'), "{unreachable}");
        assert!(of(Problem::ServerError, Some(500), "").contains("(500)"));
    }

    #[test]
    fn a_refusal_of_nobody_known_is_no_login() {
        let text = of(Problem::NotAnLrs, Some(403), "no entry");
        for part in [
            "does not say that it is an LRS",
            "403",
            "no entry",
            "https://lrs.example",
            "pannier doctor",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(!text.contains("Log in"), "{text}");
        let text = of(Problem::NotAnLrs, None, "a redirect");
        assert!(text.contains("Log in"), "{text}");
    }

    #[test]
    fn two_addresses_are_two() {
        let elsewhere = Trouble {
            problem: Problem::OtherEndpoint,
            status: None,
            words: "https://b.example/xAPI".into(),
            since: 0,
        };
        let said = trouble(&elsewhere, "main", Some("https://a.example/xAPI"));
        assert!(
            said.contains(
                "the LRS at https://b.example/xAPI, and this one to the LRS at https://a.example/xAPI. "
            ),
            "{said}"
        );
        // Where the queue's own address is all that is known, it is named once.
        let said = trouble(&elsewhere, "main", Some("https://b.example/xAPI"));
        assert_eq!(said.matches("b.example").count(), 1, "{said}");
    }

    #[test]
    fn a_certificate_is_explained() {
        let text = of(
            Problem::Unreachable,
            None,
            "invalid peer certificate: UnknownIssuer",
        );
        assert!(text.contains("--ca FILE"), "{text}");
        let text = of(
            Problem::Unreachable,
            None,
            "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
        );
        assert!(text.contains("authority itself"), "{text}");
        let text = of(
            Problem::Unreachable,
            None,
            "no secure connection: the host's certificate cannot be trusted (Other(OtherError(UnsupportedCertVersion)))",
        );
        assert!(text.contains("one of version 3"), "{text}");
    }
}
