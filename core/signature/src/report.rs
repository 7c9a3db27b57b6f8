//! What was found of a signature: each check with its outcome, and in words.

use pannier_xapi::statement::Difference;
use serde::Serialize;

use crate::algorithm::Algorithm;
use crate::certificate::Certificate;

/// What is checked of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Its content is at hand and has the `length` and the `sha2` that the attachment says (1.0.3 Data 2.4.11).
    Content,
    /// It is a JWS in compact serialization, with an algorithm that xAPI allows and without `crit` (RFC 7515, 4.1.11).
    Form,
    /// Its payload is a valid statement (1.0.3 Data 2.6).
    Payload,
    /// The payload is the statement that it is attached to, by the standard's rules of comparison, attachments apart.
    Statement,
    /// The payload has the statement's attachments, signatures apart.
    Attachments,
    /// Each signature that the payload has is one that the statement had before this one.
    Countersigned,
    /// The header brings a certificate along (RFC 7515, 4.1.6).
    Certificate,
    /// The certificate's key, which is RSA with 2048 to 8192 bits (RFC 7518, 3.3), made the signature.
    Signature,
    /// A chain leads from the certificate to a root that is trusted, all of it valid at the statement's `timestamp`.
    Trust,
}

/// Outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It holds, and something about it is worth knowing.
    Noted,
    /// Nobody can tell, for want of a certificate or of the content.
    Unverified,
    /// It does not hold.
    Failed,
    /// It was not asked, or cannot be for what another check found.
    NotChecked,
}

/// A check and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked.
    pub check: Check,
    /// What came of it.
    pub outcome: Outcome,
    /// The same as a sentence without its full stop; empty if there is nothing to say.
    pub words: String,
}

/// Verdict on a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is the signature of this statement by the key of its certificate. Whose certificate it is, only
    /// [`Check::Trust`] tells.
    Verified,
    /// No check failed, and it could not be verified.
    Unverified,
    /// A check failed.
    Failed,
}

/// Findings about one signature of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignatureReport {
    /// Place of its attachment in the statement, as a JSON path: `$.attachments[0]`.
    pub path: String,
    /// SHA-2 of its content, as the attachment says.
    pub sha2: String,
    /// Its algorithm, if that is known.
    pub algorithm: Option<Algorithm>,
    /// The signer's certificate, if it has a readable one.
    pub certificate: Option<Certificate>,
    /// One for each [`Check`], in their order.
    pub findings: Vec<Finding>,
    /// First differences between the payload (`ours`) and the statement (`theirs`).
    pub differences: Vec<Difference>,
    /// Number of differences beyond those.
    pub more: usize,
}

impl SignatureReport {
    /// Returns what was found by this check.
    pub fn outcome(&self, check: Check) -> Outcome {
        let mut findings = self.findings.iter();
        findings
            .find(|finding| finding.check == check)
            .map_or(Outcome::NotChecked, |finding| finding.outcome)
    }

    /// Returns the findings of checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Finding> {
        let findings = self.findings.iter();
        findings.filter(|finding| finding.outcome == Outcome::Failed)
    }

    /// Returns the verdict.
    pub fn verdict(&self) -> Verdict {
        let any = |outcome| self.findings.iter().any(|it| it.outcome == outcome);
        if any(Outcome::Failed) {
            Verdict::Failed
        } else if any(Outcome::Unverified) {
            Verdict::Unverified
        } else {
            Verdict::Verified
        }
    }
}
