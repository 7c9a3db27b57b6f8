//! The reasons that are written to disk, each by a word that never changes its meaning.

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $code)] $variant,)* }

        impl $name {
            /// Every reason there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word it is stored and shown as.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            pub(crate) fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.code())
            }
        }

        impl rusqlite::types::ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                Ok(self.code().into())
            }
        }

        impl rusqlite::types::FromSql for $name {
            fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
                Self::from_code(value.as_str()?).ok_or(rusqlite::types::FromSqlError::InvalidType)
            }
        }
    };
}

codes! {
    /// Why nothing is sent before a certain time.
    WaitKind {
        /// Our own patience after a failure. A sync by hand may skip it.
        Backoff = "backoff",
        /// The LRS named the time.
        RetryAfter = "retry_after",
        /// A request may still be under way at the LRS; sending again too soon doubles statements.
        OutcomeUnknown = "outcome_unknown",
        /// Nothing is sent until the app has acted, or an hour has passed.
        App = "app",
    }
}

codes! {
    /// Why a statement waits aside. It comes back by itself.
    WaitReason {
        /// The LRS refuses it while its timestamp lies in the LRS's future.
        Future = "future",
        /// It uses what only xAPI 2.0.0 has, and the upstream speaks 1.0.3.
        Version = "version",
        /// It voids a statement that is not delivered yet.
        Target = "target",
        /// It was refused alone while others were taken, once, or by something that is not known to be the
        /// LRS. It is tried again, each time later.
        Suspect = "suspect",
        /// The app asked for another try.
        Retry = "retry",
    }
}

codes! {
    /// Why a statement is held. It waits for the app to retry, replace or discard it.
    HoldReason {
        /// The LRS refuses it (400, 422 or another status) while it accepts others.
        Refused = "refused",
        /// The LRS forbids it (403) while it accepts others.
        Forbidden = "forbidden",
        /// The LRS has another statement under the same id.
        Conflict = "conflict",
        /// The LRS says it knows the id (409) but does not show its copy.
        ConflictUnseen = "conflict_unseen",
        /// It is too large for the LRS even alone.
        TooLarge = "too_large",
        /// The LRS fails on it again and again (5xx) while it accepts others.
        ServerError = "server_error",
        /// Its bytes on the device are no longer the ones that were recorded. It was not sent like that.
        Damaged = "damaged",
        /// It voids a statement that the app has given up: the LRS never gets that from here, and what it has
        /// under that id, if anything, is somebody else's.
        TargetGivenUp = "target_given_up",
    }
}

impl HoldReason {
    /// Tells whether the LRS has, or says it has, something else under the statement's id.
    pub fn is_conflict(self) -> bool {
        matches!(self, Self::Conflict | Self::ConflictUnseen)
    }
}

codes! {
    /// What keeps the upstream from taking anything.
    Problem {
        /// No connection: no network, no such host, refused, or TLS failed.
        Unreachable = "unreachable",
        /// No answer within the time-out.
        TimedOut = "timed_out",
        /// The connection broke before the whole answer had come.
        Broken = "broken",
        /// What answered is not an LRS: a captive portal, a proxy, a login page.
        NotAnLrs = "not_an_lrs",
        /// The LRS says that the credentials are missing, wrong or expired (401). Set new ones.
        Credentials = "credentials",
        /// The endpoint is not the xAPI base URL of an LRS (404, 405, 410). Set the right one.
        WrongEndpoint = "wrong_endpoint",
        /// Another collector on this queue has set another endpoint. Set the right one in both.
        OtherEndpoint = "other_endpoint",
        /// The upstream speaks neither xAPI 1.0.3 nor 2.0.0.
        NoCommonVersion = "no_common_version",
        /// The LRS asked to wait (429, 503).
        Busy = "busy",
        /// The LRS failed (408, 425, 5xx).
        ServerError = "server_error",
        /// The LRS is there but refuses one statement after another and has accepted none.
        RefusesEverything = "refuses_everything",
        /// An answer that fits nothing: it says that it stored statements, and neither names nor shows them.
        Unexpected = "unexpected",
    }
}
