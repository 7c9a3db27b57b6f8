//! The one thread that syncs, however many upstreams there are.
//!
//! Each upstream has a driver of its own, with commands, waits and setbacks of its own. They take turns where one waits
//! for the network, so that none delays another.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinSet, LocalSet};

use super::Inner;
use crate::collector::driver::{Command, Driver};
use crate::collector::lane::Lane;
use crate::collector::reentry::{self, Role};
use crate::collector::runtime::runtime;
use crate::error::Error;

/// A further upstream to drive, and its commands.
pub(super) type Another = (Arc<Lane>, UnboundedReceiver<Command>);

/// Runs until the collector is dropped. Reports first whether it can.
pub(super) fn run(
    inner: &Arc<Inner>,
    mut another: UnboundedReceiver<Another>,
    ready: &Sender<Result<(), Error>>,
) {
    let holder = inner.holder;
    reentry::enter(holder, Role::Drives);
    let helps = move || reentry::enter(holder, Role::Helps);
    let runtime = runtime(|builder| {
        builder.on_thread_start(helps);
    });
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            // Whoever started this waits for it.
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    let beside_each_other = LocalSet::new();
    beside_each_other.block_on(&runtime, async {
        let mut drivers = JoinSet::new();
        while let Some((lane, commands)) = another.recv().await {
            drivers.spawn_local(Driver::new(Arc::clone(inner), lane, commands).drive());
        }
        // Each driver ends when its command channel is closed.
        drivers.join_all().await;
    });
    // Closing the collector waits for this thread, but not for a look-up of a host's name or for the app's own code on
    // another thread of the runtime.
    runtime.shutdown_background();
}

/// The thread, and the command channel of each driver on it.
pub(super) struct Thread {
    another: UnboundedSender<Another>,
    lanes: Vec<(Arc<Lane>, UnboundedSender<Command>)>,
    handle: std::thread::JoinHandle<()>,
}

impl Thread {
    pub(super) fn new(
        another: UnboundedSender<Another>,
        handle: std::thread::JoinHandle<()>,
    ) -> Self {
        Self {
            another,
            lanes: Vec::new(),
            handle,
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// Returns the command channel of this upstream's driver, which is started if there is none yet.
    pub(super) fn drive(&mut self, lane: &Arc<Lane>) -> &UnboundedSender<Command> {
        // The drivers of those that were removed are gone.
        self.lanes.retain(|(_, commands)| !commands.is_closed());
        let known = self.lanes.iter();
        let at = known
            .map(|(known, _)| known)
            .position(|known| Arc::ptr_eq(known, lane));
        let at = at.unwrap_or_else(|| {
            let (commands, received) = unbounded_channel();
            // Where the thread is gone so is the receiver, and sending a command fails.
            let _ = self.another.send((Arc::clone(lane), received));
            self.lanes.push((Arc::clone(lane), commands));
            self.lanes.len() - 1
        });
        &self.lanes[at].1
    }

    /// Returns the command channel of this upstream's driver, if there is one.
    pub(super) fn driver(&self, lane: &Arc<Lane>) -> Option<&UnboundedSender<Command>> {
        let mut lanes = self.lanes.iter();
        let found = lanes.find(|(known, _)| Arc::ptr_eq(known, lane));
        found.map(|(_, commands)| commands)
    }

    /// Returns the command channels of all drivers.
    pub(super) fn commands(&self) -> impl Iterator<Item = &UnboundedSender<Command>> {
        self.lanes.iter().map(|(_, commands)| commands)
    }

    /// Closes all command channels, and returns the thread to wait for.
    pub(super) fn end(self) -> std::thread::JoinHandle<()> {
        self.handle
    }
}
