//! The queue's file, and opening it.

use std::env;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use clap::Args;
use pannier::{Collector, Config, Event, EventStream, LossReport, Salvaged};

use super::{Failure, advice, now_ms, tell};
use crate::terminal::one_line;

/// Which queue.
#[derive(Args, Debug)]
pub struct QueueArgs {
    /// The queue's file; without it, one in this user's data folder
    #[arg(long, env = "PANNIER_QUEUE", value_name = "FILE", global = true)]
    queue: Option<PathBuf>,
}

impl QueueArgs {
    /// Returns the queue's file, which need not be there.
    pub fn path(&self) -> Result<PathBuf, Failure> {
        match &self.queue {
            Some(path) => Ok(path.clone()),
            None => Ok(own_folder()?.join("queue.db")),
        }
    }

    /// Opens the queue, which must be there: a command that only looks creates no file.
    pub fn open(&self, mut config: Config) -> Result<Collector, Failure> {
        config.create = false;
        opened(self.path()?, config)
    }

    /// Opens the queue, and creates it where there is none.
    pub fn open_or_make(&self, config: Config) -> Result<Collector, Failure> {
        if self.queue.is_none() {
            let folder = own_folder()?;
            std::fs::create_dir_all(&folder).map_err(|error| {
                Failure::open(format!(
                    "cannot make the folder {}: {error}",
                    one_line(folder.display())
                ))
            })?;
        }
        opened(self.path()?, config)
    }
}

/// Opens it, and reports a loss that nobody has acknowledged.
fn opened(path: PathBuf, config: Config) -> Result<Collector, Failure> {
    let collector = Collector::open(path, config)?;
    if let Some(loss) = collector.status()?.loss {
        tell(format_args!("pannier: {}", advice::loss(&loss)));
    }
    let events = collector.events();
    // The status has reported what was found so far.
    while events.try_next().is_some() {}
    let found = Vec::new();
    *news() = Some(News { events, found });
    Ok(collector)
}

/// Damage found after a command has opened the queue.
struct News {
    events: EventStream,
    found: Vec<Salvaged>,
}

static NEWS: Mutex<Option<News>> = Mutex::new(None);

fn news() -> MutexGuard<'static, Option<News>> {
    NEWS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Collects reports of damage from among all events: to be called now and then where there are many.
pub fn listen() {
    if let Some(News { events, found }) = &mut *news() {
        while let Some(event) = events.try_next() {
            if let Event::Salvaged { salvaged } = event {
                found.push(salvaged);
            }
        }
    }
}

/// Reports damage found since the queue was opened: the command that finds it says so.
pub fn tell_news() {
    listen();
    for salvaged in news().take().into_iter().flat_map(|news| news.found) {
        let loss = LossReport::of(salvaged, now_ms());
        tell(format_args!("pannier: {}", advice::loss(&loss)));
    }
}

/// Returns Pannier's folder among this user's data.
fn own_folder() -> Result<PathBuf, Failure> {
    let folder = data_folder().ok_or_else(|| {
        Failure::usage("there is no data folder for this user; name a file with --queue")
    })?;
    Ok(folder.join("pannier"))
}

/// Returns the folder where this user's programs keep their data.
fn data_folder() -> Option<PathBuf> {
    let folder = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        Some(folder("HOME")?.join("Library/Application Support"))
    } else {
        folder("XDG_DATA_HOME").or_else(|| Some(folder("HOME")?.join(".local/share")))
    }
}
