//! Signed statements (1.0.3 Data 2.6; IEEE 9274.1.1, 4.2.6): what each signature of a statement shows.
//!
//! A signature is an attachment whose content is a JWS (RFC 7515) of the statement as it was before the signature was
//! attached. [`verify`] makes a [`SignatureReport`] for each: what was checked, what came of it, and in which words to
//! say so. It takes the statement's text and the contents of its attachments, and fetches nothing from anywhere. [`sign`] makes
//! a signature, with whatever [`Signer`] has a key.
//!
//! Whatever comes in, the work and the memory stay in proportion to its length: a signature that is far longer than its
//! statement is not read, nor is a chain of more than [`LONGEST_CHAIN`] certificates.

mod algorithm;
mod attachments;
mod authority;
mod certificate;
mod contents;
mod der;
mod examination;
mod jws;
mod key_signer;
mod name;
mod report;
mod sign;
mod trust;
mod verify;

pub use algorithm::Algorithm;
pub use attachments::SIGNATURE;
pub use certificate::{Certificate, LONGEST_CHAIN};
pub use contents::{Contents, Hashes, has_sha2};
pub use key_signer::KeySigner;
pub use report::{Check, Finding, Outcome, SignatureReport, Verdict};
pub use sign::{SignError, Signed, Signer, X5c, sign};
pub use trust::{Trust, Unreadable};
pub use verify::verify;
