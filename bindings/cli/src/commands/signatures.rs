//! What the signatures of statements show, as `check` tells it.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use pannier_signature::{Outcome, SignatureReport, Trust, Verdict};
use serde::Serialize;

use super::{Failure, small_file};
use crate::terminal::one_line;

/// What is asked of signatures.
#[derive(Args, Debug)]
pub struct SignatureArgs {
    /// Fail unless each statement has a signature and all that it has are verified
    #[arg(long)]
    pub require_signature: bool,

    /// Certificates in PEM, of authorities or of signers: what is verified has to lead to one of them
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
}

impl SignatureArgs {
    /// Returns whom to trust.
    pub fn trust(&self) -> Result<Trust, Failure> {
        let Some(path) = &self.trust else {
            return Ok(Trust::none());
        };
        let pem = small_file::bytes(path, "trusted certificates")?;
        Trust::from_pem(&pem)
            .map_err(|why| Failure::usage(format!("{}: {why}", one_line(path.display()))))
    }
}

/// A report for a program.
#[derive(Serialize)]
pub struct Told {
    verdict: Verdict,
    #[serde(flatten)]
    report: SignatureReport,
}

impl From<SignatureReport> for Told {
    fn from(report: SignatureReport) -> Self {
        Self {
            verdict: report.verdict(),
            report,
        }
    }
}

/// Tells whether there is a signature and all are verified.
pub fn all_verified(signatures: &[Told]) -> bool {
    let mut verdicts = signatures.iter().map(|told| told.verdict);
    !signatures.is_empty() && verdicts.all(|verdict| verdict == Verdict::Verified)
}

/// Number of signatures by their verdict.
#[derive(Default)]
pub struct Count {
    verified: u64,
    unverified: u64,
    pub failed: u64,
}

impl Count {
    pub fn add(&mut self, signatures: &[Told]) {
        for told in signatures {
            *match told.verdict {
                Verdict::Verified => &mut self.verified,
                Verdict::Unverified => &mut self.unverified,
                Verdict::Failed => &mut self.failed,
            } += 1;
        }
    }

    /// Returns the numbers in words; nothing if there is no signature.
    pub fn words(&self) -> Option<String> {
        let Self {
            verified,
            unverified,
            failed,
        } = self;
        (verified + unverified + failed > 0).then(|| {
            format!("signatures: {verified} verified, {unverified} unverified, {failed} failed")
        })
    }
}

/// Returns a name of a certificate; its subject may be empty where other names stand in an extension (RFC 5280, 4.1.2.6).
fn named(name: &str) -> &str {
    if name.is_empty() {
        "somebody without a name"
    } else {
        name
    }
}

/// Returns the lines about a signature, for a person.
pub fn lines(place: &str, told: &Told) -> String {
    let report = &told.report;
    let verdict = match told.verdict {
        Verdict::Verified => "verified",
        Verdict::Unverified => "unverified",
        Verdict::Failed => "failed",
    };
    let mut text = format!("{place}: {}: signature {verdict}", report.path);
    // Writing to a String cannot fail.
    if let Some(algorithm) = report.algorithm {
        let _ = write!(text, "\n    {algorithm}");
    }
    if let Some(by) = &report.certificate {
        let line = format!(
            "{}, serial number {}, made by {}",
            named(&by.subject),
            by.serial_number,
            named(&by.issuer)
        );
        let _ = write!(text, ", {}", one_line(line));
        if let Some(bits) = by.key_bits {
            let _ = write!(text, ", a key of {bits} bits");
        }
    }
    for finding in &report.findings {
        let outcome = match finding.outcome {
            Outcome::Failed => "failed",
            Outcome::Noted => "note",
            Outcome::Unverified => "unverified",
            Outcome::Passed | Outcome::NotChecked => continue,
        };
        let _ = write!(text, "\n    {outcome}: {}", one_line(&finding.words));
    }
    for difference in &report.differences {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
        let line = format!(
            "{}: {} in the signature, {} in the statement",
            difference.path,
            value(&difference.ours),
            value(&difference.theirs)
        );
        let _ = write!(text, "\n    {}", one_line(line));
    }
    text
}
