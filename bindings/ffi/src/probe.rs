//! Trying a connection before it is needed.

use crate::status::mirror;
use crate::{Url, XapiVersion};

mirror! {
    /// Subject of a check.
    Examined of pannier::Examined {
        /// Is there a host that answers?
        Network,
        /// Is the connection secure?
        Encryption,
        /// Is it an LRS that answers, and at this address?
        Lrs,
        /// Does it speak an xAPI version of ours?
        Version,
        /// Does it know the credentials?
        Credentials,
        /// May they write statements?
        Write,
        /// Do its clock and the device's agree?
        Clock,
    }
}

mirror! {
    /// Result of a check.
    Finding of pannier::Finding {
        /// It is as it should be.
        Good,
        /// It could not be determined, which is no fault.
        Unknown,
        /// It works, but somebody should look at it.
        Warning,
        /// Nothing will be delivered like this.
        Bad,
    }
}

/// Check of one thing.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Check {
    /// Subject.
    pub examined: Examined,
    /// Result.
    pub finding: Finding,
    /// The HTTP status that shows it, if one does.
    pub status: Option<i32>,
    /// Explanation and, where something is wrong, advice. English, for developers.
    pub sentence: String,
}

/// Results of a probe.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Probe {
    /// The LRS's base URL.
    pub endpoint: Url,
    /// Checks, one for each subject, in order.
    pub checks: Vec<Check>,
    /// The worst of all findings.
    pub worst: Finding,
    /// The xAPI versions that the LRS lists, as it spells them; empty where it lists none.
    pub versions: Vec<String>,
    /// The version that a sync would begin with.
    pub speaks: Option<XapiVersion>,
    /// The LRS's clock minus the device's in milliseconds, to the second.
    pub clock_difference_ms: Option<i64>,
}

impl From<pannier::Probe> for Probe {
    fn from(probe: pannier::Probe) -> Self {
        Self {
            worst: probe.worst().into(),
            endpoint: Url(probe.endpoint),
            checks: probe.checks.into_iter().map(Into::into).collect(),
            versions: probe.versions,
            speaks: probe.speaks.map(Into::into),
            clock_difference_ms: probe.clock_difference_ms,
        }
    }
}

impl From<pannier::Check> for Check {
    fn from(check: pannier::Check) -> Self {
        Self {
            examined: check.examined.into(),
            finding: check.finding.into(),
            status: check.status.map(i32::from),
            sentence: check.sentence,
        }
    }
}
