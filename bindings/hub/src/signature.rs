//! Signed statements (1.0.3 Data 2.6; 2.0.0 4.2.6): what a signature shows is found by `pannier-signature`; here is
//! which of it is a reason to refuse the statement. Whether to trust the key is left to the reader, as the standard
//! leaves it, and a signature without a certificate is taken as it is.

use std::collections::BTreeSet;

use pannier_signature::{Check, Outcome, SIGNATURE, Trust, verify};
use pannier_xapi::statement::XapiVersion;

use super::attachments::Contents;
use super::facts::Attachment;

/// Average number of times that each signature of a request may be checked: each belongs to one statement, but
/// anybody can attach a long one to many.
const CHECKS: u64 = 4;

/// Checker of a request's signatures, which does no more work than is reasonable.
pub struct Checker<'a> {
    contents: &'a Contents,
    rules: XapiVersion,
    /// Bytes of signatures that may still be read.
    left: u64,
}

impl<'a> Checker<'a> {
    pub fn new<'b>(
        contents: &'a Contents,
        rules: XapiVersion,
        attachments: impl IntoIterator<Item = &'b Attachment>,
    ) -> Self {
        let signatures = attachments.into_iter().filter(|it| is_signature(it));
        let each: BTreeSet<String> = signatures
            .map(|signature| signature.sha2.to_ascii_lowercase())
            .collect();
        let lengths = each.iter().filter_map(|sha2| contents.0.get(sha2));
        let total: u64 = lengths.map(|content| content.octets).sum();
        Self {
            contents,
            rules,
            left: total.saturating_mul(CHECKS),
        }
    }

    /// Checks each signature among the attachments of a valid statement; the error says what is wrong.
    pub fn check(&mut self, statement: &[u8], attachments: &[Attachment]) -> Result<(), String> {
        let mut signatures = attachments
            .iter()
            .filter(|attachment| is_signature(attachment))
            .peekable();
        if signatures.peek().is_none() {
            return Ok(());
        }
        for attachment in signatures {
            let content = self.contents.0.get(&attachment.sha2.to_ascii_lowercase());
            let octets = content.map_or(0, |content| content.octets);
            self.left = self
                .left
                .checked_sub(octets)
                .ok_or("the same signature is attached too often; it signs one statement")?;
        }
        for report in verify(statement, self.rules, self.contents, &Trust::none()) {
            if report.outcome(Check::Content) == Outcome::Unverified {
                return Err(
                    "a signature must come with its content, not with a fileUrl alone".into(),
                );
            }
            if let Some(failure) = report.failures().next() {
                return Err(failure.words.clone());
            }
        }
        Ok(())
    }
}

fn is_signature(attachment: &Attachment) -> bool {
    attachment.usage_type == SIGNATURE
}
