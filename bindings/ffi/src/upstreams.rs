//! Upstreams as they are added, listed, removed and reported of.

use crate::status::mirror;
use crate::{Credentials, Ended, Status, SyncReport, Url, WaitingAside, XapiVersion};

/// Which statements are for an upstream; by default all. Decided when a statement is recorded, and kept in
/// the file: several processes record into one, and each decides alike.
///
/// A voiding statement goes where its target went, whatever it says itself; where the target is no longer
/// known on the device, everywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, uniffi::Record)]
pub struct Route {
    /// Only those about an activity whose id begins with one of these: the object, or one of the context's
    /// activities; of a SubStatement its own count. None: whatever the activity.
    #[uniffi(default)]
    pub activities: Vec<String>,
    /// Only those with one of these verbs, by its whole IRI. None: whatever the verb.
    #[uniffi(default)]
    pub verbs: Vec<String>,
}

impl From<Route> for pannier::Route {
    fn from(route: Route) -> Self {
        Self::all()
            .of_activities(route.activities)
            .of_verbs(route.verbs)
    }
}

impl From<pannier::Route> for Route {
    fn from(route: pannier::Route) -> Self {
        Self {
            activities: route.activities().to_vec(),
            verbs: route.verbs().to_vec(),
        }
    }
}

/// An upstream to deliver to beside the others. All but name and endpoint has a default.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NewUpstream {
    /// By which the queue knows it: `a` to `z`, `0` to `9` and `-`, at most 40, beginning with a letter.
    pub name: String,
    /// The LRS's base URL, without `/statements`. The file remembers it.
    pub endpoint: Url,
    /// Kept in memory only. May be set later.
    #[uniffi(default)]
    pub credentials: Option<Credentials>,
    /// Which statements are for it. The file remembers it. Default: all.
    #[uniffi(default)]
    pub route: Route,
    /// What is on the device already is for it, too, as far as its route takes it: all that another upstream
    /// is to get still, and what is kept as history, which is history again once this one has it. Not what the
    /// app gave up at some upstream. Asked when it is added to the file, and never again. Default: no, it
    /// gets what is recorded from then on.
    #[uniffi(default = false)]
    pub backfill: bool,
    /// The version to speak with the LRS. Default: ask it.
    #[uniffi(default)]
    pub speak: Option<XapiVersion>,
    /// The credentials may write and not read, as `Config.write_only`. Default: no.
    #[uniffi(default = false)]
    pub write_only: bool,
    /// The LRS's clock is right, as `Config.trust_lrs_clock`. Default: no.
    #[uniffi(default = false)]
    pub trust_lrs_clock: bool,
}

impl From<NewUpstream> for pannier::NewUpstream {
    fn from(new: NewUpstream) -> Self {
        let Url(endpoint) = new.endpoint;
        let mut core = Self::new(new.name, endpoint, new.credentials.map(Into::into));
        core.route = new.route.into();
        core.backfill = new.backfill;
        core.speak = new.speak.map(Into::into);
        core.write_only = new.write_only;
        core.trust_lrs_clock = new.trust_lrs_clock;
        core
    }
}

mirror! {
    /// What becomes of the statements that an upstream does not have yet when it is removed.
    Remainder into pannier::Remainder {
        /// There must be none.
        MustBeEmpty,
        /// They are given up there, and leave the device where no other upstream needs them.
        Discard,
    }
}

/// An upstream as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct UpstreamInfo {
    /// By which the queue knows it.
    pub name: String,
    /// Which statements are for it.
    pub route: Route,
    /// Whether this process delivers to it: it was added here, or got credentials here.
    pub opened: bool,
    /// How things stand with it.
    pub status: Status,
}

impl From<pannier::UpstreamInfo> for UpstreamInfo {
    fn from(listed: pannier::UpstreamInfo) -> Self {
        Self {
            name: listed.name,
            route: listed.route.into(),
            opened: listed.opened,
            status: listed.status.into(),
        }
    }
}

/// What a sync did for one of several upstreams.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct UpstreamReport {
    /// Which one.
    pub name: String,
    /// Statements that its LRS proved to have.
    pub delivered: i64,
    /// Statements set aside there until the app acts.
    pub held: i64,
    /// Requests made.
    pub requests: i64,
    /// Bytes of their bodies.
    pub bytes_sent: i64,
    /// Statements that wait aside for it at the end and come back by themselves, by what they wait for.
    #[uniffi(default = [])]
    pub waiting: Vec<WaitingAside>,
    /// How it ended there. One that this process has not opened, and that has statements, needs
    /// credentials.
    pub ended: Ended,
}

impl From<pannier::UpstreamReport> for UpstreamReport {
    fn from(of_one: pannier::UpstreamReport) -> Self {
        let report = SyncReport::from(of_one.report);
        Self {
            name: of_one.name,
            delivered: report.delivered,
            held: report.held,
            requests: report.requests,
            bytes_sent: report.bytes_sent,
            waiting: report.waiting,
            ended: report.ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_crosses_and_what_is_not_is_the_cores_default() {
        let endpoint = || Url("https://lrs.example/xAPI".to_owned());
        let least = pannier::NewUpstream::from(NewUpstream {
            name: "second".to_owned(),
            endpoint: endpoint(),
            credentials: None,
            route: Route::default(),
            backfill: false,
            speak: None,
            write_only: false,
            trust_lrs_clock: false,
        });
        let core = pannier::NewUpstream::new("second", "https://lrs.example/xAPI", None);
        assert_eq!(
            (&least.name, &least.endpoint, &least.route, least.speak),
            (&core.name, &core.endpoint, &core.route, core.speak)
        );
        assert_eq!(
            (least.backfill, least.write_only, least.trust_lrs_clock),
            (core.backfill, core.write_only, core.trust_lrs_clock)
        );
        assert!(least.credentials.is_none() && least.route.is_all());

        let route = Route {
            activities: vec!["https://example.com/a/".to_owned()],
            verbs: vec!["https://example.com/did".to_owned()],
        };
        let most = NewUpstream {
            name: "third".to_owned(),
            endpoint: endpoint(),
            credentials: Some(Credentials::Bearer {
                token: "s3cret".to_owned(),
            }),
            route: route.clone(),
            backfill: true,
            speak: Some(XapiVersion::V1_0_3),
            write_only: true,
            trust_lrs_clock: true,
        };
        assert!(!format!("{most:?}").contains("s3cret"));
        let core = pannier::NewUpstream::from(most);
        assert_eq!(
            core.credentials,
            Some(pannier::Credentials::Bearer("s3cret".to_owned()))
        );
        assert_eq!(core.route.activities(), route.activities);
        assert_eq!(core.route.verbs(), route.verbs);
        assert_eq!(Route::from(core.route), route);
        assert_eq!(core.speak, Some(pannier::XapiVersion::V1_0_3));
        assert!(core.backfill && core.write_only && core.trust_lrs_clock);
    }
}
