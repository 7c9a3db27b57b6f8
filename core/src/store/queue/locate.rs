//! Locates a statement for an upstream, before each change of its place.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::body;
use super::conditions::sent_to;
use crate::store::Unchanged;
use crate::store::UpstreamId;

/// A statement's place, as far as one upstream is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// In the log; `sent` tells whether a request with it may have reached the LRS.
    Queued { sent: bool },
    /// Aside, coming back by itself.
    Waiting { sent: bool },
    /// Aside until the app acts.
    Held,
    /// At the LRS.
    Delivered,
    /// Not for this upstream, or given up there by the app.
    NotDue,
}

impl State {
    /// Tells whether it is still to be delivered and a request with it may have reached the LRS.
    pub(crate) fn may_have_left(self) -> bool {
        matches!(
            self,
            Self::Queued { sent: true } | Self::Waiting { sent: true }
        )
    }
}

/// A statement with its place and size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Located {
    pub(crate) seq: i64,
    pub(crate) bytes: i64,
    /// Tells whether it is for every upstream.
    pub(crate) is_for_all: bool,
    pub(crate) state: State,
}

impl Located {
    pub(crate) fn must_be_held(&self) -> Result<(), Unchanged> {
        if self.state == State::Held {
            Ok(())
        } else {
            Err(Unchanged::NotHeld)
        }
    }
}

/// Locates the statement at that place for this upstream; none if it does not exist.
pub(crate) fn locate(
    conn: &Connection,
    upstream: UpstreamId,
    seq: i64,
) -> rusqlite::Result<Option<Located>> {
    conn.prepare_cached(&format!(
        "SELECT s.seq, {}, s.delivered_at IS NOT NULL, a.held, a.sent,
                s.seq <= u.delivered_through, {}, s.seq <= u.begins_after OR s.not_for & {} <> 0, d.delivered, s.not_for = 0
         FROM statement s JOIN upstream u ON u.id = ?2
         LEFT JOIN aside a ON a.seq = s.seq AND a.upstream = u.id
         LEFT JOIN done_with d ON d.seq = s.seq AND d.upstream = u.id
         WHERE s.seq = ?1",
        body::LENGTH,
        sent_to(upstream),
        upstream.bit()
    ))?
    .query_row(params![seq, upstream], |row| {
        let kept: bool = row.get(2)?;
        let held: Option<bool> = row.get(3)?;
        let not_for_it: bool = row.get(7)?;
        let done: Option<bool> = row.get(8)?;
        let state = match (held, done) {
            _ if not_for_it => State::NotDue,
            (_, Some(false)) => State::NotDue,
            _ if kept => State::Delivered,
            (Some(true), _) => State::Held,
            (Some(false), _) => State::Waiting { sent: row.get(4)? },
            (None, Some(true)) => State::Delivered,
            (None, None) if row.get(5)? => State::Delivered,
            (None, None) => State::Queued { sent: row.get(6)? },
        };
        Ok(Located {
            seq: row.get(0)?,
            bytes: row.get(1)?,
            is_for_all: row.get(9)?,
            state,
        })
    })
    .optional()
}
