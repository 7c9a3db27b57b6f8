//! Signals that tell a command to end: Ctrl-C and, on Unix, a polite request (SIGTERM).

use std::io;

use tokio::runtime::{Builder, Runtime};
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};

use super::Failure;

/// Listener for these signals.
pub struct Ending {
    runtime: Runtime,
    #[cfg(unix)]
    signals: [Signal; 2],
    #[cfg(windows)]
    ctrl_c: CtrlC,
}

impl Ending {
    /// Starts to listen: from now on none of them ends the process by itself.
    pub fn listen() -> Result<Self, Failure> {
        Self::listening()
            .map_err(|error| Failure::open(format!("cannot listen for Ctrl-C: {error}")))
    }

    fn listening() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let entered = runtime.enter();
        #[cfg(unix)]
        let signals = [
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        ];
        #[cfg(windows)]
        let ctrl_c = ctrl_c()?;
        drop(entered);
        Ok(Self {
            runtime,
            #[cfg(unix)]
            signals,
            #[cfg(windows)]
            ctrl_c,
        })
    }

    /// Waits for one of them; may be called again for the next.
    pub fn wait(&mut self) {
        #[cfg(unix)]
        {
            let [interrupted, terminated] = &mut self.signals;
            self.runtime.block_on(async {
                tokio::select! {
                    _ = interrupted.recv() => {}
                    _ = terminated.recv() => {}
                }
            });
        }
        #[cfg(windows)]
        {
            let ctrl_c = &mut self.ctrl_c;
            self.runtime.block_on(ctrl_c.recv());
        }
    }
}
