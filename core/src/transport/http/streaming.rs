//! A body with pieces on disk, read while it is sent.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::lrs::{Body, BodyPiece, FilePiece, TransportError};

/// Number of bytes of a file in memory at once.
const AT_ONCE: u64 = 64 * 1024;

/// Turns a body into one for the client. Every file is open and long enough before anything is sent.
pub(super) fn sendable(body: Body) -> Result<reqwest::Body, TransportError> {
    if body.as_bytes().is_some() {
        let bytes = body.into_pieces().pop().map(|piece| match piece {
            BodyPiece::Bytes(bytes) => bytes,
            _ => Vec::new(),
        });
        return Ok(bytes.unwrap_or_default().into());
    }
    let left = body.len();
    let pieces = body.into_pieces().into_iter().map(|piece| match piece {
        BodyPiece::Bytes(bytes) => Ok(Source::Bytes(bytes)),
        BodyPiece::File(file) => open(&file).map(|open| Source::File(open, file.len())),
        _ => Err(TransportError::Unreadable(
            "a piece of an unknown kind".to_owned(),
        )),
    });
    let mut pieces: Vec<_> = pieces.collect::<Result<_, _>>()?;
    pieces.reverse();
    Ok(reqwest::Body::wrap(Streamed { pieces, left }))
}

fn open(piece: &FilePiece) -> Result<File, TransportError> {
    let opened = File::open(piece.path()).and_then(|mut file| {
        let found = file.metadata()?;
        let end = piece.offset().checked_add(piece.len());
        if !found.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        if end.is_none_or(|end| found.len() < end) {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        file.seek(SeekFrom::Start(piece.offset()))?;
        Ok(file)
    });
    opened.map_err(|error| TransportError::Unreadable(error.to_string()))
}

enum Source {
    Bytes(Vec<u8>),
    /// An open file, and the number of bytes still to be read.
    File(File, u64),
}

/// Pieces that are left, the last one first.
struct Streamed {
    pieces: Vec<Source>,
    left: u64,
}

impl Streamed {
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            match self.pieces.last_mut() {
                None => return Ok(None),
                Some(Source::Bytes(bytes)) if !bytes.is_empty() => {
                    return Ok(Some(std::mem::take(bytes).into()));
                }
                Some(Source::File(file, left)) if *left > 0 => {
                    let mut chunk = Vec::new();
                    let read = file.take((*left).min(AT_ONCE)).read_to_end(&mut chunk)?;
                    if read == 0 {
                        // It was long enough when it was opened.
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    *left -= read as u64;
                    return Ok(Some(chunk.into()));
                }
                Some(_) => drop(self.pieces.pop()),
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

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    /// Returns the exact size, so that the body goes with `Content-Length` and is not chunked.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
