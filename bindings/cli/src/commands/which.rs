//! The upstream that a command is about.

use clap::Args;
use pannier::{Collector, Upstream};

use super::Failure;

/// Which upstream.
#[derive(Args, Debug)]
pub struct WhichArgs {
    /// About this one of the queue's upstreams (`pannier upstream list`); without it about `main`
    #[arg(long, value_name = "NAME", global = true)]
    upstream: Option<String>,
}

impl WhichArgs {
    /// Returns the one that is asked for, or the first.
    pub fn of(&self, collector: &Collector) -> Result<Upstream, Failure> {
        let name = self.upstream.as_deref().unwrap_or("main");
        Ok(collector.upstream(name)?)
    }

    /// Returns the name of the one that is asked for, if any is.
    pub fn name(&self) -> Option<&str> {
        self.upstream.as_deref()
    }
}
