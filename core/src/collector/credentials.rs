//! A sync whose credentials are refused: the app's provider is asked for others.

use std::pin::pin;
use std::sync::Arc;

use tokio::time::Instant;

use super::Inner;
use crate::collector::config::CredentialsProvider;
use crate::collector::driver::{Driver, Interrupt, Ran};
use crate::error::Error;
use crate::lrs::Credentials;
use crate::store::Problem;
use crate::sync::{Ended, SyncReport};

/// What came of asking the app for credentials.
enum Found {
    Credentials(Credentials),
    /// The app has set them, or the endpoint, without being asked.
    SetMeanwhile,
    None,
}

impl Driver {
    /// Runs a session, and another one with new credentials if the first lacked them and the app has some.
    pub(super) async fn session_as_whoever(
        &mut self,
        by_hand: bool,
        give_up: Option<Instant>,
    ) -> Ran {
        let times_set = Inner::times_set(&self.lane);
        let (first, interrupt) = self.session(by_hand, give_up).await;
        let Ok(Ended::NeedsApp { trouble }) = first.as_ref().map(|report| &report.ended) else {
            return (first, interrupt);
        };
        let refused = trouble.problem == Problem::Credentials;
        let Some(provider) = self.lane.choices().provider.filter(|_| refused) else {
            return (first, interrupt);
        };
        match self.find_credentials(provider, times_set, &first).await {
            Ok(Found::Credentials(credentials)) => {
                match self.inner.use_credentials(&self.lane, Some(&credentials)) {
                    Ok(()) => {}
                    // It is this upstream's trouble, and no reason to hide what was delivered to others.
                    Err(error @ (Error::Credentials(_) | Error::Endpoint(_))) => {
                        return (first.map(|report| unusable(report, &error)), None);
                    }
                    Err(error) => return (Err(error), None),
                }
            }
            Ok(Found::SetMeanwhile) => {}
            Ok(Found::None) => return (first, None),
            Err(interrupt) => return (first, Some(interrupt)),
        }
        let (again, interrupt) = self.session(by_hand, give_up).await;
        let both = first.and_then(|first| Ok(first.and(again?)));
        (both, interrupt)
    }

    /// Asks the provider, and no longer waits for it once the app has set the credentials or the endpoint itself.
    async fn find_credentials(
        &mut self,
        provider: Arc<dyn CredentialsProvider>,
        times_set: u64,
        first: &Result<SyncReport, Error>,
    ) -> Result<Found, Interrupt> {
        let mut asked = pin!(tokio::task::spawn_blocking(move || provider.credentials()));
        loop {
            if Inner::times_set(&self.lane) != times_set {
                return Ok(Found::SetMeanwhile);
            }
            let command = tokio::select! {
                found = &mut asked => return Ok(match found {
                    Ok(Some(credentials)) => Found::Credentials(credentials),
                    // It has none, or it panicked, which the panic hook has reported.
                    Ok(None) | Err(_) => Found::None,
                }),
                command = self.commands.recv() => command,
            };
            match self.obey(command) {
                // The provider may be waiting for just this sync.
                Some(Interrupt::Job) if Inner::times_set(&self.lane) == times_set => {
                    self.answer_at_once(first);
                }
                Some(Interrupt::Job) | None => {}
                Some(interrupt) => return Err(interrupt),
            }
        }
    }

    /// Answers those who ask for a sync while the app is asked for credentials: these are missing.
    fn answer_at_once(&mut self, first: &Result<SyncReport, Error>) {
        let (Some(job), Ok(first)) = (self.job.take(), first) else {
            return;
        };
        for reply in job.replies {
            let _ = reply.send(Ok(first.nothing_more()));
        }
    }
}

/// Says in a report of missing credentials that those which the provider gave cannot be used.
fn unusable(mut report: SyncReport, error: &Error) -> SyncReport {
    tracing::warn!(%error, "what the credentials provider gave cannot be used");
    if let Ended::NeedsApp { trouble } = &mut report.ended {
        trouble.words = format!("what the credentials provider gave cannot be used: {error}");
    }
    report
}
