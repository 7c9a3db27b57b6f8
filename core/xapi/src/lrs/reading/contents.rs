//! An answer to a look-up that asked for contents of attachments (C 2.1.3; 9274 4.1.6.1), taken apart.

use crate::lrs::Response;
use crate::lrs::multipart::{Boundary, parts};

/// Takes an answer of several parts apart: what it would be without contents, and the contents. An answer of one part, and
/// one that cannot be taken apart, stays as it is and has none.
pub fn without_contents(mut answer: Response) -> (Response, Option<Vec<Vec<u8>>>) {
    let Some(contents) = take_apart(&mut answer) else {
        return (answer, None);
    };
    (answer, Some(contents))
}

fn take_apart(answer: &mut Response) -> Option<Vec<Vec<u8>>> {
    let content_type = answer.header("Content-Type")?;
    let begins = content_type.get(.."multipart/".len())?;
    if !begins.eq_ignore_ascii_case("multipart/") {
        return None;
    }
    let boundary = Boundary::of(content_type).ok()?;
    let found = parts(&answer.body, &boundary).ok()?;
    let (statements, contents) = found.split_first()?;
    let (statements, contents) = (
        statements.content.to_vec(),
        contents.iter().map(|part| part.content.to_vec()).collect(),
    );
    for (name, value) in &mut answer.headers {
        if name.eq_ignore_ascii_case("Content-Type") {
            "application/json".clone_into(value);
        }
    }
    answer.body = statements;
    Some(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(content_type: &str, body: &str) -> Response {
        Response {
            status: 200,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.as_bytes().to_vec(),
            cut: false,
        }
    }

    #[test]
    fn parts_are_taken_apart() {
        let body = "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\n\r\none\r\n--b\r\n\r\n\r\n--b--";
        let (found, contents) = without_contents(answer("Multipart/mixed; boundary=b", body));
        assert_eq!(found.body, b"{}");
        assert_eq!(found.header("Content-Type"), Some("application/json"));
        assert_eq!(contents, Some(vec![b"one".to_vec(), Vec::new()]));
        let alone = "--b\r\n\r\n{}\r\n--b--";
        let (found, contents) = without_contents(answer("multipart/mixed; boundary=b", alone));
        assert_eq!(
            (found.body.as_slice(), contents),
            (&b"{}"[..], Some(Vec::new()))
        );
    }

    #[test]
    fn what_has_no_parts_stays_as_it_is() {
        for (content_type, body) in [
            ("application/json", "{}"),
            ("multipart/mixed", "--b\r\n\r\n{}\r\n--b--"),
            ("multipart/mixed; boundary=b", "--b\r\n\r\n{}"),
            ("multipart/mixed; boundary=b", "--b--"),
            ("é", "{}"),
        ] {
            let before = answer(content_type, body);
            assert_eq!(without_contents(before.clone()), (before, None));
        }
    }
}
