//! Reasons that are written to disk, each as a word whose meaning never changes.

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $code)] $variant,)* }

        impl $name {
            /// All reasons.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the word that it is stored and shown as.
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
    /// Reason for sending nothing before a certain time.
    WaitKind {
        /// The backoff after a failure. A sync by hand may skip it.
        Backoff = "backoff",
        /// The LRS named the time (`Retry-After`).
        RetryAfter = "retry_after",
        /// A request may still be under way at the LRS; sending again too soon doubles statements.
        OutcomeUnknown = "outcome_unknown",
        /// Request for the app to act: nothing is sent until it has, or an hour has passed.
        App = "app",
    }
}

codes! {
    /// Reason why a statement waits aside. It comes back by itself.
    WaitReason {
        /// Statement whose timestamp lies in the future by the LRS's clock; the LRS refuses it until then.
        Future = "future",
        /// Statement that needs xAPI 2.0.0 while the upstream speaks 1.0.3.
        Version = "version",
        /// Voiding of a statement that is not delivered yet.
        Target = "target",
        /// Statement refused alone while others were accepted, either once or by something not known to be the
        /// LRS. It is tried again, after a longer wait each time.
        Suspect = "suspect",
        /// The app asked for another try.
        Retry = "retry",
        /// Statement with contents of attachments that the LRS does not take, as far as it is known: it takes none, or
        /// none that are so long. It is tried again, ever more rarely; the app may ask for it (`retry`).
        NoAttachments = "no_attachments",
    }
}

codes! {
    /// Reason why a statement is held. It waits for the app to retry, replace or discard it.
    HoldReason {
        /// The LRS refuses it (400, 422 or another status) while it accepts others.
        Refused = "refused",
        /// The LRS forbids it (403) while it accepts others.
        Forbidden = "forbidden",
        /// The LRS has another statement under the same id.
        Conflict = "conflict",
        /// The LRS says it knows the id (409) but does not show its copy.
        ConflictUnseen = "conflict_unseen",
        /// Statement too large for the LRS even when sent alone.
        TooLarge = "too_large",
        /// The LRS repeatedly fails on it (5xx) while it accepts others.
        ServerError = "server_error",
        /// The LRS has the statement, and does not show the contents of its attachments. Nothing can put them there
        /// under this id; they stay on the device.
        ContentMissing = "content_missing",
        /// Its bytes on the device are no longer those that were recorded. The changed bytes were not sent.
        Damaged = "damaged",
        /// Voiding of a statement that the app has given up: the LRS never gets that statement from this
        /// device, and whatever it has under that id came from elsewhere.
        TargetGivenUp = "target_given_up",
    }
}

impl HoldReason {
    /// Tells whether the LRS has, or claims to have, something else under the statement's id.
    pub fn is_conflict(self) -> bool {
        matches!(self, Self::Conflict | Self::ConflictUnseen)
    }
}

codes! {
    /// Problem that keeps the upstream from accepting anything.
    Problem {
        /// No connection: no network, no such host, refused, or TLS failed.
        Unreachable = "unreachable",
        /// No answer within the time-out.
        TimedOut = "timed_out",
        /// The connection broke before the answer was complete.
        Broken = "broken",
        /// The answer came from something other than an LRS: a captive portal, a proxy, a login page.
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
        /// The LRS is there but refuses all that it is sent now.
        RefusesEverything = "refuses_everything",
        /// An answer that makes no sense: it says that it stored statements, but neither names nor shows them.
        Unexpected = "unexpected",
    }
}
