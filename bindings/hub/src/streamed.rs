//! An answer with contents, which are read while it is sent.

use std::fs::File;
use std::io::{self, Read as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use pannier_xapi::lrs::{Body, BodyPiece};

/// Number of bytes of a file in memory at once.
const AT_ONCE: u64 = 64 * 1024;

/// A body of pieces, in memory and whole files.
pub struct Streamed {
    /// Those that are left, the last one first.
    pieces: Vec<BodyPiece>,
    /// The file that is being read, and the number of bytes that it still has to give.
    file: Option<(File, u64)>,
    left: u64,
}

impl Streamed {
    pub fn new(body: Body) -> Self {
        let left = body.len();
        let mut pieces = body.into_pieces();
        pieces.reverse();
        Self {
            pieces,
            file: None,
            left,
        }
    }

    fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some((file, left)) = &mut self.file
                && *left > 0
            {
                let mut chunk = Vec::new();
                let read = file.take((*left).min(AT_ONCE)).read_to_end(&mut chunk)?;
                if read == 0 {
                    // The connection is cut: an answer is never filled up with something else.
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                *left -= read as u64;
                return Ok(Some(chunk.into()));
            }
            self.file = None;
            match self.pieces.pop() {
                None => return Ok(None),
                Some(BodyPiece::Bytes(bytes)) => return Ok(Some(bytes.into())),
                Some(BodyPiece::File(piece)) => {
                    self.file = Some((File::open(piece.path())?, piece.len()));
                }
                Some(_) => return Err(io::Error::other("a piece of an unknown kind")),
            }
        }
    }
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = io::Error;

    /// Reads on the thread that polls: a little of a local file takes less time than waking another thread.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let next = self.next().transpose();
        Poll::Ready(next.map(|read| {
            read.map(|chunk| {
                self.left -= chunk.len() as u64;
                Frame::data(chunk)
            })
        }))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
