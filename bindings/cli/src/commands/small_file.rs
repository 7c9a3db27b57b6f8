//! Small files that an option names: credentials, certificates, defaults.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::Failure;
use super::input::packed;
use crate::terminal::one_line;

/// Largest size, in MiB: the certificates of all authorities of the web are a tenth of it.
const MOST_MIB: u64 = 4;

/// Reads its content; `what` says what that should be.
pub fn bytes(path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    let most = MOST_MIB << 20;
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let shown = || one_line(path.display());
    let bytes = read().map_err(|error| {
        Failure::usage(format!("cannot read the {what} in {}: {error}", shown()))
    })?;
    if bytes.len() as u64 > most {
        return Err(Failure::usage(format!(
            "{} is longer than {MOST_MIB} MiB: name a file with the {what}, and nothing else in it",
            shown()
        )));
    }
    Ok(bytes)
}

/// Reads a text in UTF-8, without a byte order mark.
pub fn text(path: &Path, what: &str) -> Result<String, Failure> {
    let bytes = bytes(path, what)?;
    let wrong = |why: &str| Failure::usage(format!("{} is {why}", one_line(path.display())));
    if let Some(other) = packed::what(&bytes) {
        return Err(wrong(other));
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| wrong("no text in UTF-8: save it as UTF-8"))?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        match text(&path, "credentials") {
            Ok(text) => text,
            Err(failure) => failure.text,
        }
    }

    #[test]
    fn a_text_is_read_and_what_is_none_is_named() {
        assert_eq!(said("\u{feff}user = ä".as_bytes()), "user = ä");
        assert!(said(b"\xff\xfeu\0s\0").contains("UTF-16"));
        assert!(said(b"u\0s\0e\0").contains("UTF-16"));
        assert!(said(b"user = \xe4").contains("no text in UTF-8"));
        assert!(said(&vec![b' '; (4 << 20) + 1]).contains("longer than 4 MiB"));
        assert_eq!(said(&vec![b' '; 4 << 20]).len(), 4 << 20);
    }

    #[cfg(unix)]
    #[test]
    fn what_never_ends_is_not_read_to_its_end() {
        let failure = bytes(Path::new("/dev/zero"), "certificates").unwrap_err();
        assert!(failure.text.contains("longer than"), "{}", failure.text);
    }
}
