//! Contents on their way: short ones in memory, others in files, whatever their number and length.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};

use super::folder::{Coming, Folder};
use crate::hash::Hasher;

/// Longest content that stays in memory, and in the database: a file for each signature would cost more than it is long.
const SHORT: usize = 16 * 1024;

/// Bytes of short contents of a request that stay in memory.
const SHORT_ONES: usize = 1024 * 1024;

/// Contents of one request.
pub struct Spool<'f> {
    folder: &'f Folder,
    /// Bytes that may still stay in memory.
    room: usize,
}

impl<'f> Spool<'f> {
    pub fn new(folder: &'f Folder) -> Self {
        Self {
            folder,
            room: SHORT_ONES,
        }
    }

    /// Begins a content.
    pub fn begin(&mut self, hasher: Hasher) -> Incoming<'_, 'f> {
        Incoming {
            spool: self,
            hasher,
            octets: 0,
            short: Vec::new(),
            long: None,
        }
    }
}

/// A content that is coming.
pub struct Incoming<'s, 'f> {
    spool: &'s mut Spool<'f>,
    hasher: Hasher,
    octets: u64,
    short: Vec<u8>,
    long: Option<(Coming, File)>,
}

impl Incoming<'_, '_> {
    /// Takes more of it.
    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.octets += bytes.len() as u64;
        if self.long.is_none() && self.short.len() + bytes.len() > SHORT {
            self.move_to_file()?;
        }
        if let Some((_, file)) = &mut self.long {
            return file.write_all(bytes);
        }
        self.short.extend_from_slice(bytes);
        Ok(())
    }

    fn move_to_file(&mut self) -> io::Result<()> {
        let (coming, mut file) = self.spool.folder.coming()?;
        file.write_all(&std::mem::take(&mut self.short))?;
        self.long = Some((coming, file));
        Ok(())
    }

    /// Ends it. Returns it and its hash, of the kind that was named.
    pub fn finish(mut self) -> io::Result<(Content, String)> {
        if self.short.len() > self.spool.room {
            self.move_to_file()?;
        }
        self.spool.room -= self.short.len();
        let (sha256, named) = self.hasher.finish();
        let place = match self.long {
            Some((coming, _)) => Place::File(coming),
            None => Place::Memory(self.short),
        };
        let content = Content {
            octets: self.octets,
            sha256,
            place,
        };
        Ok((content, named))
    }
}

/// A content that has come whole, and is kept by nobody yet.
pub struct Content {
    pub octets: u64,
    pub sha256: String,
    pub place: Place,
}

pub enum Place {
    Memory(Vec<u8>),
    File(Coming),
}

impl Content {
    /// Reads its first so many bytes into memory.
    pub fn beginning(&self, most: u64) -> io::Result<Vec<u8>> {
        let mut beginning = Vec::new();
        match &self.place {
            Place::Memory(bytes) => bytes.as_slice().take(most).read_to_end(&mut beginning)?,
            Place::File(coming) => {
                let file = File::open(coming.path())?;
                file.take(most).read_to_end(&mut beginning)?
            }
        };
        Ok(beginning)
    }

    /// Reads it into memory.
    pub fn read(&self) -> io::Result<Cow<'_, [u8]>> {
        match &self.place {
            Place::Memory(bytes) => Ok(Cow::Borrowed(bytes)),
            Place::File(coming) => fs::read(coming.path()).map(Cow::Owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spooled(spool: &mut Spool, bytes: &[u8]) -> Content {
        let hasher = Hasher::like(&"0".repeat(96)).unwrap();
        let mut incoming = spool.begin(hasher);
        for piece in bytes.chunks(1000) {
            incoming.put(piece).unwrap();
        }
        let (content, named) = incoming.finish().unwrap();
        assert_eq!(content.octets, bytes.len() as u64);
        assert_eq!(content.sha256, crate::hash::sha256(bytes));
        assert_eq!(pannier_signature::has_sha2(bytes, &named), Some(true));
        assert_eq!(named.len(), 96);
        assert_eq!(&*content.read().unwrap(), bytes);
        content
    }

    #[test]
    fn a_short_one_stays_in_memory_while_there_is_room() {
        let folder = Folder::temporary();
        let mut spool = Spool::new(&folder);
        let (short, long) = (vec![7; SHORT], vec![7; SHORT + 1]);
        let is_file = |content: &Content| matches!(content.place, Place::File(_));
        assert!(!is_file(&spooled(&mut spool, b"")));
        assert!(!is_file(&spooled(&mut spool, &short)));
        assert!(is_file(&spooled(&mut spool, &long)));
        let others = (0..SHORT_ONES / SHORT - 1).map(|_| spooled(&mut spool, &short));
        assert!(others.into_iter().all(|content| !is_file(&content)));
        assert!(is_file(&spooled(&mut spool, &short)), "no room is left");
        assert!(is_file(&spooled(&mut spool, b"7")));
    }
}
