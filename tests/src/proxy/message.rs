//! As much of HTTP/1.1 as the proxy needs: whole requests with `Content-Length`, and answers that
//! end with their connection.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::Seen;

/// A request as it came: its head, and what the head says.
pub(super) struct Incoming {
    head: String,
    pub(super) seen: Seen,
}

impl Incoming {
    /// Reads one request; none if the client closes before it has sent a head.
    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        let head_end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if from.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        };
        let mut body = bytes.split_off(head_end);
        let head = String::from_utf8(bytes).map_err(|_| invalid("the head is not text"))?;
        let length = header(&head, "content-length").map_or(Ok(0), str::parse);
        let length: usize = length.map_err(|_| invalid("Content-Length is not a number"))?;
        while body.len() < length {
            if from.read_buf(&mut body).await? == 0 {
                return Err(invalid("the request breaks off"));
            }
        }
        let mut words = head.split(' ').map(str::to_owned);
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(invalid("no request line"));
        };
        Ok(Some(Self {
            seen: Seen {
                method,
                target,
                body,
            },
            head,
        }))
    }

    /// The request for the LRS: as it came, but for the one header that makes the end of the
    /// answer the end of the connection.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = String::new();
        for line in self.head.trim_end().split("\r\n") {
            if !names(line, "connection") {
                bytes.push_str(line);
                bytes.push_str("\r\n");
            }
        }
        bytes.push_str("Connection: close\r\n\r\n");
        let mut bytes = bytes.into_bytes();
        bytes.extend_from_slice(&self.seen.body);
        bytes
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let line = head.split("\r\n").find(|line| names(line, name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

fn names(line: &str, name: &str) -> bool {
    line.split_once(':')
        .is_some_and(|(own, _)| own.eq_ignore_ascii_case(name))
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
