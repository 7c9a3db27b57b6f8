//! Credentials from the environment or a file. Never from arguments: every user of a machine can read
//! the arguments of every process.

use std::path::Path;

use super::{Failure, arguments, small_file};
use crate::terminal::one_line;

/// Credentials that were found; each part may be missing.
#[derive(Default, PartialEq, Eq)]
pub struct Named {
    /// A user name or key.
    pub user: Option<String>,
    /// A password or secret.
    pub password: Option<String>,
    /// A bearer token.
    pub token: Option<String>,
    /// The value that follows `Basic` in a header, as some LRSs hand it out.
    pub basic: Option<String>,
}

/// Reads `PREFIX_USER`, `PREFIX_PASSWORD`, `PREFIX_TOKEN` and `PREFIX_BASIC`, or the file instead, if one is named.
pub fn read(prefix: &str, file: Option<&Path>) -> Result<Named, Failure> {
    let Some(path) = file else {
        let variable = |name: &str| arguments::variable(&format!("{prefix}_{name}"));
        return Ok(Named {
            user: variable("USER"),
            password: variable("PASSWORD"),
            token: variable("TOKEN"),
            basic: variable("BASIC"),
        });
    };
    let text = small_file::text(path, "credentials")?;
    let named = parse(&text).map_err(|line| {
        Failure::usage(format!(
            "line {line} of {} is none of `user = …`, `password = …`, `token = …` and `basic = …`, or the second of its kind",
            one_line(path.display())
        ))
    })?;
    if named == Named::default() {
        return Err(Failure::usage(format!(
            "{} names no credentials: give it lines `user = …` and `password = …`, or `token = …`, or `basic = …`; to \
             send without any, leave the option out",
            one_line(path.display())
        )));
    }
    Ok(named)
}

/// Reads lines `name = value`; empty ones and those that begin with `#` are ignored. The error is the number of a
/// line that is anything else or repeats a name; its text is not repeated.
fn parse(text: &str) -> Result<Named, usize> {
    let mut named = Named::default();
    // Some editors end lines with CR alone.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once('=').ok_or(index + 1)?;
        let place = match name.trim() {
            "user" => &mut named.user,
            "password" => &mut named.password,
            "token" => &mut named.token,
            "basic" => &mut named.basic,
            _ => return Err(index + 1),
        };
        if place.replace(value.trim().to_owned()).is_some() {
            return Err(index + 1);
        }
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_them() {
        let named = parse("# of the test\n\nuser = me\r\npassword=a = b # c\n").unwrap();
        assert_eq!(
            (named.user.as_deref(), named.password.as_deref()),
            (Some("me"), Some("a = b # c"))
        );
        assert!(named.token.is_none() && named.basic.is_none());
        assert_eq!(parse("user = me\nsecret").err(), Some(2));
        assert_eq!(parse("pass = me").err(), Some(1));
        let named = parse("user = me\rpassword = secret\r").unwrap();
        assert_eq!(
            (named.user.as_deref(), named.password.as_deref()),
            (Some("me"), Some("secret"))
        );
        assert_eq!(parse("user = me\r\rsecret").err(), Some(3));
        // Which of two is meant nobody can tell.
        assert_eq!(parse("user = me\n\nuser = you").err(), Some(3));
    }
}
