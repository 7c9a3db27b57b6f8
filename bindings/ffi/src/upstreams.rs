//! Types for adding, listing, removing and reporting on upstreams.

use crate::status::mirror;
use crate::{Credentials, Ended, Status, SyncReport, Url, WaitingAside, XapiVersion};

/// Selection of the statements for an upstream; by default all. It is made when a statement is recorded, and the
/// file keeps the route: several processes record into one file, and all select alike.
///
/// A voiding statement goes where its target went, whatever its own content; where the target is no longer known on
/// the device, it goes everywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, uniffi::Record)]
pub struct Route {
    /// Prefixes of activity ids. A statement matches if the id of its object or of one of its context's activities
    /// begins with one of them; for a SubStatement, the SubStatement's own count instead. Empty: any activity.
    #[uniffi(default)]
    pub activities: Vec<String>,
    /// Whole IRIs of the verbs. Empty: any verb.
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

/// A further upstream to deliver to. Everything but name and endpoint has a default.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NewUpstream {
    /// Its name in the queue: `a` to `z`, `0` to `9` and `-`, at most 40, beginning with a letter.
    pub name: String,
    /// The LRS's base URL, without `/statements`. The file remembers it.
    pub endpoint: Url,
    /// Credentials, kept in memory only. May be set later.
    #[uniffi(default)]
    pub credentials: Option<Credentials>,
    /// Selection of the statements for it. The file remembers it. Default: all.
    #[uniffi(default)]
    pub route: Route,
    /// Tells whether it also gets what is already on the device, as far as its route allows: everything that
    /// another upstream has yet to get, and the history, which becomes history again once this one has it.
    /// Statements that the app gave up at some upstream are left out. Read when it is added to the file, and never
    /// again. Default: no, it gets what is recorded from then on.
    #[uniffi(default = false)]
    pub backfill: bool,
    /// The version to speak with the LRS. Default: ask it.
    #[uniffi(default)]
    pub speak: Option<XapiVersion>,
    /// Tells that the credentials may write but not read, like `Config.write_only`. Default: no.
    #[uniffi(default = false)]
    pub write_only: bool,
    /// Tells that the LRS's clock is right, like `Config.trust_lrs_clock`. Default: no.
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
    /// Fate of the statements that an upstream does not have yet when it is removed.
    Remainder into pannier::Remainder {
        /// There must be no such statement.
        MustBeEmpty,
        /// They are given up there, and leave the device where no other upstream needs them.
        Discard,
    }
}

/// An upstream in a list.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct UpstreamInfo {
    /// Its name in the queue.
    pub name: String,
    /// Selection of the statements for it.
    pub route: Route,
    /// Tells whether this process delivers to it: it was added here, or got credentials here.
    pub opened: bool,
    /// State of its queue and of delivery.
    pub status: Status,
}

#[uniffi::export]
impl UpstreamInfo {
    /// Tells whether nobody has to do anything here: its status is healthy, and where it has yet to get something, this
    /// process delivers to it. Whether another process does is not known here.
    pub fn is_healthy(&self) -> bool {
        let is_seen_to = self.opened || self.status.undelivered() == 0;
        is_seen_to && self.status.is_healthy()
    }
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

/// Result of a sync for one of several upstreams.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct UpstreamReport {
    /// Its name.
    pub name: String,
    /// Statements that its LRS proved to have.
    pub delivered: i64,
    /// Statements held there until the app acts.
    pub held: i64,
    /// Requests made.
    pub requests: i64,
    /// Bytes of their bodies.
    pub bytes_sent: i64,
    /// Statements set aside for it at the end that return to the queue by themselves, by reason.
    #[uniffi(default = [])]
    pub waiting: Vec<WaitingAside>,
    /// Outcome of the sync there. An upstream that has statements and that this process has not opened needs
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
