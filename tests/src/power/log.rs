//! What the witness wrote down.

/// One thing that a process did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A file that was not there before was opened.
    Create {
        /// Its number; a deleted file's may be given out again.
        inode: u64,
        /// Its name in the folder, with that of a folder in it before it: `folder/file`.
        name: String,
    },
    /// Bytes were written.
    Write {
        /// The file.
        inode: u64,
        /// Where in the file.
        at: usize,
        /// What.
        bytes: Vec<u8>,
    },
    /// A file was given another length.
    Truncate {
        /// The file.
        inode: u64,
        /// Its bytes from now on.
        length: usize,
    },
    /// Everything written to this file is on the disk.
    Sync {
        /// The file.
        inode: u64,
    },
    /// A folder was made in the folder.
    CreateFolder {
        /// Its name.
        name: String,
    },
    /// Every change of a name in this folder is on the disk.
    SyncFolder {
        /// Its name; empty for the folder that is watched.
        name: String,
    },
    /// A name was taken away.
    Unlink {
        /// The name.
        name: String,
    },
    /// A name was changed.
    Rename {
        /// The old name.
        from: String,
        /// The new one; what had it before has none any more.
        to: String,
    },
    /// The process said something: from then on it is held to it.
    Say(String),
}

/// Reads the whole log. What is said comes in pieces; it is told a line at a time.
pub(super) fn read(mut log: &[u8]) -> Vec<Act> {
    let mut acts = Vec::new();
    let mut said = Vec::new();
    while !log.is_empty() {
        let kind = log[0];
        let number = |n: usize| {
            let bytes = log[1 + 8 * n..][..8].try_into().expect("eight bytes");
            u64::from_le_bytes(bytes)
        };
        let (inode, at, length) = (number(0), number(1) as usize, number(2) as usize);
        let bytes = &log[25..25 + length];
        log = &log[25 + length..];
        let text = || String::from_utf8(bytes.to_vec()).expect("names are text");
        acts.push(match kind {
            b'c' => Act::Create {
                inode,
                name: text(),
            },
            b'w' => Act::Write {
                inode,
                at,
                bytes: bytes.to_vec(),
            },
            b't' => Act::Truncate { inode, length: at },
            b's' => Act::Sync { inode },
            b'm' => Act::CreateFolder { name: text() },
            b'd' => Act::SyncFolder { name: text() },
            b'u' => Act::Unlink { name: text() },
            b'r' => {
                let both = text();
                let (from, to) = both.split_once('\0').expect("two names");
                Act::Rename {
                    from: from.to_owned(),
                    to: to.to_owned(),
                }
            }
            b'o' => {
                said.extend_from_slice(bytes);
                while let Some(end) = said.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = said.drain(..=end).take(end).collect();
                    acts.push(Act::Say(String::from_utf8(line).expect("text")));
                }
                continue;
            }
            other => panic!("the witness knows no {}", char::from(other)),
        });
    }
    acts
}
