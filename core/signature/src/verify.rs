//! Reports on the signatures of a statement, one after the other.

use std::collections::BTreeSet;

use pannier_xapi::statement::{Fill, Prepared, XapiVersion, prepare};
use uuid::Uuid;

use crate::attachments::Attachment;
use crate::contents::Contents;
use crate::examination::Examination;
use crate::report::{Check, Outcome, SignatureReport};
use crate::trust::Trust;

/// Values for what a statement leaves out, so that it can be seen that it does.
pub(crate) const FILL: Fill = Fill {
    id: Uuid::from_u128(0x7c1f_a0de_53b1_4ee4_9a6c_0f2d_51b8_e973),
    now_ms: 0,
};

/// Reports on each signature of a statement, in the order of its attachments. Those of a SubStatement are not its own.
///
/// The statement is as it is sent or as an LRS gave it, with the attachments that `contents` has the contents of.
/// `rules` say which version of the standard it has to follow; one that does not follow them has no reports. Trust is
/// asked for where there are roots.
pub fn verify(
    statement: &[u8],
    rules: XapiVersion,
    contents: &(impl Contents + ?Sized),
    trust: &Trust,
) -> Vec<SignatureReport> {
    let attached = match Attachment::all(statement) {
        Ok(attached) if attached.iter().any(Attachment::is_signature) => attached,
        _ => return Vec::new(),
    };
    let Ok(prepared) = prepare(statement, rules, &FILL) else {
        return Vec::new();
    };
    let signed = Signed {
        statement,
        attached,
        timestamp_ms: timestamp(&prepared),
        rules,
        trust,
    };
    let mut seen = BTreeSet::new();
    let mut reports = Vec::new();
    for (index, attachment) in signed.attached.iter().enumerate() {
        if !attachment.is_signature() {
            continue;
        }
        let sha2 = attachment.sha2.to_ascii_lowercase();
        let mut examination = Examination::new(index, &attachment.sha2);
        if seen.contains(&sha2) {
            let words = "the same signature is attached before";
            examination.found(Check::Countersigned, Outcome::Failed, words);
        } else {
            examination.content(&signed, index, contents);
            seen.insert(sha2);
        }
        reports.push(examination.report());
    }
    reports
}

/// A statement with its attachments, and whom to trust.
pub(crate) struct Signed<'s> {
    pub(crate) statement: &'s [u8],
    pub(crate) attached: Vec<Attachment>,
    pub(crate) timestamp_ms: Option<i64>,
    pub(crate) rules: XapiVersion,
    pub(crate) trust: &'s Trust,
}

/// Returns the timestamp that a statement has of its own.
pub(crate) fn timestamp(prepared: &Prepared) -> Option<i64> {
    (!prepared.timestamp_is_ours).then_some(prepared.timestamp_ms)
}
