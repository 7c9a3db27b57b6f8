//! May these credentials write? Conclusions from the answer to an empty list, or to a statement.

use uuid::Uuid;

use super::said::{
    Said, is_marked, looks_for_statements, no_answer, not_examined, ok, quoted, said, stranger_says,
};
use super::way;
use super::{Asking, Finding, Heard};
use crate::lrs::reading::{read_get, read_post, speaks_both};
use crate::lrs::{Found, NotAnLrs, Posted, Response};

/// Manner in which the LRS takes what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taking {
    /// Ids of what was taken, as an LRS names them.
    Named,
    /// A 204 of an LRS, which counts for those who may read nothing.
    Said,
    /// An answer that counts as delivered only where the statement is shown afterwards.
    Unproved,
}

pub(super) fn taken(asking: &Asking, heard: &Heard) -> Option<Taking> {
    let answer = ok(heard.post.as_ref())?;
    match read_post(answer, asking.asked()) {
        Posted::Ids(_) | Posted::Partial { .. } => Some(Taking::Named),
        Posted::NoContent if is_marked(answer) => Some(Taking::Said),
        Posted::NoContent | Posted::Unclear(_) => Some(Taking::Unproved),
        Posted::NotAnLrs(_) | Posted::Refused { .. } => None,
    }
}

/// Tells whether it may have been refused for the version alone, and the LRS may know the other.
pub(super) fn may_be_for_the_version(asking: &Asking, heard: &Heard) -> bool {
    let refused = ok(heard.post.as_ref()).is_some_and(|answer| {
        let read = read_post(answer, asking.asked());
        matches!(read, Posted::Refused { status, .. } if !matches!(status, 401 | 407 | 413))
    });
    let may_know_it = heard.versions.is_empty() || speaks_both(&heard.versions);
    refused && may_know_it && !shows(asking, heard)
}

/// Tells whether what was taken like this counts as delivered though a look-up for `id`, with this answer, shows
/// nothing.
fn counts(
    asking: &Asking,
    heard: &Heard,
    taken: Taking,
    id: Uuid,
    look_up: Option<&Response>,
) -> bool {
    let Some(answer) = look_up else {
        return taken == Taking::Named;
    };
    let found = read_get(answer, asking.asked(), id);
    // A refusal to let anybody read is an answer; a failure just now is none.
    let never_shows = match found {
        Found::Copy(_) | Found::Missing | Found::NotAnLrs(_) => false,
        Found::Unreadable => true,
        Found::Refused { status, .. } => !matches!(status, 407 | 408 | 425 | 429 | 500 | 502..=599),
    };
    let said_so = ok(heard.post.as_ref()).is_some_and(is_marked);
    let vouched = is_marked(answer) && matches!(answer.status, 401 | 403 | 405 | 501);
    taken == Taking::Named
        || taken == Taking::Said && vouched
        || asking.write_only && never_shows && (said_so || !heard.answers().any(is_marked))
}

/// Tells whether this answer names a statement as stored.
pub(super) fn names(answer: &Posted, id: Uuid) -> bool {
    match answer {
        Posted::Ids(stored) | Posted::Partial { stored, .. } => stored.contains(&id),
        _ => false,
    }
}

pub(super) fn write(asking: &Asking, heard: &Heard, there: Finding) -> Said {
    let Some(outcome) = &heard.post else {
        return not_examined();
    };
    let answer = match outcome {
        Ok(answer) => answer,
        Err(failure) => return no_answer(failure),
    };
    match &asking.statement {
        Some(statement) => stored(asking, heard, statement.id, answer, there),
        None => empty_list(asking, heard, answer, there),
    }
}

/// Returns the finding from the answer to an empty list.
fn empty_list(asking: &Asking, heard: &Heard, answer: &Response, there: Finding) -> Said {
    let status = answer.status;
    match read_post(answer, asking.asked()) {
        Posted::NotAnLrs(why) => not_by_an_lrs(asking, heard, status, &why, there),
        Posted::Refused { words, .. } => {
            refused(asking, heard, status, &quoted(&words.to_string()))
        }
        Posted::Unclear(words) => {
            let shown = looks_for_statements(asking, heard) || asking.write_only;
            unclear(
                if shown {
                    Finding::Warning
                } else {
                    Finding::Bad
                },
                status,
                &words.to_string(),
            )
        }
        Posted::Ids(_) | Posted::Partial { .. } | Posted::NoContent => {
            let taken = taken(asking, heard).unwrap_or(Taking::Unproved);
            let look_up = ok(heard.look_up.as_ref());
            if !looks_for_statements(asking, heard)
                && !counts(asking, heard, taken, heard.nobody, look_up)
            {
                // Where it may be no LRS at all, that has to be looked at first.
                let finding = if there == Finding::Good {
                    Finding::Warning
                } else {
                    Finding::Unknown
                };
                return said(
                    finding,
                    status,
                    "it takes an empty list of statements without a word, and shows nothing: what is \
                     neither named nor shown counts as not delivered; if the credentials may only write, \
                     say so (`write_only`)",
                );
            }
            if there == Finding::Good {
                said(
                    Finding::Good,
                    status,
                    "it takes an empty list of statements",
                )
            } else {
                said(
                    Finding::Unknown,
                    status,
                    "it takes an empty list of statements, as whatever is no LRS might, too",
                )
            }
        }
    }
}

fn unclear(finding: Finding, status: u16, words: &str) -> Said {
    said(
        finding,
        status,
        format!(
            "it says that all is well, and neither names nor shows what it stored, which counts as not \
             delivered; check the path in the endpoint and what stands before the LRS{}",
            quoted(words)
        ),
    )
}

/// Returns the finding from an answer that no LRS gives. Where the LRS can be asked, it may have stored what was sent.
fn not_by_an_lrs(
    asking: &Asking,
    heard: &Heard,
    status: u16,
    why: &NotAnLrs,
    there: Finding,
) -> Said {
    let may_be_there = matches!(why, NotAnLrs::Page(_) | NotAnLrs::Unexpected(_))
        && looks_for_statements(asking, heard)
        && there == Finding::Good;
    let finding = if may_be_there {
        Finding::Warning
    } else {
        Finding::Bad
    };
    said(finding, status, stranger_says(why))
}

fn refused(asking: &Asking, heard: &Heard, status: u16, words: &str) -> Said {
    let looks = looks_for_statements(asking, heard);
    match status {
        401 if ok(heard.look_up.as_ref()).is_some_and(|answer| answer.status == 401) => said(
            Finding::Unknown,
            status,
            "not examined, since the credentials are refused here, too",
        ),
        401 | 403 => said(
            Finding::Bad,
            status,
            format!("the credentials may not write statements; give them that right{words}"),
        ),
        404 | 405 | 410 | 501 => said(
            Finding::Bad,
            status,
            format!("it takes no statements there; check the path in the endpoint{words}"),
        ),
        400 | 422 if asking.statement.is_none() && !looks => said(
            Finding::Warning,
            status,
            format!(
                "it refuses an empty list, perhaps as such, and tells of no statement either; only storing \
                 one tells whether it takes any{words}"
            ),
        ),
        400 | 422 if asking.statement.is_none() => said(
            Finding::Unknown,
            status,
            "it refuses an empty list as such, which leaves it open; only storing a statement tells",
        ),
        407 => said(Finding::Bad, status, way::to_be_let_through(status)),
        408 | 425 | 429 | 502..=504 => said(
            Finding::Bad,
            status,
            format!("it takes no statements now; try again later, then ask whoever runs it{words}"),
        ),
        500..=599 if asking.statement.is_none() && looks => said(
            Finding::Warning,
            status,
            format!(
                "it fails on an empty list, perhaps on that alone; only storing a statement tells{words}"
            ),
        ),
        500..=599 => said(
            Finding::Bad,
            status,
            format!("it fails on what is sent; ask whoever runs it{words}"),
        ),
        400..=499 if asking.statement.is_some() => said(
            Finding::Bad,
            status,
            format!("it refuses the statement{words}"),
        ),
        _ => said(
            Finding::Warning,
            status,
            format!(
                "it answers an empty list with {status}; only storing a statement tells{words}"
            ),
        ),
    }
}

/// Tells whether it shows the statement that was to be stored.
fn shows(asking: &Asking, heard: &Heard) -> bool {
    match (&heard.stored, &asking.statement) {
        (Some(Ok(answer)), Some(statement)) => matches!(
            read_get(answer, asking.asked(), statement.id),
            Found::Copy(_)
        ),
        _ => false,
    }
}

/// Returns the finding from the answer to a statement.
fn stored(asking: &Asking, heard: &Heard, sent: Uuid, answer: &Response, there: Finding) -> Said {
    let status = answer.status;
    let shown = shows(asking, heard);
    let counts = taken(asking, heard).is_some_and(|taken| {
        taken != Taking::Named && counts(asking, heard, taken, sent, ok(heard.stored.as_ref()))
    });
    match read_post(answer, asking.asked()) {
        posted if names(&posted, sent) => {
            said(Finding::Good, status, "it has stored the statement")
        }
        Posted::NotAnLrs(_) | Posted::Refused { .. } if shown => said(
            Finding::Warning,
            status,
            "it has stored the statement, and answers as if it had not; ask whoever runs it what stands \
             before it",
        ),
        _ if shown => said(Finding::Good, status, "it has stored the statement"),
        Posted::NotAnLrs(why) => not_by_an_lrs(asking, heard, status, &why, there),
        Posted::Refused { words, .. } => {
            refused(asking, heard, status, &quoted(&words.to_string()))
        }
        _ if counts => said(
            Finding::Good,
            status,
            "it says that it has stored the statement, and lets nobody look",
        ),
        Posted::Unclear(words) if !asking.write_only => {
            unclear(Finding::Bad, status, &words.to_string())
        }
        _ => said(
            Finding::Warning,
            status,
            "it takes the statement and does not show it, which counts as not delivered; it may show it \
             later",
        ),
    }
}
