//! Which queue, and how it is opened.

use std::env;
use std::path::PathBuf;

use clap::Args;
use pannier::{Collector, Config};

use super::{Failure, tell, words};
use crate::terminal::one_line;

/// Which queue.
#[derive(Args, Debug)]
pub struct QueueArgs {
    /// The queue's file; without it, one in this user's data folder
    #[arg(long, env = "PANNIER_QUEUE", value_name = "FILE", global = true)]
    queue: Option<PathBuf>,
}

impl QueueArgs {
    /// The queue's file, which need not be there.
    pub fn path(&self) -> Result<PathBuf, Failure> {
        match &self.queue {
            Some(path) => Ok(path.clone()),
            None => Ok(own_folder()?.join("queue.db")),
        }
    }

    /// Opens the queue, which must be there: whoever looks makes no file.
    pub fn open(&self, mut config: Config) -> Result<Collector, Failure> {
        config.create = false;
        opened(self.path()?, config)
    }

    /// Opens the queue, and makes it where there is none.
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

/// Opens it, and tells of a loss that nobody has acknowledged.
fn opened(path: PathBuf, config: Config) -> Result<Collector, Failure> {
    let collector = Collector::open(path, config)?;
    if let Some(loss) = collector.status()?.loss {
        tell(format_args!("pannier: {}", words::loss(&loss)));
    }
    Ok(collector)
}

/// Pannier's folder among this user's data.
fn own_folder() -> Result<PathBuf, Failure> {
    let folder = data_folder().ok_or_else(|| {
        Failure::usage("there is no data folder for this user; name a file with --queue")
    })?;
    Ok(folder.join("pannier"))
}

/// Where this user's programs keep their data.
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
