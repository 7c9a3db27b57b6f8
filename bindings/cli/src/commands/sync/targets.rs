//! Upstreams that a sync delivers to, and those it does not and why.

use std::collections::BTreeMap;
use std::time::Duration;

use pannier::{Collector, Config, HistoryPolicy, Status, SyncReport, Upstream};

use super::super::queue_file::QueueArgs;
use super::super::{Failure, advice, upstream};
use super::SyncArgs;

/// Upstreams to deliver to.
pub(super) struct Targets {
    pub(super) collector: Collector,
    /// The only one, if one was asked for.
    pub(super) only: Option<Upstream>,
    /// Upstreams for which there are credentials, and the first one unless what was given for it is wrong.
    pub(super) opened: Vec<Upstream>,
    /// Names of the others.
    pub(super) passed_over: Vec<String>,
    /// Upstreams that nothing is sent to because of what was given here, and what is wrong with it.
    pub(super) unusable: Vec<(String, Failure)>,
}

impl Targets {
    pub(super) fn open(args: &SyncArgs, queue: &QueueArgs) -> Result<Self, Failure> {
        let mut names: Vec<_> = args.credentials_of.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        let twice = names.windows(2).find_map(|two| match two {
            [one, other] if one == other => Some(one),
            _ => None,
        });
        if let Some(name) = twice {
            return Err(Failure::usage(format!(
                "--credentials-of gives two files for {name}: give one"
            )));
        }
        let only = args.which.name().filter(|name| *name != "main");
        if let Some(name) = only {
            if args.upstream.speak.is_some() {
                return Err(Failure::usage(
                    "--speak is about main, and --upstream names another one: leave --speak out",
                ));
            }
            // The rest of the arguments is about that one.
            let collector = args.open_without_main(queue)?;
            let upstream = collector.upstream(name)?;
            if upstream.status()?.endpoint.is_none() {
                return Err(Failure::usage(advice::without_lrs(name)));
            }
            let file = args.file_of(name).or(args.upstream.credentials_file());
            let credentials = upstream::credentials_of(name, file)?;
            upstream.set_credentials(credentials.as_ref())?;
            return Ok(Self {
                collector,
                only: Some(upstream.clone()),
                opened: vec![upstream],
                passed_over: Vec::new(),
                unusable: Vec::new(),
            });
        }
        if args.file_of("main").is_some() {
            return Err(Failure::usage(
                "the credentials of main are in --credentials FILE",
            ));
        }
        let mut targets = Self::with_main(args, queue)?;
        if targets.only.is_some() {
            return Ok(targets);
        }
        let others: Vec<_> = targets.collector.upstreams()?.into_iter().skip(1).collect();
        let is_there = |name: &String| others.iter().any(|one| one.name == *name);
        if let Some((name, _)) = args.credentials_of.iter().find(|it| !is_there(&it.0)) {
            return Err(pannier::Error::NoUpstream { name: name.clone() }.into());
        }
        for one in others {
            match targets.with_credentials(&one.name, args) {
                Ok(Some(upstream)) => targets.opened.push(upstream),
                Ok(None) => targets.passed_over.push(one.name),
                // Another process has just removed it.
                Err(Unusable::Gone) => {}
                // The others do not depend on it.
                Err(Unusable::Wrong(failure)) => targets.unusable.push((one.name, failure)),
            }
        }
        Ok(targets)
    }

    /// Opens the queue with the first upstream: without delivering to it where what was given for it is wrong, if others
    /// may be delivered to.
    fn with_main(args: &SyncArgs, queue: &QueueArgs) -> Result<Self, Failure> {
        let of = |collector| Self {
            collector,
            only: None,
            opened: Vec::new(),
            passed_over: Vec::new(),
            unusable: Vec::new(),
        };
        let with_main = args.upstream.config();
        match with_main.and_then(|config| queue.open(args.completed(config))) {
            Ok(collector) => {
                let main = collector.upstream("main")?;
                let mut targets = of(collector);
                targets.only = args.which.name().map(|_| main.clone());
                targets.opened.push(main);
                Ok(targets)
            }
            Err(failure) => {
                let Ok(collector) = args.open_without_main(queue) else {
                    return Err(failure);
                };
                let mut targets = of(collector);
                if args.which.name().is_some() || targets.collector.upstreams()?.len() == 1 {
                    return Err(failure);
                }
                targets.unusable.push(("main".to_owned(), failure));
                Ok(targets)
            }
        }
    }

    /// Fails if there is nobody to send to because of what was given for main, or as the others were given no
    /// credentials.
    pub(super) fn have_one(&mut self) -> Result<(), Failure> {
        if self.opened.is_empty() && !self.unusable.is_empty() {
            return Err(self.unusable.swap_remove(0).1);
        }
        let ([main], Some(name)) = (self.opened.as_slice(), self.passed_over.first()) else {
            return Ok(());
        };
        if self.only.is_some() || main.status()?.endpoint.is_some() {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "main has no LRS, and {name} is passed over for want of credentials: set {}, or name main's LRS with \
             --lrs URL or PANNIER_LRS",
            advice::to_give_credentials(name)
        )))
    }

    /// Returns the address of each before anything is delivered: another process may change it during the sync.
    pub(super) fn addresses(&self, args: &SyncArgs) -> Result<BTreeMap<String, String>, Failure> {
        let mut addresses = BTreeMap::new();
        for one in &self.opened {
            let named = args.upstream.lrs.clone().filter(|_| one.name() == "main");
            let known = || Ok::<_, Failure>(self.status(one)?.and_then(|it| it.endpoint));
            if let Some(address) = named.map_or_else(known, |named| Ok(Some(named)))? {
                addresses.insert(one.name().to_owned(), address);
            }
        }
        Ok(addresses)
    }

    /// Returns the upstream with its credentials; none where none are given for it.
    fn with_credentials(&self, name: &str, args: &SyncArgs) -> Result<Option<Upstream>, Unusable> {
        let credentials = upstream::credentials_of(name, args.file_of(name));
        let Some(credentials) = credentials.map_err(Unusable::Wrong)? else {
            return Ok(None);
        };
        let upstream = self.collector.upstream(name)?;
        upstream.set_credentials(Some(&credentials))?;
        Ok(Some(upstream))
    }

    /// Returns the status; none where another process has removed the upstream, unless it was named here.
    pub(super) fn status(&self, upstream: &Upstream) -> Result<Option<Status>, Failure> {
        match upstream.status() {
            Ok(status) => Ok(Some(status)),
            Err(pannier::Error::NoUpstream { .. }) if self.only.is_none() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn sync(&self, patience: Duration) -> Result<SyncReport, pannier::Error> {
        match &self.only {
            Some(upstream) => upstream.sync_within(patience),
            None => self.collector.sync_within(patience),
        }
    }

    /// Returns the report for each of them.
    pub(super) fn reports<'a>(
        &'a self,
        whole: &'a SyncReport,
    ) -> Vec<(&'a Upstream, &'a SyncReport)> {
        if whole.upstreams.is_empty() {
            return self
                .opened
                .first()
                .map(|one| (one, whole))
                .into_iter()
                .collect();
        }
        let report = |upstream: &'a Upstream| {
            let mut all = whole.upstreams.iter();
            let found = all.find(|one| one.name == upstream.name())?;
            Some((upstream, &found.report))
        };
        self.opened.iter().filter_map(report).collect()
    }
}

/// Reason why nothing is sent to one of several.
enum Unusable {
    Gone,
    Wrong(Failure),
}

impl From<pannier::Error> for Unusable {
    fn from(error: pannier::Error) -> Self {
        match error {
            pannier::Error::NoUpstream { .. } => Self::Gone,
            other => Self::Wrong(other.into()),
        }
    }
}

impl SyncArgs {
    fn open_without_main(&self, queue: &QueueArgs) -> Result<Collector, Failure> {
        let mut config = self.completed(self.upstream.config_without_main()?);
        config.deliver_to_main = false;
        queue.open(config)
    }

    /// Adds what concerns every upstream.
    fn completed(&self, mut config: Config) -> Config {
        config.history = match self.keep {
            0 => HistoryPolicy::None,
            days => HistoryPolicy::For(i64::from(days) * 24 * 60 * 60 * 1000),
        };
        config.requests_in_flight = self.in_flight;
        config
    }

    fn file_of(&self, name: &str) -> Option<&std::path::Path> {
        let mut files = self.credentials_of.iter();
        files
            .find(|(of, _)| of == name)
            .map(|(_, file)| file.as_path())
    }
}
