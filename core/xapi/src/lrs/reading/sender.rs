//! Sender of an answer: the LRS, or something that stands before it or in its place.
//!
//! An LRS gives `X-Experience-API-Version` with every answer (C 3.3; 9274 4.1.7); a captive portal, a gateway or a
//! firewall does not. Two LRSs of eight never give it; they are recognized by their JSON.

use super::not_an_lrs;
use super::words::is_page;
use crate::lrs::Response;

/// Sender of an answer, as far as the answer itself shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// An LRS: the answer carries its version header.
    Lrs,
    /// Perhaps an LRS that gives no version header, perhaps a gateway: the body is JSON.
    Perhaps,
    /// Likely an LRS: the same, at one that is known to give no version header.
    Likely,
    /// Something else: nothing in the answer is an LRS's.
    Stranger,
}

impl Sender {
    /// Tells whether anything it says about credentials, statements and clocks may be believed.
    pub fn is_lrs(self) -> bool {
        self != Self::Stranger
    }
}

/// Returns who gave this answer. Every reader of refusals, credentials and clocks asks this first.
pub fn sender(answer: &Response) -> Sender {
    if matches!(answer.status, 300..=399 | 407 | 511) {
        return Sender::Stranger;
    }
    let signed = answer.header("X-Experience-API-Version");
    if signed.is_some_and(|version| !version.trim().is_empty()) {
        return Sender::Lrs;
    }
    let body = not_an_lrs::json(answer);
    let begins = body
        .first()
        .is_some_and(|first| matches!(first, b'{' | b'['));
    let is_json = || serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    if begins && !is_page(answer) && is_json() {
        return Sender::Perhaps;
    }
    Sender::Stranger
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, headers: &[(&str, &str)], body: &str) -> Sender {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        sender(&Response {
            status,
            headers: headers.iter().map(owned).collect(),
            body: body.into(),
            cut: false,
        })
    }

    #[test]
    fn the_version_header_is_an_lrss_and_a_page_is_a_strangers() {
        let version = ("x-experience-api-version", "1.0.3");
        assert_eq!(of(401, &[version], ""), Sender::Lrs);
        assert_eq!(of(500, &[version], "<html>debug</html>"), Sender::Lrs);
        assert_eq!(of(302, &[version], ""), Sender::Stranger);
        assert_eq!(of(401, &[], "<html>log in</html>"), Sender::Stranger);
        assert_eq!(of(403, &[], ""), Sender::Stranger);
        assert_eq!(of(403, &[], "forbidden"), Sender::Stranger);
        assert_eq!(
            of(403, &[("X-Experience-API-Version", " ")], ""),
            Sender::Stranger
        );
    }

    #[test]
    fn json_is_probably_an_lrss_also_behind_a_byte_order_mark() {
        assert_eq!(of(422, &[], r#"{"detail":[]}"#), Sender::Perhaps);
        assert_eq!(of(200, &[], "\u{feff}[]"), Sender::Perhaps);
        assert_eq!(of(422, &[], r#"{"detail":"#), Sender::Stranger);
        assert_eq!(of(422, &[], "12"), Sender::Stranger);
    }
}
