//! Which queue, and how it is opened.

use std::env;
use std::path::PathBuf;

use clap::Args;
use pannier::{Collector, Config, Event};

use super::Failure;

/// Which queue.
#[derive(Args, Debug)]
pub struct QueueArgs {
    /// The queue's file, made if there is none; without it, one in this user's data folder
    #[arg(long, env = "PANNIER_QUEUE", value_name = "FILE")]
    queue: Option<PathBuf>,
}

impl QueueArgs {
    /// The queue's file.
    pub fn path(&self) -> Result<PathBuf, Failure> {
        if let Some(path) = &self.queue {
            return Ok(path.clone());
        }
        let folder = data_folder()
            .ok_or_else(|| {
                Failure::usage("there is no data folder for this user; name a file with --queue")
            })?
            .join("pannier");
        std::fs::create_dir_all(&folder).map_err(|error| {
            Failure::open(format!(
                "cannot make the folder {}: {error}",
                folder.display()
            ))
        })?;
        Ok(folder.join("queue.db"))
    }

    /// Opens the queue, and says so if it had to be saved from a damaged file.
    pub fn open(&self, config: Config) -> Result<Collector, Failure> {
        let collector = Collector::open(self.path()?, config)?;
        let events = collector.events();
        while let Some(event) = events.try_next() {
            if let Event::Salvaged { salvaged } = event {
                eprintln!(
                    "pannier: the queue's file was damaged ({}): {} statements were saved, {} could not be read; the old file is kept as {}",
                    salvaged.damage,
                    salvaged.saved,
                    salvaged.unreadable,
                    salvaged.kept_at.unwrap_or_default().display()
                );
            }
        }
        Ok(collector)
    }
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
