//! `pannier demo`: three devices, a bad day, and a table that must add up.
//!
//! 1. There is no network. Three devices record, a queue each; the headset's process is killed in
//!    the middle and goes on.
//! 2. The LRS comes up badly: it is busy, answers get lost, one statement it will not take.
//! 3. All is well.
//!
//! In the end each device's counts are compared with what the LRS says it has, asked for one statement after the
//! other. The result of [`run`] is exact or names everything that is not.

mod ask;
mod deliver;
mod device;
mod diary;
mod error;
mod headset;
pub mod killed;
mod network;
mod phone;
mod site;
mod stage;
mod tablet;
mod tally;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};

use indicatif::ProgressBar;
use pannier::{Collector, Event, Page};
use tempfile::TempDir;
use uuid::Uuid;

use deliver::{Until, deliver};
use device::{Device, notes};
pub use diary::Day;
pub use error::Error;
use killed::Killed;
pub use site::Named;
use site::Site;
pub use stage::Stage;
use tally::Counts;
pub use tally::{Held, Row, Tally};

/// Index of the headset's statement that the LRS will not take.
const UNWELCOME: usize = 137;

/// Statements that the workshop's app records at a time: a page of its diary.
const PAGE: usize = 25;

/// Choices of the user.
#[derive(Clone, Debug)]
pub struct Options {
    /// An LRS in place of a hub of the demo's own.
    pub lrs: Option<Named>,
    /// Folder to keep the queues in; otherwise they are gone in the end.
    pub keep: Option<PathBuf>,
    /// The `pannier` executable, which the headset's process runs.
    pub program: PathBuf,
}

/// Runs the demo.
pub fn run(options: &Options, stage: &Stage) -> Result<Tally, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::system("cannot start a runtime"))?;
    let mut site = match &options.lrs {
        None => Site::hub()?,
        Some(named) => {
            let site = Site::real(named.clone())?;
            runtime.block_on(site.lrs())?;
            site
        }
    };
    let folder = Folder::new(options.keep.as_deref())?;
    let day = Day::today();
    let unwelcome = notes(Device::Headset, day).swap_remove(UNWELCOME);

    stage.say("1. There is no network; three devices record.");
    let bars = Bars::new(stage);
    each(|device| record(device, day, &folder.queue(device), options, &bars, stage))?;
    let collectors =
        each(|device| Ok(Collector::open(folder.queue(device), site.config(device))?))?;
    let sync = |until, bars: &Bars| {
        each(|device| {
            let say = |line: &str| stage.say(&format!("   {}: {line}", device.name()));
            deliver(&collectors[device as usize], until, bars.of(device), say)
        })
    };
    sync(Until::Tried, &bars)?;
    drop(bars);

    stage.say("2. The network is back, and all is not well.");
    site.trouble()
        .iter()
        .for_each(|line| stage.say(&format!("   {line}")));
    let bars = Bars::new(stage);
    let listeners = follow(&collectors, &bars);
    runtime.block_on(site.come_up_badly(&unwelcome))?;
    sync(Until::OutcomeUnknown, &bars)?;

    stage.say("3. All is well.");
    site.be_well(&unwelcome);
    sync(Until::Delivered, &bars)?;
    let counts = each(|device| count(&collectors[device as usize]))?;
    drop(collectors);
    for listener in listeners {
        // It only moves a bar.
        let _ = listener.join();
    }
    drop(bars);

    stage.say(&format!(
        "What the LRS at {} says it has, asked for each statement:",
        site.endpoint()
    ));
    let rows = runtime.block_on(tally(&site, day, unwelcome.id, counts, stage))?;
    if let Folder::Kept(path) = &folder {
        stage.say(&format!("The queues are in {}.", path.display()));
    }
    Ok(Tally::new(rows))
}

/// Moves each device's bar by its collector's events, until the collector is closed.
fn follow(collectors: &[Collector], bars: &Bars) -> Vec<thread::JoinHandle<()>> {
    Device::ALL
        .into_iter()
        .map(|device| {
            let events = collectors[device as usize].events();
            let bar = bars.of(device).clone();
            thread::spawn(move || {
                for event in events {
                    match event {
                        Event::Delivered { ids, .. } => bar.inc(ids.len() as u64),
                        Event::Held { .. } => bar.inc(1),
                        _ => {}
                    }
                }
            })
        })
        .collect()
}

/// Does the same for each device at the same time; the results are in the devices' order.
fn each<T: Send>(work: impl Fn(Device) -> Result<T, Error> + Sync) -> Result<Vec<T>, Error> {
    thread::scope(|scope| {
        let work = &work;
        let threads = Device::ALL.map(|device| scope.spawn(move || work(device)));
        threads.into_iter().map(ended).collect()
    })
}

fn ended<T>(thread: ScopedJoinHandle<'_, Result<T, Error>>) -> Result<T, Error> {
    match thread.join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Runs the first phase of one device.
fn record(
    device: Device,
    day: Day,
    queue: &Path,
    options: &Options,
    bars: &Bars,
    stage: &Stage,
) -> Result<(), Error> {
    let bar = bars.of(device);
    let all = notes(device, day);
    let name = device.name();
    match device {
        Device::Headset => {
            let Killed { known, found } =
                killed::record_and_kill(&options.program, queue, day, bar)?;
            stage.say(&format!(
                "   {name}: killed after it had recorded {known}; its queue has {found}, and it goes on"
            ));
        }
        Device::Phone => {
            let collector = Collector::open(queue, pannier::Config::default())?;
            for note in &all {
                collector.record(&note.json)?;
                bar.inc(1);
            }
        }
        Device::Tablet => {
            let collector = Collector::open(queue, pannier::Config::default())?;
            for page in all.chunks(PAGE) {
                collector.record_all(page.iter().map(|note| &note.json))?;
                bar.inc(page.len() as u64);
            }
        }
    }
    stage.say(&format!("   {name}: {} statements recorded", all.len()));
    Ok(())
}

fn count(collector: &Collector) -> Result<Counts, Error> {
    let ledger = collector.status()?.ledger;
    let all = Page {
        limit: usize::MAX,
        ..Page::default()
    };
    let held = collector.held(all)?.into_iter().map(|held| Held {
        id: held.id,
        reason: held.reason.to_string(),
        words: held.words,
    });
    Ok(Counts {
        recorded: ledger.recorded,
        delivered: ledger.delivered,
        queued: ledger.queued + ledger.waiting,
        held: held.collect(),
    })
}

async fn tally(
    site: &Site,
    day: Day,
    unwelcome: Uuid,
    counts: Vec<Counts>,
    stage: &Stage,
) -> Result<Vec<Row>, Error> {
    let lrs = Arc::new(site.lrs().await?);
    let mut rows = Vec::new();
    for (device, counts) in Device::ALL.into_iter().zip(counts) {
        let all = notes(device, day);
        let ids: Vec<_> = all.iter().map(|note| note.id).collect();
        let bar = stage.bar(device.name(), ids.len() as u64);
        let answers = ask::ask_for(Arc::clone(&lrs), all, || bar.inc(1)).await;
        bar.finish_and_clear();
        rows.push(Row::new(device, &ids, unwelcome, counts, &answers));
    }
    Ok(rows)
}

/// A bar for each device.
struct Bars(Vec<ProgressBar>);

impl Bars {
    fn new(stage: &Stage) -> Self {
        let day = Day::today();
        let bar = |device: Device| stage.bar(device.name(), device.statements(day).len() as u64);
        Self(Device::ALL.map(bar).into())
    }

    fn of(&self, device: Device) -> &ProgressBar {
        &self.0[device as usize]
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.0.iter().for_each(ProgressBar::finish_and_clear);
    }
}

/// Folder of the queues.
enum Folder {
    Passing(TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn new(keep: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = keep else {
            let folder = tempfile::Builder::new().prefix("pannier-demo-").tempdir();
            return Ok(Self::Passing(
                folder.map_err(Error::system("cannot make a temporary folder"))?,
            ));
        };
        let failed = || Error::system(format!("cannot use {}", path.display()));
        std::fs::create_dir_all(path).map_err(failed())?;
        if std::fs::read_dir(path).map_err(failed())?.next().is_some() {
            let why = format!("{} is not empty: name a new folder", path.display());
            return Err(Error::Usage(why));
        }
        Ok(Self::Kept(path.to_owned()))
    }

    fn queue(&self, device: Device) -> PathBuf {
        let folder = match self {
            Self::Passing(folder) => folder.path(),
            Self::Kept(path) => path,
        };
        folder.join(device.file())
    }
}
