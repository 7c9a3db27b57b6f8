//! One process that has the queue open: a connection, perhaps a session, and what comes next.

use pannier::lrs::{Answer, Failure, Method, Request};
use pannier::store::{Db, Holder, Millis};
use pannier::sync::{Session, Ticket};
use uuid::Uuid;

use super::lrs;

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
    /// Something else than a batch taken whole has come back, and others are under way still.
    pub troubled: bool,
}

/// What a process does.
#[derive(Debug)]
pub enum State {
    /// It syncs by itself at that time, if at all.
    Idle(Option<Millis>),
    /// The session's next step is due; these are under way.
    Ready(Box<Session>, Vec<Flight>),
    /// The session waits until then.
    Sleeping(Box<Session>, Millis),
    /// The session waits for one of these.
    Flying(Box<Session>, Vec<Flight>),
}

/// A request under way.
#[derive(Debug)]
pub struct Flight {
    /// What the session calls it.
    pub ticket: Ticket,
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

    /// As whom it was sent.
    pub fn authorization(&self) -> Option<&str> {
        lrs::header(&self.request, "Authorization")
    }

    /// It brought statements, and the LRS took all of them and says so.
    pub fn was_taken_whole(&self) -> bool {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Named {
            All(Vec<Uuid>),
            Stored { ids: Vec<Uuid> },
        }
        let Ok(Answer {
            status: 200, body, ..
        }) = &self.outcome
        else {
            return false;
        };
        let Ok(Named::All(named) | Named::Stored { ids: named }) = serde_json::from_slice(body)
        else {
            return false;
        };
        self.is_post() && self.ids.iter().all(|id| named.contains(id))
    }
}

impl Process {
    /// When it acts next.
    pub fn next_at(&self) -> Option<Millis> {
        match &self.state {
            State::Idle(at) => *at,
            State::Ready(..) => Some(Millis::MIN),
            State::Sleeping(_, until) => Some(*until),
            State::Flying(_, flights) => flights.iter().map(|flight| flight.lands).min(),
        }
    }

    /// What it has under way.
    pub fn flights(&self) -> &[Flight] {
        match &self.state {
            State::Ready(_, flights) | State::Flying(_, flights) => flights,
            State::Idle(_) | State::Sleeping(..) => &[],
        }
    }

    /// Nothing is under way.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle(_))
    }
}
