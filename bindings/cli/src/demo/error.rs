//! Why the demo could not go on.

use std::io;

use pannier_hub::StartError;

/// The demo could not go on; nothing is said about whether it added up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A collector's call failed.
    #[error(transparent)]
    Collector(#[from] pannier::Error),
    /// A file, folder, process or thread could not be used.
    #[error("{0}: {1}")]
    System(String, #[source] io::Error),
    /// The hub did not start.
    #[error(transparent)]
    Hub(#[from] StartError),
    /// What the user gave is wrong.
    #[error("{0}")]
    Usage(String),
    /// The LRS cannot be reached or does not take these credentials.
    #[error("{0}")]
    Lrs(String),
}

impl Error {
    /// For `map_err`: what was tried.
    pub fn system(tried: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let tried = tried.into();
        move |error| Self::System(tried, error)
    }
}
