//! One process that has the queue open: a connection, perhaps a session, and what comes next.

use pannier::lrs::{Answer, Failure, Method, Request};
use pannier::store::{Db, Holder, Millis};
use pannier::sync::Session;
use uuid::Uuid;

/// A process. Its times are true times: a sleeping thread does not see the clock jump.
#[derive(Debug)]
pub struct Process {
    /// What the trace calls it.
    pub name: char,
    /// Who it is to the lease.
    pub holder: Holder,
    /// Its connection.
    pub db: Db,
    /// What it does.
    pub state: State,
}

/// What a process does.
#[derive(Debug)]
pub enum State {
    /// It syncs by itself at that time, if at all.
    Idle(Option<Millis>),
    /// The session's next step is due.
    Ready(Box<Session>),
    /// The session waits until then.
    Sleeping(Box<Session>, Millis),
    /// A request is under way.
    Flying(Box<Session>, Flight),
}

/// A request under way.
#[derive(Debug)]
pub struct Flight {
    /// What was sent.
    pub request: Request,
    /// The statements in it.
    pub ids: Vec<Uuid>,
    /// When it left.
    pub left: Millis,
    /// When the device sees what comes of it.
    pub lands: Millis,
    /// What that is.
    pub outcome: Result<Answer, Failure>,
}

impl Flight {
    /// It brings statements.
    pub fn is_post(&self) -> bool {
        self.request.method == Method::Post
    }
}

impl Process {
    /// When it acts next.
    pub fn next_at(&self) -> Option<Millis> {
        match &self.state {
            State::Idle(at) => *at,
            State::Ready(_) => Some(Millis::MIN),
            State::Sleeping(_, until) => Some(*until),
            State::Flying(_, flight) => Some(flight.lands),
        }
    }

    /// Nothing is under way.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle(_))
    }
}
