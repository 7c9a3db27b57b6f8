//! The state of the queue, and the result of a sync.

use crate::time::Timestamp;
use crate::{UpstreamReport, Url, WaitReason, XapiVersion};

/// Mirrors an enum of the core without fields. The compiler checks that no variant is forgotten.
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
    /// Problem that keeps the upstream from accepting anything.
    Problem of and into pannier::Problem {
        /// No connection: no network, no such host, refused, or TLS failed.
        Unreachable,
        /// No answer within the time-out.
        TimedOut,
        /// The connection broke before the whole answer had come.
        Broken,
        /// Something that is not an LRS answered: a captive portal, a proxy, a login page.
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
        /// The LRS is there but refuses all that it is sent now.
        RefusesEverything,
        /// An answer of no expected kind.
        Unexpected,
    }
}

mirror! {
    /// Reason why nothing is sent before a certain time.
    WaitKind of pannier::WaitKind {
        /// Our own backoff after a failure. A sync by hand may skip it.
        Backoff,
        /// The LRS named the time.
        RetryAfter,
        /// A request may still be under way at the LRS.
        OutcomeUnknown,
        /// Nothing is sent until the app has acted.
        App,
    }
}

/// A problem with the upstream, in the LRS's own words where it gave any.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Trouble {
    /// Kind of problem.
    pub problem: Problem,
    /// The HTTP status, if there was an answer.
    pub status: Option<i32>,
    /// Message of the LRS or the system, cut to a sane length.
    pub words: String,
    /// Time since which it lasts.
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

/// Losses of this queue that nobody has acknowledged yet: of one damaged or missing file, or of several together.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LossReport {
    /// Time at which the loss was first noticed, by the device's clock.
    pub noticed_at: Timestamp,
    /// Damage to the file, and to what is kept next to it.
    pub damage: String,
    /// Statements that were saved.
    pub saved: i64,
    /// Minimum number of lost statements, unless `uncertain`. Those of which a damaged file has no trace left
    /// cannot be counted.
    pub lost: i64,
    /// Tells that it is unknown how many are lost, or have come back though they were retracted or erased.
    pub uncertain: bool,
    /// Paths of all the damaged files, which are kept whole. Empty where there was nothing to keep.
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

/// State of the queue and of delivery. At every moment
/// `recorded = queued + waiting + held + delivered + retracted + discarded + replaced + erased`.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Status {
    /// Statements recorded since the queue was created.
    pub recorded: i64,
    /// Statements in the queue, due to be sent.
    pub queued: i64,
    /// Statements set aside for now, which return to the queue by themselves.
    pub waiting: i64,
    /// Statements held until the app acts.
    pub held: i64,
    /// Statements proved to be at the LRS.
    pub delivered: i64,
    /// Statements taken back by the app before they were sent.
    pub retracted: i64,
    /// Statements given up by the app while held.
    pub discarded: i64,
    /// Statements replaced by the app with a corrected one, which counts as recorded anew.
    pub replaced: i64,
    /// Statements erased by the app before they were delivered.
    pub erased: i64,
    /// Bytes of the queued statements.
    pub queued_bytes: i64,
    /// Time of recording of the oldest queued statement. Its age changes by itself, and no event reports that.
    pub oldest_queued_at: Option<Timestamp>,
    /// The LRS's base URL.
    pub endpoint: Option<Url>,
    /// Tells whether this collector is syncing now.
    pub syncing: bool,
    /// Tells whether the device has a network, as the app said last; yes until it says so. Without one an automatic
    /// sync does not try.
    pub network: bool,
    /// Time before which nothing is sent.
    pub waiting_until: Option<Timestamp>,
    /// Reason for that wait. None: nothing keeps the next sync from sending.
    pub waiting_for: Option<WaitKind>,
    /// Problem with the upstream, if there is one and something to deliver.
    pub trouble: Option<Trouble>,
    /// Losses with a damaged or missing file, until `acknowledge_loss` is called.
    pub loss: Option<LossReport>,
    /// Time at which the next statement that was set aside returns to the queue.
    pub next_due: Option<Timestamp>,
    /// Time at which the upstream last accepted something.
    pub last_success: Option<Timestamp>,
    /// The xAPI version spoken with the upstream.
    pub speaks: Option<XapiVersion>,
    /// Most statements in a request, where the upstream accepts fewer than configured.
    pub learned_max_statements: Option<i64>,
    /// Most bytes in a request, where the upstream accepts fewer than configured.
    pub learned_max_bytes: Option<i64>,
    /// The upstream's clock minus the device's, milliseconds.
    pub clock_skew_ms: Option<i64>,
}

#[uniffi::export]
impl Status {
    /// The number of statements that the upstream does not have yet: queued, waiting and held.
    pub fn undelivered(&self) -> i64 {
        self.queued + self.waiting + self.held
    }

    /// Tells whether nobody has to do anything: nothing is held, no loss is to be acknowledged, and there is no trouble
    /// but one that may end by itself: a network that comes back, an LRS that is busy or fails. A queue that waits for a
    /// network is healthy, however long it is, and so is one that has no endpoint yet. Of several upstreams each has a
    /// status of its own, and `UpstreamInfo.is_healthy` tells of one that nobody delivers to here, too.
    pub fn is_healthy(&self) -> bool {
        let needs_somebody =
            |trouble: &Trouble| !pannier::Problem::from(trouble.problem).is_transient();
        self.held == 0 && self.loss.is_none() && !self.trouble.as_ref().is_some_and(needs_somebody)
    }
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

/// Outcome of a sync.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Ended {
    /// Nothing is due any more.
    Emptied,
    /// It would have to wait until a certain time.
    Waiting {
        /// End of the wait, by the device's clock.
        until: Timestamp,
        /// Reason for the wait.
        why: WaitKind,
        /// The problem, if there is one.
        trouble: Option<Trouble>,
    },
    /// The app must act first: new credentials, another endpoint.
    NeedsApp {
        /// The problem.
        trouble: Trouble,
    },
    /// Another process, or another collector, syncs this queue.
    Busy {
        /// End of its turn, in case it died.
        until: Timestamp,
    },
    /// It was interrupted: by `interrupt`, by a pause, by closing the collector, or for want of a network.
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

/// Statements set aside for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct WaitingAside {
    /// Reason.
    pub reason: WaitReason,
    /// Number of statements.
    pub statements: i64,
    /// Time at which the first of them returns to the queue, where that is known.
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

/// Result of a sync.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SyncReport {
    /// Statements that the LRS proved to have.
    pub delivered: i64,
    /// Statements held until the app acts.
    pub held: i64,
    /// Requests made.
    pub requests: i64,
    /// Bytes of their bodies.
    pub bytes_sent: i64,
    /// Statements set aside at its end that return to the queue by themselves, by reason. They are not delivered,
    /// even where the sync ended as `Emptied`.
    #[uniffi(default = [])]
    pub waiting: Vec<WaitingAside>,
    /// Outcome. For several upstreams, the most urgent of the outcomes for those that this process has opened.
    pub ended: Ended,
    /// Result for each upstream, `main` first; empty where there is only one.
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
