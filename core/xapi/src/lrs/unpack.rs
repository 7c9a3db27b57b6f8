//! Unpacking an answer that something on the way has packed.
//!
//! Pannier asks for no coding (`Accept-Encoding: identity`), and some proxies pack all the same. gzip and deflate are
//! unpacked here, whatever transport carried them. Another coding is named in the error, so that whoever looks into it
//! knows where to look.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::{Response, TransportError};

/// Returns the answer as the LRS wrote it; a body that unpacks to more than `longest` bytes is cut.
///
/// A refusal whose body cannot be unpacked is still a refusal. A success without its body says nothing: that is
/// [`TransportError::Broken`], which names the coding. Some transports unpack by themselves and leave the header: a
/// body that is plain already stays as it is.
pub fn unpack(mut answer: Response, longest: usize) -> Result<Response, TransportError> {
    let Some(codings) = answer
        .header("Content-Encoding")
        .map(str::to_ascii_lowercase)
    else {
        return Ok(answer);
    };
    // The coding that was put on last comes off first.
    for coding in codings.split(',').rev().map(str::trim) {
        let unpacked = match coding {
            "" | "identity" => continue,
            "gzip" | "x-gzip" => gzip(&answer, longest),
            "deflate" => deflate(&answer, longest),
            _ => None,
        };
        match unpacked {
            Some((body, cut)) => {
                answer.body = body;
                answer.cut = cut;
            }
            None if is_plain(&answer.body) => {}
            None if answer.status >= 300 => {
                answer.body.clear();
                answer.cut = true;
            }
            None => {
                return Err(TransportError::Broken(format!(
                    "the answer is packed as {coding:?}, which something on the way did unasked, \
                     and cannot be unpacked"
                )));
            }
        }
    }
    answer.headers.retain(|(name, _)| {
        !["Content-Encoding", "Content-Length"]
            .iter()
            .any(|gone| name.eq_ignore_ascii_case(gone))
    });
    Ok(answer)
}

fn gzip(answer: &Response, longest: usize) -> Option<(Vec<u8>, bool)> {
    read(MultiGzDecoder::new(answer.body.as_slice()), answer, longest)
}

/// Unpacks what HTTP calls deflate, which has a header (RFC 9110, section 8.4.1.2) that some leave out.
fn deflate(answer: &Response, longest: usize) -> Option<(Vec<u8>, bool)> {
    let packed = answer.body.as_slice();
    read(ZlibDecoder::new(packed), answer, longest).or_else(|| {
        // Without a header nearly anything could pass for packed.
        let plain = is_plain(packed);
        (!plain).then(|| read(DeflateDecoder::new(packed), answer, longest))?
    })
}

fn read(unpacking: impl Read, answer: &Response, longest: usize) -> Option<(Vec<u8>, bool)> {
    let mut body = Vec::new();
    let more = u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(1);
    match unpacking.take(more).read_to_end(&mut body) {
        Ok(_) => {}
        // The end is missing, as the answer says.
        Err(_) if answer.cut && !body.is_empty() => {}
        Err(_) => return None,
    }
    let cut = answer.cut || body.len() > longest;
    body.truncate(longest);
    Some((body, cut))
}

/// Tells whether the body is text, as far as it goes: packed bytes are none.
fn is_plain(body: &[u8]) -> bool {
    let text = match std::str::from_utf8(body) {
        Ok(text) => text,
        // A character that is cut in two at the very end.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&body[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.contains(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] = br#"["018f3a1c-0000-7000-8000-000000000001"]"#;

    // PLAIN as Python's zlib packs it: in a gzip member, with zlib's header, and bare.
    const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x8b\x56\x32\x30\xb4\x48\x33\x4e\x34\
        \x4c\xd6\x35\x00\x02\x5d\x73\x10\x61\x01\x22\x0c\x10\xc0\x50\x29\x16\x00\x7b\x1a\xb1\xcb\x28\
        \x00\x00\x00";
    const ZLIB: &[u8] =
        b"\x78\xda\x8b\x56\x32\x30\xb4\x48\x33\x4e\x34\x4c\xd6\x35\x00\x02\x5d\x73\x10\
        \x61\x01\x22\x0c\x10\xc0\x50\x29\x16\x00\xb4\x6f\x08\x68";
    const BARE: &[u8] =
        b"\x8b\x56\x32\x30\xb4\x48\x33\x4e\x34\x4c\xd6\x35\x00\x02\x5d\x73\x10\x61\x01\
        \x22\x0c\x10\xc0\x50\x29\x16\x00";

    fn packed(status: u16, coding: &str, body: &[u8]) -> Response {
        Response {
            status,
            headers: vec![
                ("content-encoding".to_owned(), coding.to_owned()),
                ("Content-Length".to_owned(), body.len().to_string()),
                ("Date".to_owned(), "now".to_owned()),
            ],
            body: body.to_vec(),
            cut: false,
        }
    }

    #[test]
    fn gzip_and_deflate_are_unpacked_also_where_a_transport_has_done_it_already() {
        for (coding, body) in [
            ("gzip", GZIP),
            ("X-GZIP", GZIP),
            ("gzip, identity", GZIP),
            ("deflate", ZLIB),
            ("deflate", BARE),
            ("identity", PLAIN),
            ("gzip", PLAIN),
            ("deflate", PLAIN),
            ("br", PLAIN),
        ] {
            let answer = unpack(packed(200, coding, body), 1_000).expect(coding);
            assert_eq!((answer.body.as_slice(), answer.cut), (PLAIN, false));
            let left: Vec<_> = answer.headers.iter().map(|(name, _)| name).collect();
            assert_eq!(left, ["Date"], "{coding}");
        }
        let bare = Response {
            headers: Vec::new(),
            ..packed(204, "", b"")
        };
        assert_eq!(unpack(bare.clone(), 9), Ok(bare));
    }

    #[test]
    fn what_unpacks_to_more_than_was_asked_for_is_cut() {
        let answer = unpack(packed(200, "gzip", GZIP), PLAIN.len() - 1).expect("an answer");
        assert_eq!(answer.body, PLAIN[..PLAIN.len() - 1]);
        assert!(answer.cut);
        let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut bomb, &vec![b'x'; 1 << 24]).expect("memory");
        let answer = unpack(packed(200, "gzip", &bomb.finish().expect("memory")), 5_000);
        let answer = answer.expect("an answer");
        assert_eq!((answer.body.len(), answer.cut), (5_000, true));
    }

    #[test]
    fn what_was_cut_while_packed_is_unpacked_as_far_as_it_goes() {
        let part = Response {
            cut: true,
            ..packed(200, "gzip", &GZIP[..30])
        };
        let answer = unpack(part, 1_000).expect("an answer");
        assert!(answer.cut && !answer.body.is_empty() && PLAIN.starts_with(&answer.body));
    }

    #[test]
    fn a_success_that_cannot_be_unpacked_names_its_coding_and_a_refusal_stays_one() {
        let odd = b"\x1b\x27\x00\xf8\x8d\x94\x6e";
        for (coding, body) in [("br", &odd[..]), ("gzip", &GZIP[..30]), ("zstd", odd)] {
            let Err(TransportError::Broken(why)) = unpack(packed(200, coding, body), 1_000) else {
                panic!("{coding} was unpacked");
            };
            assert!(why.contains(coding), "{why}");
            let refused = unpack(packed(401, coding, body), 1_000).expect("an answer");
            let read = (refused.status, refused.body.len(), refused.cut);
            assert_eq!(read, (401, 0, true));
        }
    }
}
