//! The proxy's own thread: accepting, handing through, and misbehaving where it is due.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc::Sender};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::message::Incoming;
use super::{Fault, Shared};

/// A change of the network, and where to say that it has happened.
pub(super) enum Command {
    Connect(String, Sender<()>),
    CutOff(Sender<()>),
}

/// Runs until the proxy is dropped.
pub(super) fn run(
    shared: &Arc<Shared>,
    commands: UnboundedReceiver<Command>,
    bound: &Sender<SocketAddr>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    runtime.block_on(accept(shared, commands, bound));
}

/// Where connections arrive. A port that is bound but not listened on refuses them, and nobody
/// else can take it.
enum Port {
    Refusing(TcpSocket),
    Listening(TcpListener, String),
}

async fn accept(
    shared: &Arc<Shared>,
    mut commands: UnboundedReceiver<Command>,
    bound: &Sender<SocketAddr>,
) {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let socket = bind(any);
    let address = socket.local_addr().expect("it is bound");
    bound.send(address).expect("the test waits for it");
    let mut port = Port::Refusing(socket);
    let mut exchanges = JoinSet::new();
    loop {
        let (listener, upstream) = match &port {
            Port::Refusing(_) => (None, ""),
            Port::Listening(listener, upstream) => (Some(listener), upstream.as_str()),
        };
        tokio::select! {
            biased;
            command = commands.recv() => {
                let (next, done) = match (command, port) {
                    (None, _) => return,
                    (Some(Command::Connect(upstream, done)), Port::Refusing(socket)) => {
                        (Port::Listening(socket.listen(64).expect("it can listen"), upstream), done)
                    }
                    (Some(Command::Connect(upstream, done)), Port::Listening(listener, _)) => {
                        (Port::Listening(listener, upstream), done)
                    }
                    (Some(Command::CutOff(done)), old) => {
                        drop(old);
                        exchanges.shutdown().await;
                        (Port::Refusing(bind(address)), done)
                    }
                };
                port = next;
                // The test may be over.
                let _ = done.send(());
            }
            Some(client) = arrival(listener) => {
                let (shared, upstream) = (Arc::clone(shared), upstream.to_owned());
                exchanges.spawn(async move {
                    let mut client = client;
                    // To lose an exchange is what this proxy is for; the collector notices.
                    let _ = exchange(&shared, &mut client, &upstream).await;
                });
            }
        }
    }
}

fn bind(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    // Connections that were closed a moment ago still occupy the port.
    socket.set_reuseaddr(true).expect("it is not bound yet");
    socket.bind(address).expect("the port is ours");
    socket
}

async fn arrival(listener: Option<&TcpListener>) -> Option<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.ok().map(|(client, _)| client),
        None => std::future::pending().await,
    }
}

async fn exchange(shared: &Shared, client: &mut TcpStream, upstream: &str) -> io::Result<()> {
    let Some(request) = Incoming::read(client).await? else {
        return Ok(());
    };
    let flight = Flight::begin(shared, &request);
    match due(shared, &request) {
        None => {
            let answer = ask(&request, upstream).await?;
            drop(flight);
            client.write_all(&answer).await
        }
        Some(Fault::LoseAnswer) => ask(&request, upstream).await.map(drop),
        Some(Fault::CutAnswer) => {
            let answer = ask(&request, upstream).await?;
            client.write_all(&answer[..answer.len() / 2]).await
        }
        Some(Fault::Reset) => client.set_zero_linger(),
        Some(Fault::Say(answer)) => {
            drop(flight);
            client.write_all(answer.as_bytes()).await
        }
        Some(Fault::Hold) => {
            let answer = ask(&request, upstream).await?;
            let released = shared.released.notified();
            shared.lock().held += 1;
            shared.changed.notify_all();
            released.await;
            shared.lock().held -= 1;
            drop(flight);
            client.write_all(&answer).await
        }
    }
}

/// The LRS's answer, whole. Once it is here, the LRS has done what it was asked to.
async fn ask(request: &Incoming, upstream: &str) -> io::Result<Vec<u8>> {
    let mut lrs = TcpStream::connect(upstream).await?;
    lrs.write_all(&request.bytes()).await?;
    let mut answer = Vec::new();
    lrs.read_to_end(&mut answer).await?;
    Ok(answer)
}

fn due(shared: &Shared, request: &Incoming) -> Option<Fault> {
    let mut state = shared.lock();
    if state.everything.is_some() {
        return state.everything.clone();
    }
    if request.seen.method != "POST" {
        return None;
    }
    if let Some(text) = &state.refused {
        let text = text.as_bytes();
        if request
            .seen
            .body
            .windows(text.len())
            .any(|part| part == text)
        {
            let lrs = ["X-Experience-API-Version: 1.0.3"];
            return Some(Fault::say(400, &lrs, "refused"));
        }
    }
    state.next_posts.pop_front()
}

/// A request on its way: the ids in it are in flight until it is dropped.
struct Flight<'a> {
    shared: &'a Shared,
    ids: Vec<String>,
}

impl<'a> Flight<'a> {
    fn begin(shared: &'a Shared, request: &Incoming) -> Self {
        let ids = ids(&request.seen.body);
        let mut state = shared.lock();
        state.seen.push(request.seen.clone());
        for id in &ids {
            if state.in_flight.contains(id) {
                state.overlaps.push(id.clone());
            }
        }
        state.in_flight.extend_from_slice(&ids);
        state.at_once += 1;
        state.most_at_once = state.most_at_once.max(state.at_once);
        drop(state);
        Self { shared, ids }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.at_once -= 1;
        for id in &self.ids {
            if let Some(at) = state.in_flight.iter().position(|other| other == id) {
                state.in_flight.swap_remove(at);
            }
        }
        drop(state);
        self.shared.changed.notify_all();
    }
}

fn ids(body: &[u8]) -> Vec<String> {
    let of = |statement: &Value| statement["id"].as_str().map(str::to_owned);
    match serde_json::from_slice(body) {
        Ok(Value::Array(statements)) => statements.iter().filter_map(of).collect(),
        Ok(statement) => of(&statement).into_iter().collect(),
        Err(_) => Vec::new(),
    }
}
