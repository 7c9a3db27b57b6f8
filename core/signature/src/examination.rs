//! The examination of one signature, check after check, in an order in which each can build on those before it.

use pannier_xapi::statement::{Comparison, Differences, Prepared, compare, prepare};

use crate::attachments::{self, Agreement, Attachment};
use crate::certificate::{self, Parsed};
use crate::contents::{Contents, has_sha2};
use crate::jws::Jws;
use crate::report::{Check, Finding, Outcome, SignatureReport};
use crate::trust::Trust;
use crate::verify::{FILL, Signed, timestamp};

/// Most bytes of a signature for each byte of its statement, and beyond that. Whoever signs with a long chain needs
/// some tens of kilobytes, and an LRS may leave texts out of a statement that are in the payload.
const LONGEST: (usize, usize) = (64, 64 << 10);

/// Number of places that a sentence about differences names.
const NAMED: usize = 5;

/// Most characters of a place in a sentence.
const PLACE: usize = 120;

/// Findings about a signature so far.
pub(crate) struct Examination {
    report: SignatureReport,
}

impl Examination {
    pub(crate) fn new(index: usize, sha2: &str) -> Self {
        Self {
            report: SignatureReport {
                path: format!("$.attachments[{index}]"),
                sha2: sha2.to_owned(),
                algorithm: None,
                certificate: None,
                findings: Vec::new(),
                differences: Vec::new(),
                more: 0,
            },
        }
    }

    pub(crate) fn found(&mut self, check: Check, outcome: Outcome, words: impl Into<String>) {
        self.report.findings.push(Finding {
            check,
            outcome,
            words: words.into(),
        });
    }

    fn passed(&mut self, check: Check) {
        self.found(check, Outcome::Passed, "");
    }

    fn failed(&mut self, check: Check, words: impl Into<String>) {
        self.found(check, Outcome::Failed, words);
    }

    /// Returns the report, with the checks that were not made.
    pub(crate) fn report(mut self) -> SignatureReport {
        const ALL: [Check; 9] = [
            Check::Content,
            Check::Form,
            Check::Payload,
            Check::Statement,
            Check::Attachments,
            Check::Countersigned,
            Check::Certificate,
            Check::Signature,
            Check::Trust,
        ];
        let mut findings = std::mem::take(&mut self.report.findings);
        self.report.findings = ALL
            .into_iter()
            .map(|check| {
                let found = findings.iter().position(|finding| finding.check == check);
                found.map_or_else(
                    || Finding {
                        check,
                        outcome: Outcome::NotChecked,
                        words: String::new(),
                    },
                    |at| findings.swap_remove(at),
                )
            })
            .collect();
        self.report
    }

    /// Makes all checks of the signature that is the attachment at `index`. A content that says of itself that it is too
    /// long is not even asked for.
    pub(crate) fn content(
        &mut self,
        signed: &Signed<'_>,
        index: usize,
        contents: &(impl Contents + ?Sized),
    ) {
        let attachment = &signed.attached[index];
        let (each, beside) = LONGEST;
        let longest = (signed.statement.len().saturating_mul(each) + beside) as u64;
        let too_long = |octets: u64| {
            (octets > longest).then(|| {
                format!(
                    "the signature has {octets} bytes; no more than {longest} are read for a statement of this length"
                )
            })
        };
        if let Some(words) = attachment.octets().and_then(too_long) {
            return self.failed(Check::Form, words);
        }
        let content = contents.content(&attachment.sha2.to_ascii_lowercase());
        let content = content.as_deref();
        let Some(content) = content else {
            let words = "the content of the signature is not at hand, so nothing can be told of it";
            return self.found(Check::Content, Outcome::Unverified, words);
        };
        let octets = content.len() as u64;
        match has_sha2(content, &attachment.sha2) {
            Some(true) if attachment.octets() == Some(octets) => self.passed(Check::Content),
            Some(true) => self.failed(
                Check::Content,
                format!("the signature has {octets} bytes, and its attachment says another length"),
            ),
            Some(false) => self.failed(
                Check::Content,
                "the signature has another SHA-2 than its attachment says",
            ),
            None => self.failed(
                Check::Content,
                "the sha2 of the signature is no SHA-256, SHA-384 or SHA-512",
            ),
        }
        if let Some(words) = too_long(octets) {
            return self.failed(Check::Form, words);
        }
        match Jws::read(content) {
            Ok(jws) => {
                self.passed(Check::Form);
                self.report.algorithm = Some(jws.algorithm);
                self.jws(signed, index, &jws);
            }
            Err(words) => self.failed(Check::Form, words),
        }
    }

    fn jws(&mut self, signed: &Signed<'_>, index: usize, jws: &Jws<'_>) {
        let payload = prepare(&jws.payload, signed.rules, &FILL);
        let timestamp_ms = payload.as_ref().ok().and_then(timestamp);
        match payload {
            Ok(payload) => {
                self.passed(Check::Payload);
                self.statement(signed, &payload, jws);
                self.attachments(signed, index, jws);
            }
            Err(invalid) => {
                let words = match invalid.faults.first() {
                    Some(fault) => format!("the payload of the signature is no statement: {fault}"),
                    None => "the payload of the signature is no statement".into(),
                };
                self.failed(Check::Payload, words);
            }
        }
        self.certificate(jws, signed.trust, signed.timestamp_ms.or(timestamp_ms));
    }

    fn statement(&mut self, signed: &Signed<'_>, payload: &Prepared, jws: &Jws<'_>) {
        let ours = attachments::without_attachments(&jws.payload);
        let theirs = attachments::without_attachments(signed.statement);
        match compare(&ours, &theirs) {
            Comparison::Same => {
                let mut open = Vec::new();
                if payload.id == FILL.id {
                    open.push("id");
                }
                if payload.timestamp_is_ours {
                    open.push("timestamp");
                }
                if open.is_empty() {
                    return self.passed(Check::Statement);
                }
                let words = format!(
                    "the payload of the signature has no {}, so it is not signed",
                    open.join(" and no ")
                );
                self.found(Check::Statement, Outcome::Noted, words);
            }
            Comparison::Different(Differences { listed, more }) => {
                let mut places: Vec<String> = listed
                    .iter()
                    .take(NAMED)
                    .map(|difference| difference.path.chars().take(PLACE).collect())
                    .collect();
                if listed.len() + more > places.len() {
                    places.push(format!(
                        "{} more places",
                        listed.len() + more - places.len()
                    ));
                }
                let words = format!(
                    "the payload of the signature is not the statement that it is attached to: they differ at {}",
                    places.join(", ")
                );
                self.report.differences = listed;
                self.report.more = more;
                self.failed(Check::Statement, words);
            }
            Comparison::Unreadable => self.failed(
                Check::Statement,
                "the payload of the signature cannot be compared with the statement",
            ),
        }
    }

    fn attachments(&mut self, signed: &Signed<'_>, index: usize, jws: &Jws<'_>) {
        let Ok(payload) = Attachment::all(&jws.payload) else {
            let words = "the attachments in the payload of the signature cannot be read";
            return self.failed(Check::Attachments, words);
        };
        match attachments::others(&payload, &signed.attached) {
            Agreement::Same => self.passed(Check::Attachments),
            Agreement::None(count) => self.found(
                Check::Attachments,
                Outcome::Noted,
                format!(
                    "the payload of the signature has no attachments, so the {count} others of the statement are not signed"
                ),
            ),
            Agreement::Differs(place) => self.failed(
                Check::Attachments,
                format!(
                    "the payload of the signature has other attachments than the statement: attachment {} differs, not counting signatures",
                    place + 1
                ),
            ),
        }
        match attachments::unknown_signature(&payload, &signed.attached[..index]) {
            None => self.passed(Check::Countersigned),
            Some(unknown) => self.failed(
                Check::Countersigned,
                format!(
                    "the payload of the signature has the signature with sha2 {}, which the statement does not have before this one",
                    unknown.sha2
                ),
            ),
        }
    }

    fn certificate(&mut self, jws: &Jws<'_>, trust: &Trust, timestamp_ms: Option<i64>) {
        let Some(x5c) = &jws.x5c else {
            let words = match &jws.other_keys[..] {
                [] => {
                    "the signature brings no certificate (x5c) along, so whose it is cannot be told"
                        .into()
                }
                keys => format!(
                    "the signature names its key by {}, which is not followed, and brings no certificate (x5c) along, so whose it is cannot be told",
                    keys.join(", ")
                ),
            };
            return self.found(Check::Certificate, Outcome::Unverified, words);
        };
        self.passed(Check::Certificate);
        let chain = match certificate::chain(x5c) {
            Ok(chain) => chain,
            Err(words) => return self.failed(Check::Signature, words),
        };
        if let Some(signer) = Parsed::of(&chain[0]) {
            self.report.certificate = Some(signer.described(chain.len()));
            match signature(&signer, jws) {
                Ok(()) => self.passed(Check::Signature),
                Err(words) => self.failed(Check::Signature, words),
            }
        }
        if trust.is_none() {
            return;
        }
        let trusted = timestamp_ms
            .ok_or_else(|| {
                "the statement has no timestamp, at which its certificate would have to be valid"
                    .into()
            })
            .and_then(|at| trust.check(&chain, at));
        match trusted {
            Ok(()) => self.passed(Check::Trust),
            Err(words) => self.failed(Check::Trust, words),
        }
    }
}

/// Checks that the signer's key made the signature.
fn signature(signer: &Parsed<'_>, jws: &Jws<'_>) -> Result<(), String> {
    const FIRST: &str = "the first certificate in the x5c of the signature";
    let key = signer.signing_key();
    let key = key.map_err(|why| format!("{FIRST} cannot be used: {why}"))?;
    if jws.algorithm.holds(key, jws.signed, &jws.signature) {
        Ok(())
    } else {
        Err(format!(
            "the signature was not made, by {}, of this payload with the key of the first certificate in its x5c",
            jws.algorithm
        ))
    }
}
