//! A hub to be cut off: it takes statements with contents, and says on its standard output which are stored.
//!
//! ```text
//! contents FILE COUNT     sends so many to a hub with this store, three at a time
//! ```
//!
//! A statement is named only after the hub has answered that it is stored.

use std::path::PathBuf;
use std::thread;

use pannier_hub::{Hub, Options, Storage};
use pannier_tests::contents::{content, options, send};
use pannier_tests::sample;

/// Number of requests at a time.
const AT_ONCE: u32 = 3;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = PathBuf::from(arguments.next().expect("a file"));
    let count: u32 = arguments
        .next()
        .expect("a count")
        .parse()
        .expect("a number");
    let hub = Hub::start(&Options {
        storage: Storage::File(file),
        ..options()
    });
    let hub = &hub.expect("a hub");
    thread::scope(|scope| {
        for first in 0..AT_ONCE {
            scope.spawn(move || {
                for n in (first..count).step_by(AT_ONCE as usize) {
                    let answer = send(hub, n, &content(n));
                    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
                    println!("stored {}", sample::id(1, n));
                }
            });
        }
    });
}
