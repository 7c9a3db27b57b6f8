//! How things stand, and what a sync did.

use crate::time::Timestamp;
use crate::{UpstreamReport, Url, WaitReason, XapiVersion};

/// Mirrors an enum of the core without fields. That none is forgotten, the compiler sees.
macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident of and into $core:path { $($(#[$vdoc:meta])* $variant:ident,)* }) => {
        $crate::status::mirror! {
            $(#[$doc])*
            $name of $core { $($(#[$vdoc])* $variant,)* }
        }

        impl From<$name> for $core {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant,)* }
            }
        }
    };
    ($(#[$doc:meta])* $name:ident of $core:path { $($(#[$vdoc:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Enum)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl From<$core> for $name {
            fn from(value: $core) -> Self {
                use $core as Core;
                match value { $(Core::$variant => Self::$variant,)* }
            }
        }
    };
    ($(#[$doc:meta])* $name:ident into $core:path { $($(#[$vdoc:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Enum)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl From<$name> for $core {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant,)* }
            }
        }
    };
}
pub(crate) use mirror;

mirror! {
    /// What keeps the upstream from taking anything.
    Problem of pannier::Problem {
        /// No connection: no network, no such host, refused, or TLS failed.
        Unreachable,
        /// No answer within the time-out.
        TimedOut,
        /// The connection broke before the whole answer had come.
        Broken,
        /// What answered is not an LRS: a captive portal, a proxy, a login page.
        NotAnLrs,
        /// The credentials are missing, wrong or expired (401). Set new ones.
        Credentials,
        /// The endpoint is not the xAPI base URL of an LRS (404, 405, 410). Set the right one.
        WrongEndpoint,
        /// Another collector on this queue has set another endpoint. Set the right one in both.
        OtherEndpoint,
        /// The upstream speaks neither xAPI 1.0.3 nor 2.0.0.
        NoCommonVersion,
        /// The LRS asked to wait (429, 503).
        Busy,
        /// The LRS failed (408, 425, 5xx).
        ServerError,
        /// The LRS is there but refuses one statement after another and has accepted none.
        RefusesEverything,
        /// An answer that fits nothing.
        Unexpected,
    }
}

mirror! {
    /// Why nothing is sent before a certain time.
    WaitKind of pannier::WaitKind {
        /// Our own patience after a failure. A sync by hand may skip it.
        Backoff,
        /// The LRS named the time.
        RetryAfter,
        /// A request may still be under way at the LRS.
        OutcomeUnknown,
        /// Nothing is sent until the app has acted.
        App,
    }
}

/// What is the matter with the upstream, in the LRS's own words where it gave any.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Trouble {
    /// What it is.
    pub problem: Problem,
    /// The HTTP status, if there was an answer.
    pub status: Option<i32>,
    /// What the LRS or the system said, cut to a sane length.
    pub words: String,
    /// Since when.
    pub since: Timestamp,
}

impl From<pannier::Trouble> for Trouble {
    fn from(trouble: pannier::Trouble) -> Self {
        Self {
            problem: trouble.problem.into(),
            status: trouble.status.map(Into::into),
            words: trouble.words,
            since: Timestamp(trouble.since),
        }
    }
}

/// What was lost of this queue and nobody has acknowledged yet: of one damaged or missing file, or of
/// several together.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LossReport {
    /// When it was first noticed, by the device's clock.
    pub noticed_at: Timestamp,
    /// What was wrong with the file, and with what is kept beside it.
    pub damage: String,
    /// Statements that were saved.
    pub saved: i64,
    /// At least so many are lost. What a damaged file no longer says of itself cannot be counted.
    pub lost: i64,
    /// How many are lost, or have come back though they were retracted or erased, can no longer be told.
    pub uncertain: bool,
    /// Where the damaged files are kept, whole: each of them. Empty where there was nothing to keep.
    pub kept_at: Vec<String>,
}

impl From<pannier::LossReport> for LossReport {
    fn from(loss: pannier::LossReport) -> Self {
        let kept_at = loss.kept_at.iter();
        Self {
            noticed_at: Timestamp(loss.noticed_at),
            damage: loss.damage,
            saved: loss.saved as i64,
            lost: loss.lost as i64,
            uncertain: loss.uncertain,
            kept_at: kept_at.map(|path| path.display().to_string()).collect(),
        }
    }
}

/// How things stand. At every moment
/// `recorded = queued + waiting + held + delivered + retracted + discarded + replaced + erased`.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Status {
    /// Taken in since the queue was made.
    pub recorded: i64,
    /// In the queue, due to be sent.
    pub queued: i64,
    /// Aside, coming back by themselves.
    pub waiting: i64,
    /// Aside, waiting for the app.
    pub held: i64,
    /// Proved to be at the LRS.
    pub delivered: i64,
    /// Taken back by the app before they were sent.
    pub retracted: i64,
    /// Given up by the app while held.
    pub discarded: i64,
    /// Replaced by the app with a corrected statement, which counts as recorded anew.
    pub replaced: i64,
    /// Erased by the app before they were delivered.
    pub erased: i64,
    /// Bytes of the queued statements.
    pub queued_bytes: i64,
    /// When the oldest queued statement was recorded. How long ago that is changes by itself, and is told by nobody.
    pub oldest_queued_at: Option<Timestamp>,
    /// The LRS's base URL.
    pub endpoint: Option<Url>,
    /// Whether this collector syncs now.
    pub syncing: bool,
    /// Whether the device has a network, as the app said last; until it says so there is one.
    /// Without one an automatic sync does not try.
    pub network: bool,
    /// Nothing is sent before then.
    pub waiting_until: Option<Timestamp>,
    /// Who asked for that wait. None: nothing keeps the next sync from sending.
    pub waiting_for: Option<WaitKind>,
    /// What is the matter with the upstream, if anything is and there is something to deliver.
    pub trouble: Option<Trouble>,
    /// What was lost with a damaged or missing file, until `acknowledge_loss` is called.
    pub loss: Option<LossReport>,
    /// When the next statement that waits aside comes back.
    pub next_due: Option<Timestamp>,
    /// When the upstream last took something.
    pub last_success: Option<Timestamp>,
    /// The xAPI version spoken with the upstream.
    pub speaks: Option<XapiVersion>,
    /// Most statements in a request, where the upstream bears fewer than was configured.
    pub learned_max_statements: Option<i64>,
    /// Most bytes in a request, where the upstream bears fewer than was configured.
    pub learned_max_bytes: Option<i64>,
    /// The upstream's clock minus the device's, milliseconds.
    pub clock_skew_ms: Option<i64>,
}

impl From<pannier::Status> for Status {
    fn from(status: pannier::Status) -> Self {
        let ledger = status.ledger;
        Self {
            recorded: ledger.recorded as i64,
            queued: ledger.queued as i64,
            waiting: ledger.waiting as i64,
            held: ledger.held as i64,
            delivered: ledger.delivered as i64,
            retracted: ledger.retracted as i64,
            discarded: ledger.discarded as i64,
            replaced: ledger.replaced as i64,
            erased: ledger.erased as i64,
            queued_bytes: ledger.queued_bytes as i64,
            oldest_queued_at: ledger.oldest_queued_at.map(Timestamp),
            endpoint: status.endpoint.map(Url),
            syncing: status.syncing,
            network: status.network,
            waiting_until: status.waiting_until.map(Timestamp),
            waiting_for: status.waiting_for.map(Into::into),
            trouble: status.trouble.map(Into::into),
            loss: status.loss.map(Into::into),
            next_due: status.next_due.map(Timestamp),
            last_success: status.last_success.map(Timestamp),
            speaks: status.speaks.map(Into::into),
            learned_max_statements: status.learned_max_statements.map(Into::into),
            learned_max_bytes: status.learned_max_bytes.map(Into::into),
            clock_skew_ms: status.clock_skew_ms,
        }
    }
}

/// How a sync ended.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Ended {
    /// Nothing is due any more.
    Emptied,
    /// It would have to wait until then.
    Waiting {
        /// By the device's clock.
        until: Timestamp,
        /// Who asked for it.
        why: WaitKind,
        /// What is the matter.
        trouble: Option<Trouble>,
    },
    /// The app must act first: new credentials, another endpoint.
    NeedsApp {
        /// What is the matter.
        trouble: Trouble,
    },
    /// Another process, or another collector, syncs this queue.
    Busy {
        /// If it died: when its turn ends.
        until: Timestamp,
    },
    /// It was interrupted: by `interrupt`, by a pause or by closing the collector.
    Interrupted,
}

impl From<pannier::Ended> for Ended {
    fn from(ended: pannier::Ended) -> Self {
        use pannier::Ended as Core;
        match ended {
            Core::Emptied => Self::Emptied,
            Core::Waiting {
                until,
                why,
                trouble,
            } => Self::Waiting {
                until: Timestamp(until),
                why: why.into(),
                trouble: trouble.map(Into::into),
            },
            Core::NeedsApp { trouble } => Self::NeedsApp {
                trouble: trouble.into(),
            },
            Core::Busy { until } => Self::Busy {
                until: Timestamp(until),
            },
            Core::Interrupted => Self::Interrupted,
        }
    }
}

/// Statements that wait aside for the same thing.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct WaitingAside {
    /// What for.
    pub reason: WaitReason,
    /// How many.
    pub statements: i64,
    /// When the first of them comes back, where that is known.
    pub next_due: Option<Timestamp>,
}

impl From<pannier::WaitingAside> for WaitingAside {
    fn from(aside: pannier::WaitingAside) -> Self {
        Self {
            reason: aside.reason.into(),
            statements: aside.statements as i64,
            next_due: aside.next_due.map(Timestamp),
        }
    }
}

/// What a sync did.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SyncReport {
    /// Statements that the LRS proved to have.
    pub delivered: i64,
    /// Statements set aside until the app acts.
    pub held: i64,
    /// Requests made.
    pub requests: i64,
    /// Bytes of their bodies.
    pub bytes_sent: i64,
    /// Statements that wait aside at its end and come back by themselves, by what they wait for: also
    /// when it ended as `Emptied` they are not delivered.
    #[uniffi(default = [])]
    pub waiting: Vec<WaitingAside>,
    /// How it ended. Of a sync to several upstreams: what is most urgent of how it ended for those that this
    /// process has opened.
    pub ended: Ended,
    /// What it did for each upstream, `main` first; empty where there is but one.
    #[uniffi(default = [])]
    pub upstreams: Vec<UpstreamReport>,
}

impl From<pannier::SyncReport> for SyncReport {
    fn from(report: pannier::SyncReport) -> Self {
        Self {
            delivered: report.delivered as i64,
            held: report.held as i64,
            requests: report.requests as i64,
            bytes_sent: report.bytes_sent as i64,
            waiting: report.waiting.into_iter().map(Into::into).collect(),
            ended: report.ended.into(),
            upstreams: report.upstreams.into_iter().map(Into::into).collect(),
        }
    }
}
