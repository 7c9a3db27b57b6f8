//! A statement as a request takes it.

use uuid::Uuid;

use crate::clock::Steady;
use crate::store::Millis;

/// A statement that is due.
#[derive(Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Each is a fact of its own about one statement.
pub struct Row {
    /// Its place in capture order.
    pub seq: i64,
    /// Its id.
    pub id: Uuid,
    /// Its frozen bytes.
    pub body: Vec<u8>,
    /// A request with it may have reached an LRS before.
    pub sent_before: bool,
    /// Others before it in the log were passed over that were never sent.
    pub ahead: bool,
    /// It uses what only xAPI 2.0.0 has.
    pub needs_2_0: bool,
    /// The instant of its timestamp, unix milliseconds.
    pub happened_at: Millis,
    /// Pannier made that timestamp, and a copy of the queue may have corrected it otherwise.
    pub timestamp_is_ours: bool,
    /// How often it was refused alone.
    pub tries: u32,
    /// By which HTTP status the last time.
    pub status: Option<u16>,
    /// How many requests the upstream had taken statements of by then.
    pub taken: Option<u64>,
    /// What the steady clock said then.
    pub refused_at: Option<Steady>,
    /// When it stepped aside or the upstream last failed on it, unix milliseconds; none: it is in
    /// the log.
    pub aside_since: Option<Millis>,
    /// It stood aside because the LRS failed on it, or the app asked for another try: it goes alone.
    pub alone: bool,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Row({} {} {} bytes)", self.seq, self.id, self.body.len())
    }
}
