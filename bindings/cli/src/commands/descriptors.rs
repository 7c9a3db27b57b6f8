//! Room for what a command opens, asked for before it does anything.
//!
//! A process that may open too few files fails wherever it opens one too many: SQLite calls that a file that
//! cannot be opened, and tokio panics.

use std::io::{PipeReader, PipeWriter, pipe};

use super::Failure;

/// Pipes, of two descriptors each, for a command that opens a queue: the file with its log and what is beside it, each
/// for a second connection too.
const FOR_A_QUEUE: usize = 6;

/// For one that is at a network, too: a runtime, what listens for Ctrl-C, connections, certificates.
const FOR_A_NETWORK: usize = 14;

/// For the hub and the demo: several at once.
const FOR_SEVERAL: usize = 30;

/// What a command is going to open.
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
