//! Several upstreams: adding, listing, finding and removing them.

use std::sync::Arc;

use super::BlockingCollector;
use crate::credentials::AppsProvider;
use crate::listings::all;
use crate::{
    BlockingUpstream, CredentialsProvider, NewUpstream, PannierError, Remainder, UpstreamInfo,
};

#[uniffi::export]
impl BlockingCollector {
    /// Adds another LRS to deliver to: it gets what is recorded from now on and matches its route, and with
    /// `NewUpstream.backfill` what is there already. Each upstream has troubles, waits and refusals of its own, and
    /// none waits for another. There can be 32.
    ///
    /// The file remembers name, endpoint and route, so other processes record for it as well; but only a process
    /// that calls this, or `BlockingUpstream.set_credentials`, delivers to it: call this each time after opening
    /// the queue. Where the upstream is there already with the same endpoint and route nothing is changed in the
    /// file. With another endpoint or route the call fails as `OtherUpstream`. An upstream whose endpoint is no
    /// longer known, because the file is an older copy, gets both.
    ///
    /// `credentials_provider` is asked when this LRS refuses the credentials, and for no other.
    #[uniffi::method(default(credentials_provider = None))]
    pub fn add_upstream(
        &self,
        new: NewUpstream,
        credentials_provider: Option<Arc<dyn CredentialsProvider>>,
    ) -> Result<Arc<BlockingUpstream>, PannierError> {
        let mut new = pannier::NewUpstream::from(new);
        new.credentials_provider =
            credentials_provider.map(|apps| Arc::new(AppsProvider(apps)) as _);
        Ok(BlockingUpstream::new(self.core.add_upstream(new)?))
    }

    /// Returns all upstreams, the first one, `main`, first. The collector's `status` is that of `main`.
    pub fn upstreams(&self) -> Result<Vec<UpstreamInfo>, PannierError> {
        Ok(all(self.core.upstreams()?))
    }

    /// Returns one upstream, whichever process added it.
    pub fn upstream(&self, name: &str) -> Result<Arc<BlockingUpstream>, PannierError> {
        Ok(BlockingUpstream::new(self.core.upstream(name)?))
    }

    /// Removes an upstream from the queue, for every process, and returns how many statements were given up with
    /// it. The LRS keeps what it has. `main` cannot be removed (`MainStays`).
    ///
    /// Statements that another upstream is to get stay for that one. An upstream added later under the same name
    /// begins anew.
    pub fn remove_upstream(&self, name: &str, remainder: Remainder) -> Result<i64, PannierError> {
        Ok(self.core.remove_upstream(name, remainder.into())? as i64)
    }
}
