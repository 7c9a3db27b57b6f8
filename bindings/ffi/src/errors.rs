//! Errors: one rich enum, whose every variant says what to do next.

use pannier::StoreError;

use crate::{Erased, Uuid};

/// One thing that is wrong with a statement.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Fault {
    /// Its place, as a JSON path: `$.context.contextActivities.parent[0].id`.
    pub path: String,
    /// Description of what is wrong there.
    pub problem: String,
    /// Description of what would be right.
    pub expected: String,
    /// The section of the standard the rule comes from.
    pub section: String,
    /// Index, from 0, of the statement at fault, where several were given together.
    #[uniffi(default)]
    pub index: Option<u64>,
}

impl From<pannier::statement::Fault> for Fault {
    fn from(fault: pannier::statement::Fault) -> Self {
        Self {
            path: fault.path,
            problem: fault.problem,
            expected: fault.expected,
            section: fault.section.to_owned(),
            index: fault.index.map(|index| index as u64),
        }
    }
}

/// Content that is valid but better avoided, since the standard advises against it or real LRSs refuse or lose it.
/// Never a reason to refuse.
#[derive(Debug, Clone, Default, PartialEq, Eq, uniffi::Record)]
pub struct Warnings {
    /// The first hundred, in the order of the text.
    pub listed: Vec<Fault>,
    /// Number of warnings beyond those listed.
    pub more: u64,
}

impl From<pannier::statement::Warnings> for Warnings {
    fn from(warnings: pannier::statement::Warnings) -> Self {
        Self {
            listed: warnings.listed.into_iter().map(Into::into).collect(),
            more: warnings.more as u64,
        }
    }
}

/// Reason why a call failed. The call changed nothing, except with `Unplaced` and `PartlyErased`, and nothing that
/// was recorded before is lost. `explanation` is English for developers and says what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
#[uniffi::export(Display)]
pub enum PannierError {
    /// The statement is not valid.
    #[error("{explanation}")]
    Invalid {
        /// The first hundred of its faults, in the order of its text.
        faults: Vec<Fault>,
        /// Number of faults beyond those listed.
        more_faults: u64,
        /// Content that is better avoided, but is no reason to refuse.
        warnings: Warnings,
        /// Explanation and advice.
        explanation: String,
    },
    /// An attachment without `fileUrl` has no content among those that were given with the statement.
    #[error("{explanation}")]
    ContentMissing {
        /// The statement.
        id: Uuid,
        /// JSON path of the attachment.
        path: String,
        /// Its `sha2`.
        sha2: String,
        /// Explanation and advice.
        explanation: String,
    },
    /// A content is another than its attachment says.
    #[error("{explanation}")]
    ContentMismatch {
        /// The statement.
        id: Uuid,
        /// JSON path of what the attachment says.
        path: String,
        /// What the attachment says.
        said: String,
        /// What it is.
        found: String,
        /// Explanation and advice.
        explanation: String,
    },
    /// A content was given that is that of no attachment without `fileUrl`, or twice.
    #[error("{explanation}")]
    ContentUnused {
        /// The statement.
        id: Uuid,
        /// SHA-256 of the content.
        sha2: String,
        /// Explanation and advice.
        explanation: String,
    },
    /// Another statement was recorded under this id.
    #[error("{explanation}")]
    OtherContent {
        /// The id.
        id: Uuid,
        /// Explanation and advice.
        explanation: String,
    },
    /// The id is nowhere in the queue.
    #[error("{explanation}")]
    Unknown {
        /// The id.
        id: Uuid,
        /// Explanation and advice.
        explanation: String,
    },
    /// The statement is not held.
    #[error("{explanation}")]
    NotHeld {
        /// The id.
        id: Uuid,
        /// Explanation and advice.
        explanation: String,
    },
    /// The statement is held, but not in conflict with one of the LRS.
    #[error("{explanation}")]
    NotInConflict {
        /// The id.
        id: Uuid,
        /// Explanation and advice.
        explanation: String,
    },
    /// The statement may have reached the LRS; it can only be voided.
    #[error("{explanation}")]
    MayHaveBeenSent {
        /// The id.
        id: Uuid,
        /// Explanation and advice.
        explanation: String,
    },
    /// The collector has no endpoint to sync to.
    #[error("{explanation}")]
    NoEndpoint {
        /// Explanation and advice.
        explanation: String,
    },
    /// The endpoint cannot be used.
    #[error("{explanation}")]
    InvalidEndpoint {
        /// Explanation and advice.
        explanation: String,
    },
    /// The credentials cannot be used.
    #[error("{explanation}")]
    InvalidCredentials {
        /// Explanation and advice.
        explanation: String,
    },
    /// A setting of the `Config` has a value without a meaning.
    #[error("{explanation}")]
    InvalidConfig {
        /// Explanation and advice.
        explanation: String,
    },
    /// HTTP could not be set up.
    #[error("{explanation}")]
    NoTransport {
        /// Explanation and advice.
        explanation: String,
    },
    /// The queue has no upstream of that name, or not any more.
    #[error("{explanation}")]
    NoUpstream {
        /// The name.
        name: String,
        /// Explanation and advice.
        explanation: String,
    },
    /// The queue has an upstream of that name, with another endpoint or another route.
    #[error("{explanation}")]
    OtherUpstream {
        /// The name.
        name: String,
        /// Explanation and advice.
        explanation: String,
    },
    /// No upstream can be added under that name.
    #[error("{explanation}")]
    UpstreamName {
        /// The name.
        name: String,
        /// Explanation and advice.
        explanation: String,
    },
    /// There are statements that the upstream does not have yet.
    #[error("{explanation}")]
    UpstreamNotEmpty {
        /// The name.
        name: String,
        /// Number of these statements: queued, waiting and held.
        left: i64,
        /// Explanation and advice.
        explanation: String,
    },
    /// The queue has as many upstreams as it can.
    #[error("{explanation}")]
    TooManyUpstreams {
        /// Explanation and advice.
        explanation: String,
    },
    /// The first upstream, which every queue has and which gets every statement, cannot be removed or given a
    /// route.
    #[error("{explanation}")]
    MainStays {
        /// Explanation and advice.
        explanation: String,
    },
    /// No room on the disk.
    #[error("{explanation}")]
    DiskFull {
        /// Explanation and advice.
        explanation: String,
    },
    /// Another process kept the file locked for longer than we wait.
    #[error("{explanation}")]
    Busy {
        /// Explanation and advice.
        explanation: String,
    },
    /// The file was written by a newer Pannier, and is left as it is.
    #[error("{explanation}")]
    Newer {
        /// The file.
        path: String,
        /// Its schema version.
        found: i64,
        /// The newest schema version this Pannier knows.
        known: i64,
        /// Explanation and advice.
        explanation: String,
    },
    /// There is no queue, and none was to be created.
    #[error("{explanation}")]
    Missing {
        /// The file.
        path: String,
        /// Explanation and advice.
        explanation: String,
    },
    /// The file belongs to another program, and is left as it is.
    #[error("{explanation}")]
    NotAQueue {
        /// The file.
        path: String,
        /// Explanation and advice.
        explanation: String,
    },
    /// The file is damaged.
    #[error("{explanation}")]
    Damaged {
        /// Explanation and advice.
        explanation: String,
    },
    /// The file may not be written.
    #[error("{explanation}")]
    ReadOnly {
        /// Explanation and advice.
        explanation: String,
    },
    /// The file cannot be opened.
    #[error("{explanation}")]
    CannotOpen {
        /// The file.
        path: String,
        /// Explanation and advice.
        explanation: String,
    },
    /// The statements were recorded, and then the file was taken away and could not be put back: do not
    /// record the same again. They are delivered as long as this process lives, and kept only if a later
    /// call can put the file back.
    #[error("{explanation}")]
    Unplaced {
        /// The statements that were recorded.
        ids: Vec<Uuid>,
        /// Explanation and advice.
        explanation: String,
    },
    /// Some of a person's statements were erased, and then the others could not be: call `erase` again.
    #[error("{explanation}")]
    PartlyErased {
        /// Erasures so far. They are not reported again.
        erased: Erased,
        /// Explanation and advice.
        explanation: String,
    },
    /// The collector is paused: the file is closed, except to recording.
    #[error("{explanation}")]
    Paused {
        /// Explanation and advice.
        explanation: String,
    },
    /// A transport or credentials provider asked for a sync from within a sync.
    #[error("{explanation}")]
    Reentrant {
        /// Explanation and advice.
        explanation: String,
    },
    /// The app's own code panicked in the middle of a sync, or Pannier did.
    #[error("{explanation}")]
    Panicked {
        /// Explanation and advice.
        explanation: String,
    },
    /// The collector is closing.
    #[error("{explanation}")]
    Closing {
        /// Explanation and advice.
        explanation: String,
    },
    /// The device's storage failed in another way.
    #[error("{explanation}")]
    Storage {
        /// Explanation, with the system's message.
        explanation: String,
    },
}

#[uniffi::export]
impl PannierError {
    /// Tells whether the same call may succeed later though the app does nothing about it: another process lets go of
    /// the file, somebody makes room on the disk or unlocks the device, a damaged file is put right by the next call. For
    /// everything else the app has to do or say something else first. False for `Unplaced`, though later calls put the
    /// file back: what was recorded is recorded.
    pub fn is_transient(&self) -> bool {
        // The core says which are; all that may be are of the store. A test holds both to one answer.
        let error = self.of_the_store_again();
        error.is_some_and(|error| pannier::Error::from(error).is_transient())
    }
}

impl PannierError {
    pub(crate) fn invalid(faults: Vec<pannier::statement::Fault>) -> Self {
        pannier::Error::Invalid(faults.into()).into()
    }

    pub(crate) fn invalid_defaults(faults: Vec<pannier::statement::Fault>) -> Self {
        pannier::Error::Invalid(pannier::statement::Invalid::from(faults).of_defaults()).into()
    }
}

impl From<pannier::Error> for PannierError {
    fn from(error: pannier::Error) -> Self {
        use pannier::Error;
        let explanation = by_their_names_here(&error.to_string());
        match error {
            Error::Invalid(invalid) => Self::Invalid {
                faults: invalid.faults.into_iter().map(Into::into).collect(),
                more_faults: invalid.more as u64,
                warnings: invalid.warnings.into(),
                explanation,
            },
            Error::ContentMissing { id, path, sha2 } => Self::ContentMissing {
                id,
                path,
                sha2,
                explanation,
            },
            Error::ContentMismatch {
                id,
                path,
                said,
                found,
            } => Self::ContentMismatch {
                id,
                path,
                said,
                found,
                explanation,
            },
            Error::ContentUnused { id, sha2 } => Self::ContentUnused {
                id,
                sha2,
                explanation,
            },
            Error::OtherContent { id } => Self::OtherContent { id, explanation },
            Error::Unknown { id } => Self::Unknown { id, explanation },
            Error::NotHeld { id } => Self::NotHeld { id, explanation },
            Error::NotInConflict { id } => Self::NotInConflict { id, explanation },
            Error::MayHaveBeenSent { id } => Self::MayHaveBeenSent { id, explanation },
            Error::NoEndpoint => Self::NoEndpoint { explanation },
            Error::Endpoint(_) => Self::InvalidEndpoint { explanation },
            Error::Credentials(_) => Self::InvalidCredentials { explanation },
            Error::Config { .. } => Self::InvalidConfig { explanation },
            Error::Transport(_) => Self::NoTransport { explanation },
            Error::NoUpstream { name } => Self::NoUpstream { name, explanation },
            Error::OtherUpstream { name } => Self::OtherUpstream { name, explanation },
            Error::UpstreamName { name } => Self::UpstreamName { name, explanation },
            Error::UpstreamNotEmpty { name, left } => Self::UpstreamNotEmpty {
                name,
                left: left as i64,
                explanation,
            },
            Error::MainStays => Self::MainStays { explanation },
            Error::Closing => Self::Closing { explanation },
            Error::Reentrant => Self::Reentrant { explanation },
            Error::Panicked => Self::Panicked { explanation },
            Error::Store(error) => Self::of_the_store(error, explanation),
            // The core may gain kinds that have no variant here yet.
            _ => Self::Storage { explanation },
        }
    }
}

/// Returns a text with the names in it (in backticks) as Kotlin and Swift have them: `add_upstream` is `addUpstream`.
fn by_their_names_here(text: &str) -> String {
    let is_name =
        |part: &str| part.contains(['_', ':']) && !part.contains(|it: char| !is_of_a_name(it));
    let parts = text.split('`');
    let named = parts.map(|part| {
        if is_name(part) {
            in_camels(part)
        } else {
            part.to_owned()
        }
    });
    named.collect::<Vec<_>>().join("`")
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_ascii_alphabetic() || matches!(letter, '_' | ':')
}

fn in_camels(name: &str) -> String {
    let mut words = name.split('_');
    let mut camels = words.next().unwrap_or_default().replace("::", ".");
    for word in words {
        let (first, rest) = word.split_at(word.len().min(1));
        camels.push_str(&first.to_ascii_uppercase());
        camels.push_str(rest);
    }
    camels
}

impl PannierError {
    /// Returns the store's error of this kind, with nothing in it that does not matter to whether it is transient.
    fn of_the_store_again(&self) -> Option<StoreError> {
        let nothing = String::new;
        Some(match self {
            Self::DiskFull { .. } => StoreError::DiskFull,
            Self::Busy { .. } => StoreError::Busy,
            Self::Newer {
                path, found, known, ..
            } => StoreError::Newer {
                path: path.into(),
                found: *found,
                known: *known,
            },
            Self::Missing { path, .. } => StoreError::Missing(path.into()),
            Self::NotAQueue { path, .. } => StoreError::Foreign(path.into()),
            Self::Damaged { .. } => StoreError::Damaged(nothing()),
            Self::ReadOnly { .. } => StoreError::ReadOnly(nothing()),
            Self::CannotOpen { path, .. } => StoreError::CannotOpen {
                path: path.into(),
                reason: nothing(),
            },
            Self::Unplaced { .. } => StoreError::Unplaced {
                ids: Vec::new(),
                reason: nothing(),
            },
            Self::PartlyErased { .. } => StoreError::PartlyErased {
                erased: Box::default(),
                reason: nothing(),
            },
            Self::TooManyUpstreams { .. } => StoreError::TooManyUpstreams,
            Self::UpstreamNotEmpty { left, .. } => StoreError::UpstreamNotEmpty {
                left: left.unsigned_abs(),
            },
            Self::Paused { .. } => StoreError::Paused,
            Self::Storage { .. } => StoreError::Other(nothing()),
            _ => return None,
        })
    }

    fn of_the_store(error: StoreError, explanation: String) -> Self {
        match error {
            StoreError::DiskFull => Self::DiskFull { explanation },
            StoreError::Busy => Self::Busy { explanation },
            StoreError::Newer { path, found, known } => Self::Newer {
                path: path.display().to_string(),
                found,
                known,
                explanation,
            },
            StoreError::Missing(path) => Self::Missing {
                path: path.display().to_string(),
                explanation,
            },
            StoreError::Foreign(path) => Self::NotAQueue {
                path: path.display().to_string(),
                explanation,
            },
            StoreError::Damaged(_) => Self::Damaged { explanation },
            StoreError::ReadOnly(_) => Self::ReadOnly { explanation },
            StoreError::CannotOpen { path, .. } => Self::CannotOpen {
                path: path.display().to_string(),
                explanation,
            },
            StoreError::Unplaced { ids, .. } => Self::Unplaced { ids, explanation },
            StoreError::PartlyErased { erased, .. } => Self::PartlyErased {
                erased: (*erased).into(),
                explanation,
            },
            StoreError::TooManyUpstreams => Self::TooManyUpstreams { explanation },
            // Mostly the core says of which one.
            StoreError::NoUpstream => Self::NoUpstream {
                name: String::new(),
                explanation,
            },
            StoreError::UpstreamNotEmpty { left } => Self::UpstreamNotEmpty {
                name: String::new(),
                left: left as i64,
                explanation,
            },
            StoreError::MainStays => Self::MainStays { explanation },
            StoreError::Paused => Self::Paused { explanation },
            _ => Self::Storage { explanation },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pannier::{Credentials, Error};

    /// Errors of the core, and the name that each has for the app.
    fn errors() -> impl Iterator<Item = (Error, &'static str)> {
        let of_the_store = of_the_store().into_iter();
        of_a_collector()
            .into_iter()
            .chain(of_the_store.map(|(error, kind)| (error.into(), kind)))
    }

    fn of_a_collector() -> Vec<(Error, &'static str)> {
        let id = Uuid::nil();
        let bearer = Credentials::Bearer("two words".to_owned());
        let name = || "second".to_owned();
        let checked = pannier::statement::check(b"{}", pannier::XapiVersion::V2_0_0);
        vec![
            (Error::Invalid(checked.unwrap_err()), "Invalid"),
            (
                Error::ContentMissing {
                    id,
                    path: name(),
                    sha2: name(),
                },
                "ContentMissing",
            ),
            (
                Error::ContentMismatch {
                    id,
                    path: name(),
                    said: name(),
                    found: name(),
                },
                "ContentMismatch",
            ),
            (Error::ContentUnused { id, sha2: name() }, "ContentUnused"),
            (Error::OtherContent { id }, "OtherContent"),
            (Error::Unknown { id }, "Unknown"),
            (Error::NotHeld { id }, "NotHeld"),
            (Error::NotInConflict { id }, "NotInConflict"),
            (Error::MayHaveBeenSent { id }, "MayHaveBeenSent"),
            (Error::NoEndpoint, "NoEndpoint"),
            (
                bearer.authorization().unwrap_err().into(),
                "InvalidCredentials",
            ),
            (
                pannier::lrs::Endpoint::parse("x").unwrap_err().into(),
                "InvalidEndpoint",
            ),
            (
                Error::Config {
                    setting: "Config::max_bytes",
                    allowed: "at least 1",
                },
                "InvalidConfig",
            ),
            (Error::Transport("no".to_owned()), "NoTransport"),
            (Error::NoUpstream { name: name() }, "NoUpstream"),
            (Error::OtherUpstream { name: name() }, "OtherUpstream"),
            (Error::UpstreamName { name: name() }, "UpstreamName"),
            (
                Error::UpstreamNotEmpty {
                    name: name(),
                    left: 3,
                },
                "UpstreamNotEmpty",
            ),
            (Error::MainStays, "MainStays"),
            (Error::Closing, "Closing"),
            (Error::Reentrant, "Reentrant"),
            (Error::Panicked, "Panicked"),
        ]
    }

    /// Errors of the store.
    fn of_the_store() -> Vec<(StoreError, &'static str)> {
        let id = Uuid::nil();
        vec![
            (StoreError::DiskFull, "DiskFull"),
            (StoreError::Busy, "Busy"),
            (
                StoreError::Newer {
                    path: "/q".into(),
                    found: 9,
                    known: 1,
                },
                "Newer",
            ),
            (StoreError::Missing("/q".into()), "Missing"),
            (StoreError::Foreign("/q".into()), "NotAQueue"),
            (StoreError::Damaged("x".to_owned()), "Damaged"),
            (StoreError::ReadOnly("x".to_owned()), "ReadOnly"),
            (
                StoreError::CannotOpen {
                    path: "/q".into(),
                    reason: "x".to_owned(),
                },
                "CannotOpen",
            ),
            (
                StoreError::CannotOpen {
                    path: ":memory:".into(),
                    reason: "x".to_owned(),
                },
                "CannotOpen",
            ),
            (
                StoreError::Unplaced {
                    ids: vec![id],
                    reason: "x".to_owned(),
                },
                "Unplaced",
            ),
            (
                StoreError::PartlyErased {
                    erased: Box::default(),
                    reason: "x".to_owned(),
                },
                "PartlyErased",
            ),
            (StoreError::TooManyUpstreams, "TooManyUpstreams"),
            (StoreError::NoUpstream, "NoUpstream"),
            (StoreError::UpstreamNotEmpty { left: 3 }, "UpstreamNotEmpty"),
            (StoreError::MainStays, "MainStays"),
            (StoreError::Paused, "Paused"),
            (StoreError::Other("x".to_owned()), "Storage"),
        ]
    }

    #[test]
    fn what_the_core_says_to_do_is_what_the_app_reads() {
        for (error, kind) in errors() {
            let (said, is_transient) = (error.to_string(), error.is_transient());
            let crossed = PannierError::from(error);
            assert_eq!(crossed.to_string(), by_their_names_here(&said));
            assert_eq!(crossed.is_transient(), is_transient, "{crossed:?}");
            assert!(format!("{crossed:?}").starts_with(kind), "{crossed:?}");
        }
    }

    #[test]
    fn what_to_call_is_named_as_it_is_here() {
        let name = "se_cond`".to_owned();
        let none = PannierError::from(Error::NoUpstream { name }).to_string();
        assert!(
            none.contains("(`addUpstream`)") && none.contains("(`upstreams`)"),
            "{none}"
        );
        let name = "second".to_owned();
        let left = PannierError::from(Error::UpstreamNotEmpty { name, left: 1 }).to_string();
        assert!(left.contains("(`Remainder.Discard`)"), "{left}");
        let endpoint = pannier::lrs::Endpoint::parse("http://lrs.example/x").unwrap();
        let clear = endpoint.check_cleartext(true, false).unwrap_err();
        let clear = PannierError::from(Error::from(clear)).to_string();
        assert!(clear.contains("(`allowCleartext`)"), "{clear}");
    }

    #[test]
    fn every_fault_crosses() {
        let invalid = pannier::statement::check(b"{}", pannier::XapiVersion::V2_0_0).unwrap_err();
        let count = invalid.faults.len();
        let PannierError::Invalid {
            faults,
            more_faults,
            ..
        } = Error::Invalid(invalid).into()
        else {
            panic!("another kind")
        };
        assert_eq!((faults.len(), more_faults), (count, 0));
        assert!(count >= 3 && faults.iter().all(|fault| fault.path.starts_with('$')));

        // 150 members that no statement has, and a context that says nothing.
        let odd: Vec<String> = (0..150).map(|n| format!("\"odd{n}\":1")).collect();
        let text = format!("{{\"context\":{{}},{}}}", odd.join(","));
        let invalid = pannier::statement::check(text.as_bytes(), pannier::XapiVersion::V2_0_0);
        let PannierError::Invalid {
            faults,
            more_faults,
            warnings,
            ..
        } = Error::Invalid(invalid.unwrap_err()).into()
        else {
            panic!("another kind")
        };
        assert_eq!((faults.len(), more_faults), (100, 53));
        assert!(
            warnings
                .listed
                .iter()
                .any(|warning| warning.path == "$.context")
        );
    }

    #[test]
    fn every_field_crosses() {
        let ids = vec![Uuid::from_u128(1), Uuid::from_u128(2)];
        let unplaced = StoreError::Unplaced {
            ids: ids.clone(),
            reason: "x".to_owned(),
        };
        assert!(
            matches!(Error::from(unplaced).into(), PannierError::Unplaced { ids: crossed, .. } if crossed == ids)
        );

        let partly = StoreError::PartlyErased {
            erased: Box::new(pannier::Erased {
                undelivered: 5,
                maybe_sent: 3,
                history: 2,
                remaining: Vec::new(),
            }),
            reason: "x".to_owned(),
        };
        let told = Erased {
            undelivered: 5,
            maybe_sent: 3,
            history: 2,
        };
        assert!(
            matches!(Error::from(partly).into(), PannierError::PartlyErased { erased, .. } if erased == told)
        );

        let newer = StoreError::Newer {
            path: "/q".into(),
            found: 9,
            known: 1,
        };
        assert!(
            matches!(Error::from(newer).into(), PannierError::Newer { path, found: 9, known: 1, .. } if path == "/q")
        );
    }
}
