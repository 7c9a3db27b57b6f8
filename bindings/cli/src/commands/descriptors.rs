//! File descriptors for what a command opens, checked before it does anything.
//!
//! A process that may open too few files fails wherever it opens one too many: SQLite reports that a file cannot be
//! opened, and tokio panics.

use std::io::{PipeReader, PipeWriter, pipe};

use super::Failure;

/// Pipes, of two descriptors each, for a command that opens a queue: the file with its log and the files next to
/// it, each for a second connection too.
const FOR_A_QUEUE: usize = 6;

/// Pipes for a command that uses a network, too: a runtime, the listener for Ctrl-C, connections, certificates.
const FOR_A_NETWORK: usize = 14;

/// Pipes for the hub and the demo, which open several at once.
const FOR_SEVERAL: usize = 30;

/// Things that a command is going to open.
#[derive(Clone, Copy, Debug)]
pub enum Opens {
    /// A queue.
    Queue,
    /// A queue, and connections to an LRS.
    Network,
    /// Several of them.
    Several,
}

/// Fails where this process may not open as many files at once.
pub fn enough(opens: Opens) -> Result<(), Failure> {
    let pipes = match opens {
        Opens::Queue => FOR_A_QUEUE,
        Opens::Network => FOR_A_NETWORK,
        Opens::Several => FOR_SEVERAL,
    };
    let tried: Result<Vec<(PipeReader, PipeWriter)>, _> = (0..pipes).map(|_| pipe()).collect();
    tried.map(drop).map_err(|error| {
        Failure::open(format!(
            "too few files may be open at once ({error}): this needs {} beside those it was given; \
             raise the limit (`ulimit -n`) or close some. Nothing was done",
            pipes * 2
        ))
    })
}
