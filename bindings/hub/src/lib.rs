//! A small LRS: the Statement and About resources of xAPI 1.0.3 and 2.0.0 over SQLite.
//!
//! It is meant for an app developer's first hour, for the demo and for the tests. It says exactly what is wrong
//! with a request, never stores half of one, and gives back what it was given.
//!
//! A request's way through the files: `app` finds the resource and asks for credentials and version; `receive`
//! opens the body and gets statements from it that are checked (`pannier_xapi::statement`), completed (`normal`) and
//! indexed (`facts`), and then contents of `attachments` from the other `parts`, which go to the disk as they come;
//! `store` keeps all; `query`, `store` and `format` answer queries, and contents are `streamed`.

mod alternate;
mod app;
mod attachments;
mod body;
mod bound;
mod credential;
mod facts;
mod format;
mod hash;
mod language;
mod log;
mod media_type;
pub mod mischief;
mod normal;
mod parts;
mod places;
mod problem;
mod query;
mod receive;
mod room;
mod serve;
mod signature;
mod splice;
mod statements;
mod store;
mod streamed;
pub mod terminal;
mod time;
mod version;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::Router;
use tokio::sync::oneshot;

use app::App;
use credential::Credential;
pub use log::{Lines, Notice, Served, Watch};
use room::Room;
use serve::GRACE;
pub use serve::Patience;
use statements::Statements;
use store::Store;
pub use store::{OpenError, Storage};

/// Settings of a hub.
#[derive(Clone)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one. `127.0.0.1:0` unless set.
    pub addr: SocketAddr,
    /// Storage for its statements. In memory unless set.
    pub storage: Storage,
    /// The name of its one user.
    pub user: String,
    /// The password of its one user.
    pub password: String,
    /// The largest body of a request without contents of attachments, and the most bytes of statements in one with
    /// contents. 16 MiB unless set.
    pub body_limit: usize,
    /// The largest body of a request with contents of attachments, in bytes. 512 MiB unless set.
    pub contents_limit: u64,
    /// Most statements in one answer. 500 unless set.
    pub page: usize,
    /// Most connections at a time. A further one takes the place of one that waits for a request; if there is none,
    /// it waits. 256 unless set.
    pub connections: usize,
    /// Times that a connection may keep the hub waiting.
    pub patience: Patience,
    /// Observer of every request. Nobody unless set.
    pub watch: Option<Watch>,
    /// Hearer of what happens to the store: it was deleted or replaced while it was open. Nobody unless set.
    pub notice: Option<Notice>,
}

impl Options {
    /// Returns the settings of a hub in memory on a free port of this machine, for this user.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            addr: (Ipv4Addr::LOCALHOST, 0).into(),
            storage: Storage::Memory,
            user: user.into(),
            password: password.into(),
            body_limit: 16 * 1024 * 1024,
            contents_limit: 512 * 1024 * 1024,
            page: 500,
            connections: 256,
            patience: Patience::default(),
            watch: None,
            notice: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("addr", &self.addr)
            .field("place", &self.storage)
            .finish_non_exhaustive()
    }
}

/// Reason why a hub did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not this machine's.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// No thread or runtime could be made.
    #[error("cannot start the hub: {0}")]
    Runtime(#[source] io::Error),
}

/// Threads for work beside those of bodies that are coming, of which each connection may have one.
const SPARE_THREADS: usize = 8;

/// A small LRS.
pub struct Hub;

impl Hub {
    /// Starts a hub on a thread of its own. It answers when this returns.
    pub fn start(options: &Options) -> Result<Running, StartError> {
        Self::start_around(options, |router| router)
    }

    /// Starts a hub with something around its router, such as [`mischief::Mischief::around`].
    pub fn start_around(
        options: &Options,
        around: impl FnOnce(Router) -> Router,
    ) -> Result<Running, StartError> {
        let store = Store::open(&options.storage, options.notice.clone())?;
        let credential = Credential::new(&options.user, &options.password);
        let room = Room::new(options.body_limit);
        let statements = Statements {
            store,
            authority: credential.authority(),
            page: options.page,
            answer: options.body_limit,
            contents: options.contents_limit,
            room: room.clone(),
        };
        let app = App {
            statements,
            credential,
            body_limit: options.body_limit,
            contents_limit: options.contents_limit,
            patience: options.patience,
            room,
            watch: options.watch.clone(),
        };
        let router = around(app::router(Arc::new(app)));

        let listen = |error| StartError::Listen(options.addr, error);
        let listener = TcpListener::bind(options.addr).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let addr = listener.local_addr().map_err(listen)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(options.connections.saturating_add(SPARE_THREADS))
            .build()
            .map_err(StartError::Runtime)?;
        let (stop, stopped) = oneshot::channel();
        let (connections, patience) = (options.connections, options.patience);
        let thread = std::thread::Builder::new()
            .name("pannier-hub".into())
            .spawn(move || {
                let serving = serve::serve(listener, router, connections, patience, stopped);
                let served = runtime.block_on(serving);
                runtime.shutdown_timeout(GRACE);
                served
            })
            .map_err(StartError::Runtime)?;
        Ok(Running {
            addr,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

/// A hub that is answering. It stops when dropped.
pub struct Running {
    addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    /// Returns the base URL, for a collector's endpoint on this machine: `http://127.0.0.1:PORT/xAPI`.
    pub fn url(&self) -> String {
        let mut addr = self.addr;
        if addr.ip().is_unspecified() {
            addr.set_ip(match addr {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{addr}/xAPI")
    }

    /// Returns the base URL for other machines; `None` if it listens to this one only, or is in no network.
    pub fn network_url(&self) -> Option<String> {
        let mut addr = self.addr;
        if addr.ip().is_loopback() {
            return None;
        }
        if addr.ip().is_unspecified() {
            addr.set_ip(own_address(addr)?);
        }
        Some(format!("http://{addr}/xAPI"))
    }

    /// Returns the address that it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops it: takes no new request, and gives those under way three seconds to end.
    pub fn shutdown(mut self) -> io::Result<()> {
        self.stop()
    }

    fn stop(&mut self) -> io::Result<()> {
        // The receiver is gone if the hub has stopped by itself.
        let _ = self.stop.take().map(|stop| stop.send(()));
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(served)) => served,
            Some(Err(_)) => Err(io::Error::other("the hub's thread panicked")),
        }
    }
}

/// Returns the address from which this machine would reach others. A documentation address stands for the others;
/// connecting a datagram socket sends nothing.
fn own_address(family: SocketAddr) -> Option<IpAddr> {
    let (any, other): (SocketAddr, SocketAddr) = match family {
        SocketAddr::V4(_) => (
            (Ipv4Addr::UNSPECIFIED, 0).into(),
            (Ipv4Addr::new(192, 0, 2, 1), 9).into(),
        ),
        SocketAddr::V6(_) => (
            (Ipv6Addr::UNSPECIFIED, 0).into(),
            (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 9).into(),
        ),
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(other).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nobody is left to report an error to.
        let _ = self.stop();
    }
}
