//! One process that has the queue open: a connection, perhaps a session, and what comes next.

use pannier::lrs::{Method, Request, Response, TransportError};
use pannier::store::{Db, Holder, Millis};
use pannier::sync::{Session, Ticket};
use uuid::Uuid;

use super::lrs;

/// A process. Its times are true times: a sleeping thread does not see the clock jump.
#[derive(Debug)]
pub struct Process<B> {
    /// What the trace calls it.
    pub name: char,
    /// Who it is to the lease.
    pub holder: Holder,
    /// Its connection.
    pub db: Db,
    /// What it does.
    pub state: State<B>,
}

/// What a process does.
#[derive(Debug)]
pub enum State<B> {
    /// It syncs by itself at that time, if at all.
    Idle(Option<Millis>),
    /// The session's next step is due; these are under way.
    Ready(Box<Session>, Vec<Flight<B>>),
    /// The session waits until then.
    Sleeping(Box<Session>, Millis),
    /// The session waits for one of these.
    Flying(Box<Session>, Vec<Flight<B>>),
}

/// A request under way.
#[derive(Debug)]
pub struct Flight<B> {
    /// What the session calls it.
    pub ticket: Ticket,
    /// What was sent.
    pub request: Request,
    /// The statements in it.
    pub ids: Vec<Uuid>,
    /// When it left; true time.
    pub left: Millis,
    /// When the device sees what comes of it; true time.
    pub lands: Millis,
    /// What that is.
    pub outcome: Result<Response, TransportError>,
    /// What the world knows of it and the device does not.
    pub behind: B,
}

impl<B> Flight<B> {
    /// It brings statements.
    pub fn is_post(&self) -> bool {
        self.request.method == Method::Post
    }

    /// As whom it was sent.
    pub fn authorization(&self) -> Option<&str> {
        lrs::header(&self.request, "Authorization")
    }
}

impl<B> Process<B> {
    /// When it acts next.
    pub fn next_at(&self) -> Option<Millis> {
        self.state.next_at()
    }

    /// What it has under way.
    pub fn flights(&self) -> &[Flight<B>] {
        match &self.state {
            State::Ready(_, flights) | State::Flying(_, flights) => flights,
            State::Idle(_) | State::Sleeping(..) => &[],
        }
    }

    /// It has no session.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle(_))
    }

    /// It would sync at that time; earlier if that was planned.
    pub fn plan(&mut self, at: Millis) {
        self.state.plan(at);
    }
}

impl<B> State<B> {
    /// When something happens next.
    pub fn next_at(&self) -> Option<Millis> {
        match self {
            Self::Idle(at) => *at,
            Self::Ready(..) => Some(Millis::MIN),
            Self::Sleeping(_, until) => Some(*until),
            Self::Flying(_, flights) => flights.iter().map(|flight| flight.lands).min(),
        }
    }

    /// It would sync at that time; earlier if that was planned.
    pub fn plan(&mut self, at: Millis) {
        if let Self::Idle(planned) = self {
            *planned = Some(planned.map_or(at, |planned| planned.min(at)));
        }
    }
}
