//! The settings of a collector.

use std::time::Duration;

use crate::time::millis;
use crate::{Credentials, PannierError, StatementDefaults, TimeSpan, Url};

/// A version of the xAPI standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum XapiVersion {
    /// xAPI 1.0.3, the version almost every LRS speaks.
    #[allow(non_camel_case_types, reason = "the digits read better apart")]
    V1_0_3,
    /// xAPI 2.0.0, which is IEEE 9274.1.1.
    #[allow(non_camel_case_types, reason = "the digits read better apart")]
    V2_0_0,
}

impl From<XapiVersion> for pannier::XapiVersion {
    fn from(version: XapiVersion) -> Self {
        match version {
            XapiVersion::V1_0_3 => Self::V1_0_3,
            XapiVersion::V2_0_0 => Self::V2_0_0,
        }
    }
}

impl From<pannier::XapiVersion> for XapiVersion {
    fn from(version: pannier::XapiVersion) -> Self {
        match version {
            pannier::XapiVersion::V1_0_3 => Self::V1_0_3,
            pannier::XapiVersion::V2_0_0 => Self::V2_0_0,
        }
    }
}

/// Failure that a recorded statement survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Durability {
    /// A power cut, such as a headset that is switched off by pulling the plug.
    PowerCut,
    /// The death of the app, but not a power cut, which may take the last records with it. Several
    /// times as fast.
    ProcessCrash,
}

/// Policy for sending statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum SyncPolicy {
    /// Only when the app calls `sync`.
    Manual,
    /// Automatically: as soon as `count` statements are queued or the oldest has waited for `age`, and again
    /// whenever a wait is over or the network is back.
    Automatic {
        /// Number of new statements that start a sync; at least 1.
        #[uniffi(default = 50)]
        count: i32,
        /// Longest wait of a new statement. Default: 30 s.
        #[uniffi(default)]
        age: Option<TimeSpan>,
    },
}

/// Age that suits most apps, as in the core's `SyncPolicy::AUTOMATIC`.
const DEFAULT_AGE: Duration = Duration::from_secs(30);

impl From<SyncPolicy> for pannier::SyncPolicy {
    fn from(policy: SyncPolicy) -> Self {
        match policy {
            SyncPolicy::Manual => Self::Manual,
            SyncPolicy::Automatic { count, age } => Self::Automatic {
                count: number(count),
                age: age.map_or(DEFAULT_AGE, Into::into),
            },
        }
    }
}

/// Time for which delivered statements stay on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum HistoryPolicy {
    /// Not at all.
    None,
    /// A certain time after delivery.
    For {
        /// That time, to the millisecond.
        age: TimeSpan,
    },
    /// Forever, unless the app erases them.
    Forever,
}

impl From<HistoryPolicy> for pannier::HistoryPolicy {
    fn from(policy: HistoryPolicy) -> Self {
        match policy {
            HistoryPolicy::None => Self::None,
            HistoryPolicy::For { age } => Self::For(millis(age)),
            HistoryPolicy::Forever => Self::Forever,
        }
    }
}

/// Settings of a collector. All have defaults: without an endpoint it records, with one it syncs when it is asked
/// to, or by itself where `sync` says so or it is an `AppCollector`.
#[derive(Debug, Clone, Default, PartialEq, uniffi::Record)]
#[allow(clippy::struct_excessive_bools)] // Each is a choice of its own.
pub struct Config {
    /// The LRS's base URL, without `/statements`: `https://lrs.example/xAPI`. May be set later.
    #[uniffi(default)]
    pub endpoint: Option<Url>,
    /// Credentials, kept in memory only. May be set later.
    #[uniffi(default)]
    pub credentials: Option<Credentials>,
    /// Failure that a recorded statement survives. Default: a power cut.
    #[uniffi(default)]
    pub durability: Option<Durability>,
    /// Version of the standard whose rules statements must fulfil. Default: 2.0.0, whose valid statements are valid
    /// in 1.0.3 too, unless they use features that only 2.0.0 has; those wait for an LRS that speaks it.
    #[uniffi(default)]
    pub rules: Option<XapiVersion>,
    /// The version to speak with the LRS. Default: ask it.
    #[uniffi(default)]
    pub speak: Option<XapiVersion>,
    /// Defaults for what a statement leaves open: who did it, on which platform, in which language. Default: none.
    /// `recorder` takes others for a learner or a session.
    #[uniffi(default)]
    pub defaults: Option<StatementDefaults>,
    /// Policy for sending statements. Default: by hand; that of an `AppCollector`: automatic.
    #[uniffi(default)]
    pub sync: Option<SyncPolicy>,
    /// Tells whether the device has a network that an automatic sync may use, until `setNetwork` says otherwise. Default:
    /// yes. An `AppCollector` knows it by itself.
    #[uniffi(default)]
    pub network: Option<bool>,
    /// Time for which delivered statements stay on the device. As long as one does, recording the same again under its id
    /// is nothing new (`Recorded.is_new`). Default: none.
    #[uniffi(default)]
    pub history: Option<HistoryPolicy>,
    /// Most statements in a request, at least 1. Default: 50.
    #[uniffi(default)]
    pub max_statements: Option<i32>,
    /// Most bytes in a request, at least 1. Default: 512 KiB.
    #[uniffi(default)]
    pub max_bytes: Option<i32>,
    /// Most requests under way at once, from 1 to 4. Default: 1, so that the LRS stores statements in the order in
    /// which they were recorded. With more, a long queue goes over a slow connection several times as fast, but
    /// statements of up to that many batches may be stored in another order; a voiding statement still goes after
    /// its target. There is never more than one before the LRS has shown in the same sync that it accepts whole
    /// batches, nor where it has proved unable to cope with more.
    #[uniffi(default)]
    pub requests_in_flight: Option<i32>,
    /// Allows credentials over `http://`, where everybody on the way can read them: for an LRS in a closed network.
    /// Default: no, except to the device itself.
    #[uniffi(default = false)]
    pub allow_cleartext: bool,
    /// The proxy to go through, such as `http://proxy.example:3128`. Default: none. Only for the
    /// built-in transport.
    #[uniffi(default)]
    pub proxy: Option<Url>,
    /// Goes through the proxies that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`,
    /// `NO_PROXY`), unless one is set here; one that is named wrong is refused. Default: no. Only for the built-in transport.
    #[uniffi(default = false)]
    pub proxies_from_environment: bool,
    /// Tells that the credentials may write but not read: an LRS that says it stored everything is then believed
    /// without a check. Needed only for one whose answers lack `X-Experience-API-Version`; a gateway that answers
    /// in the LRS's place is believed too. Default: no.
    #[uniffi(default = false)]
    pub write_only: bool,
    /// Tells that the LRS's clock is right: timestamps that Pannier makes follow it. Default: no, the device's
    /// clock is believed, since servers in schools run months behind.
    #[uniffi(default = false)]
    pub trust_lrs_clock: bool,
    /// Tells whether to create a queue where there is none. Default: yes. Otherwise opening fails as `Missing` and
    /// creates nothing: for tools that only read.
    #[uniffi(default)]
    pub create: Option<bool>,
    /// Tells whether to deliver to the first upstream, `main`, from this process. Default: yes. Otherwise that begins only
    /// with `setCredentials` or `setEndpoint`: for a process that has the credentials of other upstreams alone.
    #[uniffi(default)]
    pub deliver_to_main: Option<bool>,
    /// Root certificates to trust in addition to the public ones, each PEM (one or more) or DER. Only for the
    /// built-in transport.
    #[uniffi(default)]
    pub extra_roots: Vec<Vec<u8>>,
}

impl TryFrom<Config> for pannier::Config {
    type Error = PannierError;

    fn try_from(config: Config) -> Result<Self, PannierError> {
        let mut core = Self::default();
        core.endpoint = config.endpoint.map(|Url(url)| url);
        core.credentials = config.credentials.map(Into::into);
        core.speak = config.speak.map(Into::into);
        core.extra_roots = config.extra_roots;
        core.allow_cleartext = config.allow_cleartext;
        core.proxy = config.proxy.map(|Url(url)| url);
        core.proxies_from_environment = config.proxies_from_environment;
        core.write_only = config.write_only;
        core.trust_lrs_clock = config.trust_lrs_clock;
        if let Some(defaults) = config.defaults {
            core.defaults = defaults.core()?;
        }
        if let Some(create) = config.create {
            core.create = create;
        }
        if let Some(deliver) = config.deliver_to_main {
            core.deliver_to_main = deliver;
        }
        if let Some(durability) = config.durability {
            core.durability = match durability {
                Durability::PowerCut => pannier::Durability::PowerCut,
                Durability::ProcessCrash => pannier::Durability::ProcessCrash,
            };
        }
        if let Some(rules) = config.rules {
            core.rules = rules.into();
        }
        if let Some(sync) = config.sync {
            core.sync = sync.into();
        }
        if let Some(network) = config.network {
            core.network = network;
        }
        if let Some(history) = config.history {
            core.history = history.into();
        }
        if let Some(count) = config.max_statements {
            core.max_statements = number(count);
        }
        if let Some(bytes) = config.max_bytes {
            core.max_bytes = number(bytes);
        }
        if let Some(count) = config.requests_in_flight {
            core.requests_in_flight = number(count);
        }
        Ok(core)
    }
}

/// Returns the number for the core, which refuses none like a negative one.
fn number(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::XapiContext;

    #[test]
    fn what_is_not_set_is_the_cores_default() {
        let ours = pannier::Config::try_from(Config::default()).unwrap();
        let core = pannier::Config::default();
        assert_eq!(ours.max_statements, core.max_statements);
        assert_eq!(ours.max_bytes, core.max_bytes);
        assert_eq!(ours.requests_in_flight, core.requests_in_flight);
        assert_eq!(ours.rules, core.rules);
        assert!(core.create && ours.create);
        assert!(core.deliver_to_main && ours.deliver_to_main);
        assert!(core.network && ours.network);
        for (is, should) in [
            (ours.allow_cleartext, core.allow_cleartext),
            (ours.proxies_from_environment, core.proxies_from_environment),
            (ours.write_only, core.write_only),
            (ours.trust_lrs_clock, core.trust_lrs_clock),
        ] {
            assert_eq!(is, should);
        }
        assert_eq!(format!("{ours:?}"), format!("{core:?}"));
        let automatic = SyncPolicy::Automatic {
            count: 50,
            age: None,
        };
        assert_eq!(
            pannier::SyncPolicy::from(automatic),
            pannier::SyncPolicy::AUTOMATIC
        );
    }

    #[test]
    fn what_is_set_crosses() {
        let core = pannier::Config::try_from(Config {
            endpoint: Some(Url("https://lrs.example/xAPI".to_owned())),
            credentials: Some(Credentials::Bearer {
                token: "t".to_owned(),
            }),
            durability: Some(Durability::ProcessCrash),
            rules: Some(XapiVersion::V1_0_3),
            speak: Some(XapiVersion::V2_0_0),
            sync: Some(SyncPolicy::Automatic {
                count: -3,
                age: Some(Duration::from_secs(9).into()),
            }),
            network: Some(false),
            history: Some(HistoryPolicy::For {
                age: Duration::from_secs(2).into(),
            }),
            max_statements: Some(7),
            max_bytes: Some(0),
            requests_in_flight: Some(4),
            allow_cleartext: true,
            proxy: Some(Url("http://proxy.example:3128".to_owned())),
            proxies_from_environment: true,
            write_only: true,
            trust_lrs_clock: true,
            create: Some(false),
            deliver_to_main: Some(false),
            extra_roots: vec![vec![1]],
            defaults: Some(StatementDefaults {
                actor: None,
                context: Some(XapiContext {
                    platform: Some("VR".to_owned()),
                    ..XapiContext::default()
                }),
            }),
        })
        .unwrap();
        assert_eq!(core.defaults.context.platform.as_deref(), Some("VR"));
        assert!(core.allow_cleartext && core.proxies_from_environment);
        assert!(core.write_only && core.trust_lrs_clock && !core.create);
        assert!(!core.deliver_to_main && !core.network);
        assert_eq!(core.proxy.as_deref(), Some("http://proxy.example:3128"));
        assert_eq!(core.endpoint.as_deref(), Some("https://lrs.example/xAPI"));
        assert_eq!(
            core.credentials,
            Some(pannier::Credentials::Bearer("t".to_owned()))
        );
        assert_eq!(core.durability, pannier::Durability::ProcessCrash);
        assert_eq!(core.rules, pannier::XapiVersion::V1_0_3);
        assert_eq!(core.speak, Some(pannier::XapiVersion::V2_0_0));
        assert_eq!(
            core.sync,
            pannier::SyncPolicy::Automatic {
                count: 0,
                age: Duration::from_secs(9)
            },
            "the core refuses it"
        );
        assert_eq!(core.history, pannier::HistoryPolicy::For(2_000));
        assert_eq!((core.max_statements, core.max_bytes), (7, 0));
        assert_eq!(core.requests_in_flight, 4);
        assert_eq!(core.extra_roots, [[1]]);
    }
}
