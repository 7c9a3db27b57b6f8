//! The parts of a body of `multipart/mixed` while it comes (1.0.3 Communication 1.5.2; 2.0.0 4.1.3), read on a thread for
//! blocking work.

use axum::body::Bytes;
use pannier_xapi::lrs::multipart::{Boundary, Found, Head, Malformed, Reader};
use tokio::sync::mpsc::Receiver;

use super::problem::Problem;

/// Number of pieces that may wait to be worked on.
pub const AHEAD: usize = 4;

/// A body as it comes; `None` is its end. When the pieces stop without one, who reads the socket knows why.
pub type Coming = Receiver<Option<Bytes>>;

/// The parts of a body that is coming.
pub struct Parts {
    boundary: Boundary,
    coming: Coming,
    reader: Reader,
    is_whole: bool,
}

impl From<Malformed> for Problem {
    fn from(malformed: Malformed) -> Self {
        Self::bad_request(malformed.to_string())
    }
}

impl Parts {
    pub fn new(content_type: &str, coming: Coming) -> Result<Self, Problem> {
        let boundary = Boundary::of(content_type)?;
        Ok(Self {
            coming,
            reader: Reader::new(&boundary),
            boundary,
            is_whole: false,
        })
    }

    /// Returns the text that a line between two parts begins with.
    pub fn delimiter(&self) -> String {
        format!("--{}", self.boundary.as_str())
    }

    /// Returns the headers of the next part; `None` after the last, when the whole body has come. What is left of the
    /// part before is passed over.
    pub fn next_head(&mut self) -> Result<Option<Head>, Problem> {
        loop {
            match self.reader.find_next()? {
                Some(Found::Part(head)) => return Ok(Some(head)),
                Some(_) => {}
                None if self.is_whole => return Ok(None),
                None => self.receive()?,
            }
        }
    }

    /// Hands over the content of the part, piece by piece.
    pub fn content(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        loop {
            match self.reader.find_next()? {
                Some(Found::Content(bytes)) => take(bytes)?,
                Some(_) => return Ok(()),
                None if self.is_whole => return Ok(()),
                None => self.receive()?,
            }
        }
    }

    /// Waits for more of the body. At its end, the last part must have ended, too.
    fn receive(&mut self) -> Result<(), Problem> {
        match self.coming.blocking_recv() {
            Some(Some(piece)) => self.reader.put(&piece),
            Some(None) => {
                self.reader.finish()?;
                self.is_whole = true;
            }
            None => return Err(Problem::broken_off()),
        }
        Ok(())
    }
}
