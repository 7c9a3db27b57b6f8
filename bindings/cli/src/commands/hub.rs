//! `pannier hub`: a small LRS on this machine.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use uuid::Uuid;

use super::credentials::{self, Named};
use super::signals::Ending;
use super::{Failure, Output};
use crate::terminal::one_line;
use pannier_hub::{Hub, Lines, Options, StartError, Storage};

/// Run a small LRS on this machine
///
/// For the first hour with Pannier and for tests. It speaks xAPI 1.0.3 and 2.0.0: statements with attachments,
/// voiding and all filters, and About. It keeps them in memory unless --store names a file, beside which a folder
/// FILE.content gets the long contents of attachments. It listens to this machine only unless --listen says
/// otherwise, and writes a line for each request to standard error.
#[derive(Args, Debug)]
#[command(after_long_help = "\
The user and the password come from PANNIER_HUB_USER and PANNIER_HUB_PASSWORD, or from a file of lines
`user = …` and `password = …`; never from the arguments, which other users of the machine can read.
Without a password the hub makes one and prints it once.

Examples:
  pannier hub
  pannier hub --store lrs.db --listen 9000
  pannier hub --listen 0.0.0.0:8080           every machine that can reach this one
  PANNIER_LRS_USER=me PANNIER_LRS_PASSWORD=secret pannier sync --lrs http://127.0.0.1:8080/xAPI")]
pub struct HubArgs {
    /// Where to listen: a port of this machine, or ADDRESS:PORT; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,

    /// A file to keep the statements in; without it they go when it stops
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,

    /// A file with the user and the password
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,

    /// Write nothing about requests
    #[arg(long)]
    quiet: bool,
}

/// Reads an address. `8080` and `:8080` are ports of this machine alone: to be reached by others, name an address.
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = port.parse() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    if let Ok(addr) = text.parse() {
        return Ok(addr);
    }
    let is_named =
        |(host, port): (&str, &str)| !host.contains([':', '/']) && port.parse::<u16>().is_ok();
    if !text.rsplit_once(':').is_some_and(is_named) {
        return Err("write a port, or an address and a port: 8080, localhost:8080, 0.0.0.0:8080, [::1]:8080".into());
    }
    let found = text.to_socket_addrs().map_err(|error| error.to_string())?;
    // Most clients also try the older kind of address, and some try no other.
    let mut found: Vec<SocketAddr> = found.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    found
        .first()
        .copied()
        .ok_or_else(|| "no address has that name".into())
}

/// Runs a hub until Ctrl-C.
pub fn run(args: &HubArgs, output: Output) -> Result<(), Failure> {
    let (user, told) = let_in(args)?;
    let made = told.is_none();
    let password = told.unwrap_or_else(|| Uuid::new_v4().simple().to_string());
    let lines = Lines::start()
        .map_err(|error| Failure::open(format!("cannot tell of the requests: {error}")))?;
    let options = Options {
        addr: args.listen,
        storage: args.store.clone().map_or(Storage::Memory, Storage::File),
        watch: (!args.quiet).then(|| lines.watch()),
        notice: Some(lines.notice()),
        ..Options::new(&user, &password)
    };
    let mut ending = Ending::listen()?;
    let hub = Hub::start(&options).map_err(|error| {
        let todo = match error {
            StartError::Listen(..) => "; name another port with --listen, where 0 takes a free one",
            StartError::Runtime(_) => "; close some programs and start it again",
            StartError::Store(_) => "",
        };
        Failure::open(format!("{error}{todo}"))
    })?;
    drop(options);
    let banner = Banner {
        url: hub.url(),
        network: hub.network_url(),
        user: &user,
        password: made.then_some(&password),
        store: args.store.as_ref().map(|it| it.display().to_string()),
        ready: true,
    };
    if made {
        // A hub whose password nobody knows is of no use.
        output.list(&banner, &banner)?;
    } else {
        output.show(&banner, &banner);
    }
    ending.wait();
    let stopped = hub.shutdown();
    lines.end();
    stopped.map_err(|error| Failure::work(format!("the hub failed: {error}")))
}

/// Returns the user to let in, and the password that was named, if one was.
fn let_in(args: &HubArgs) -> Result<(String, Option<String>), Failure> {
    let named = credentials::read("PANNIER_HUB", args.credentials.as_deref())?;
    let Named {
        user,
        password,
        token,
        basic,
    } = named;
    if token.is_some() || basic.is_some() {
        return Err(Failure::usage(
            "the hub lets in by a user and a password only: give these, and no token and no basic",
        ));
    }
    if password.as_ref().is_some_and(String::is_empty) {
        return Err(Failure::usage(
            "the password is empty, and would let in everybody: give one, or none at all, and the hub makes one",
        ));
    }
    match user.as_deref() {
        Some("") => {
            return Err(Failure::usage(
                "the user is empty: name one, or leave the line out, and it is \"pannier\"",
            ));
        }
        Some(user) if user.contains(':') => {
            return Err(Failure::usage(
                "the user must not contain a colon, which ends it in a header (RFC 7617): nobody could log in",
            ));
        }
        _ => {}
    }
    Ok((user.unwrap_or_else(|| "pannier".to_owned()), password))
}

/// Message once the hub answers.
#[derive(Serialize)]
struct Banner<'a> {
    ready: bool,
    url: String,
    /// URL for other machines, if it listens to them.
    network: Option<String>,
    user: &'a str,
    /// Password, if it is one that nobody knows yet.
    password: Option<&'a String>,
    store: Option<String>,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "LRS       {}", self.url)?;
        if let Some(network) = &self.network {
            writeln!(
                f,
                "          {network} from other machines; the password travels readable there"
            )?;
        }
        writeln!(f, "user      {}", self.user)?;
        if let Some(password) = self.password {
            writeln!(f, "password  {password}")?;
        }
        match &self.store {
            Some(store) => writeln!(f, "store     {}", one_line(store))?,
            None => writeln!(
                f,
                "store     in memory: statements are gone when the hub stops; --store FILE keeps them"
            )?,
        }
        f.write_str("ready; Ctrl-C stops it")
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (text, addr) in [
            ("8080", "127.0.0.1:8080"),
            (":8080", "127.0.0.1:8080"),
            ("localhost:8080", "127.0.0.1:8080"),
            ("0.0.0.0:0", "0.0.0.0:0"),
            ("[::1]:8080", "[::1]:8080"),
        ] {
            assert_eq!(address(text).unwrap().to_string(), addr, "{text}");
        }
        for text in [
            "",
            ":",
            "localhost",
            "::1",
            "127.0.0.1",
            "localhost:99999",
            "http://localhost:8080",
        ] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
