//! Asking before something that cannot be taken back.

use std::io::{self, BufRead, IsTerminal, Write};

use super::Failure;
use crate::terminal::safe;

/// Asks the user to agree, unless `--yes` was given. Fails if the user does not, or if there is nobody to ask.
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
