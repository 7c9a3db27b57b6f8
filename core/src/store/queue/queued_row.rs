//! A statement as it goes into a request.

use uuid::Uuid;

use crate::clock::Steady;
use crate::statement::Contents;
use crate::store::Millis;

/// A statement that is due.
#[derive(Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Each is a fact of its own about one statement.
pub struct Row {
    /// Position in capture order.
    pub seq: i64,
    /// Statement id.
    pub id: Uuid,
    /// Its frozen bytes.
    pub body: Vec<u8>,
    /// Contents of its attachments, which go with it.
    pub contents: Contents,
    /// Tells whether a request with it may have reached an LRS before.
    pub sent_before: bool,
    /// Tells whether statements before it in the log were passed over that were never sent.
    pub ahead: bool,
    /// Tells whether it needs xAPI 2.0.0.
    pub needs_2_0: bool,
    /// The instant of its timestamp, unix milliseconds.
    pub happened_at: Millis,
    /// Tells whether Pannier made that timestamp, which a copy of the queue may have corrected differently.
    pub timestamp_is_ours: bool,
    /// Number of times that it was refused alone.
    pub tries: u32,
    /// Number of these that count towards holding it: refusals by the LRS itself, in the same way, and each
    /// after it had taken others since the one before.
    pub refusals: u32,
    /// Number of times that the LRS showed it without the contents of its attachments.
    pub bare: u32,
    /// HTTP status of the last refusal.
    pub status: Option<u16>,
    /// Number of requests that the upstream had taken statements of by the last refusal.
    pub taken: Option<u64>,
    /// Steady clock at the last refusal.
    pub refused_at: Option<Steady>,
    /// Time at which it stepped aside or the upstream last failed on it, unix milliseconds; none while it is in
    /// the log.
    pub aside_since: Option<Millis>,
    /// Tells whether it must be sent alone: it stood aside because the LRS failed on it, or the app asked for
    /// another try.
    pub alone: bool,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Row({} {} {} bytes)", self.seq, self.id, self.body.len())
    }
}
