//! Reasons why the demo could not go on.

use std::io;

use pannier_hub::StartError;

/// Failure of the demo to go on; it says nothing about whether the demo added up.
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
    /// Wrong input from the user.
    #[error("{0}")]
    Usage(String),
    /// The LRS cannot be reached or does not take these credentials.
    #[error("{0}")]
    Lrs(String),
}

impl Error {
    /// Returns a conversion for `map_err`, with what was tried.
    pub fn system(tried: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let tried = tried.into();
        move |error| Self::System(tried, error)
    }
}
