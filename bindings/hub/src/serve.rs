//! Connections: their number, and the time for which each may keep the hub waiting.
//!
//! Anyone can open one without credentials, so each takes one of a fixed number of places and little memory, and a
//! client that stops in the middle of something loses its place. When all places are taken, the connection that has
//! waited longest makes room for the next one; when all are at work, the next one waits for a free place.

use std::io;
use std::net::TcpListener;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::time::{Sleep, sleep, timeout};

use super::places::{Place, Places};

/// Time for requests under way to end after the hub was told to stop.
pub const GRACE: Duration = Duration::from_secs(3);

/// Pause when the system has no connection to give, for want of file descriptors for example.
const NO_CONNECTION: Duration = Duration::from_millis(100);

/// Most bytes of a request's head, and of an answer that is ready but not yet taken.
const BUFFER: usize = 64 * 1024;

/// Times for which a connection may keep the hub waiting.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Time for the head of a request to be complete; also for the next request to begin. Half a minute unless set.
    pub head: Duration,
    /// Time for more of a body to come. Half a minute unless set.
    pub body: Duration,
    /// Time for everything that is read from a client without credentials. Ten seconds unless set.
    pub stranger: Duration,
    /// Time for an answer, or a piece of it, to be taken. Half a minute unless set.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            body: Duration::from_secs(30),
            stranger: Duration::from_secs(10),
            answer: Duration::from_secs(30),
        }
    }
}

/// Serves at most so many connections at a time, until told to stop.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    connections: usize,
    patience: Patience,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let places = Places::new(connections);
    let (stop, stopping) = watch::channel(false);
    let accepting = async {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                sleep(NO_CONNECTION).await;
                continue;
            };
            let place = places.take().await;
            // Without it a small answer may be delayed by 40 ms; if it cannot be set, it is delayed.
            let _ = stream.set_nodelay(true);
            let (router, stopping) = (router.clone(), stopping.clone());
            tokio::spawn(connection(stream, router, patience, stopping, place));
        }
    };
    tokio::select! {
        () = accepting => {}
        // The signal came, or its sender was dropped.
        _ = stopped => {}
    }
    drop(listener);
    // An error means that no connection is left to stop.
    let _ = stop.send(true);
    // Requests that are not done by then are cut off.
    let _ = timeout(GRACE, places.all_free(connections)).await;
    Ok(())
}

async fn connection(
    stream: TcpStream,
    router: Router,
    patience: Patience,
    mut stopping: watch::Receiver<bool>,
    place: Arc<Place>,
) {
    let stream = TokioIo::new(Patient {
        stream,
        patience: patience.answer,
        stuck: None,
    });
    let router = TowerToHyperService::new(router);
    let here = &place;
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(here.clone());
        let answering = router.call(request);
        async move {
            let answer = answering.await;
            here.waits();
            answer
        }
    });
    let mut serving = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience.head)
            .max_buf_size(BUFFER)
            .serve_connection(stream, service)
    );
    tokio::select! {
        // The connection has ended, well or not; the client knows.
        _ = serving.as_mut() => return,
        known = place.told_to_leave() => if !known {
            return;
        },
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}

/// A stream that fails when its peer stops taking data.
struct Patient {
    stream: TcpStream,
    patience: Duration,
    /// Timer that runs while the peer takes no data.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    /// Returns the result of a write, or an error when patience runs out.
    fn written(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let patience = self.patience;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stuck.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
