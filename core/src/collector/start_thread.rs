//! The thread that syncs, started when it is first needed.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::SyncPolicy;
use crate::collector::driver::Command;
use crate::collector::inner::Inner;
use crate::collector::lane::Lane;
use crate::collector::sync_thread::{self, Thread};
use crate::error::Error;
use crate::lock::lock;

/// The thread that syncs, if it has been started.
pub(super) struct Threads {
    pub(super) inner: Arc<Inner>,
    pub(super) syncs: Mutex<Syncs>,
}

pub(super) enum Syncs {
    No,
    Yes(Thread),
    /// The collector is being dropped: no thread is started any more.
    Never,
}

impl Threads {
    /// Sends a command to each driver, if there are any.
    pub(super) fn tell(&self, command: impl Fn() -> Command) {
        if let Syncs::Yes(thread) = &*lock(&self.syncs) {
            for commands in thread.commands() {
                // A driver is gone where its upstream was removed, or while the collector is dropped.
                let _ = commands.send(command());
            }
        }
    }

    /// Tells this upstream's driver that the app has acted, so a wait may be over.
    pub(super) fn changed(&self, lane: &Arc<Lane>) {
        if let Syncs::Yes(thread) = &*lock(&self.syncs)
            && let Some(commands) = thread.driver(lane)
        {
            let _ = commands.send(Command::Changed);
        }
    }

    /// Returns the command channels of all drivers.
    pub(super) fn commands(&self) -> Vec<UnboundedSender<Command>> {
        match &*lock(&self.syncs) {
            Syncs::Yes(thread) => thread.commands().cloned().collect(),
            Syncs::No | Syncs::Never => Vec::new(),
        }
    }

    /// Sends a command to the driver of that upstream, which is started if there is none yet.
    pub(super) fn command(&self, lane: &Arc<Lane>, command: Command) -> Result<(), Error> {
        self.drive(lane, Some(command))
    }

    pub(super) fn drive_where_automatic(&self, lane: &Arc<Lane>) -> Result<(), Error> {
        if self.inner.policy == SyncPolicy::Manual {
            return Ok(());
        }
        self.drive(lane, None)
    }

    fn drive(&self, lane: &Arc<Lane>, command: Option<Command>) -> Result<(), Error> {
        self.inner.store.is_ours()?;
        let mut syncs = lock(&self.syncs);
        let thread = match &mut *syncs {
            Syncs::Yes(thread) if !thread.is_finished() => thread,
            Syncs::Never => return Err(Error::Closing),
            none => {
                *none = Syncs::Yes(self.start()?);
                match none {
                    Syncs::Yes(thread) => thread,
                    Syncs::No | Syncs::Never => return Err(Error::Closing),
                }
            }
        };
        let commands = thread.drive(lane);
        match command {
            Some(command) => commands.send(command).map_err(|_| Error::Closing),
            None => Ok(()),
        }
    }

    fn start(&self) -> Result<Thread, Error> {
        let (another, lanes) = unbounded_channel();
        let inner = Arc::clone(&self.inner);
        let (ready, is_ready) = channel();
        let handle = std::thread::Builder::new()
            .name("pannier-sync".to_owned())
            .spawn(move || sync_thread::run(&inner, lanes, &ready))
            .map_err(|error| Error::Transport(format!("no thread to sync on: {error}")))?;
        is_ready.recv().unwrap_or(Err(Error::Panicked))?;
        Ok(Thread::new(another, handle))
    }
}
