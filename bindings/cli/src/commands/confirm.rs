//! Asking before something that cannot be taken back.

use std::io::{self, BufRead, IsTerminal, Write};

use super::Failure;
use crate::terminal::safe;

/// Goes on if the user says so, or has said so by `--yes`. Where there is nobody to ask, nothing is done.
pub fn ask(yes: bool, what: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let (stdin, mut stderr) = (io::stdin(), io::stderr());
    if !(stdin.is_terminal() && stderr.is_terminal()) {
        return Err(Failure::usage(format!("{what}. Say --yes to do it")));
    }
    let mut answer = String::new();
    let asked = write!(stderr, "{}. Go on? [y/N] ", safe(what))
        .and_then(|()| stderr.flush())
        .and_then(|()| stdin.lock().read_line(&mut answer));
    match asked {
        Ok(_) if matches!(answer.trim(), "y" | "Y" | "yes") => Ok(()),
        _ => Err(Failure::work("nothing was done")),
    }
}
