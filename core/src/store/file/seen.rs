//! Kind and owner of a file, read without following a link, and without reading its times ([`super::identity::FileId`]
//! says why).

use std::fs::File;
use std::io;
use std::path::Path;

/// Properties of a file that was found under a name, or is open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) is_file: bool,
    pub(crate) is_link: bool,
    pub(crate) is_folder: bool,
    /// Number of its names (hard links), 1 where the system does not report it.
    pub(crate) names: u64,
    pub(crate) bytes: u64,
    owner: Option<Owner>,
}

impl Seen {
    /// Returns what has this name; none where nothing has, or it cannot be read.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{AtFlags, CWD, statx};
            if let Ok(found) = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, WANTED) {
                return Some(Self::without_its_times(&found));
            }
        }
        std::fs::symlink_metadata(path)
            .ok()
            .map(|found| Self::from(&found))
    }

    pub(crate) fn of(file: &File) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{AtFlags, statx};
            if let Ok(found) = statx(file, "", AtFlags::EMPTY_PATH, WANTED) {
                return Ok(Self::without_its_times(&found));
            }
        }
        file.metadata().map(|found| Self::from(&found))
    }

    #[cfg(target_os = "linux")]
    fn without_its_times(found: &rustix::fs::Statx) -> Self {
        use rustix::fs::FileType;
        let kind = FileType::from_raw_mode(found.stx_mode.into());
        Self {
            is_file: kind == FileType::RegularFile,
            is_link: kind == FileType::Symlink,
            is_folder: kind == FileType::Directory,
            names: found.stx_nlink.into(),
            bytes: found.stx_size,
            owner: Some(Owner {
                user: found.stx_uid,
                group: found.stx_gid,
                mode: u32::from(found.stx_mode) & ALL_BITS,
            }),
        }
    }
}

#[cfg(target_os = "linux")]
const WANTED: rustix::fs::StatxFlags = rustix::fs::StatxFlags::TYPE
    .union(rustix::fs::StatxFlags::MODE)
    .union(rustix::fs::StatxFlags::NLINK)
    .union(rustix::fs::StatxFlags::UID)
    .union(rustix::fs::StatxFlags::GID)
    .union(rustix::fs::StatxFlags::SIZE);

impl From<&std::fs::Metadata> for Seen {
    fn from(found: &std::fs::Metadata) -> Self {
        #[cfg(unix)]
        let (names, owner) = {
            use std::os::unix::fs::MetadataExt as _;
            let owner = Owner {
                user: found.uid(),
                group: found.gid(),
                mode: found.mode() & ALL_BITS,
            };
            (found.nlink(), Some(owner))
        };
        #[cfg(not(unix))]
        let (names, owner) = (1, None);
        Self {
            is_file: found.is_file(),
            is_link: found.is_symlink(),
            is_folder: found.is_dir(),
            names,
            bytes: found.len(),
            owner,
        }
    }
}

/// Permission bits of a mode.
#[cfg(unix)]
const ALL_BITS: u32 = 0o7777;

/// Owner of a file, with its permissions. Some systems do not report them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(unix), allow(dead_code, reason = "nobody tells there"))]
pub(crate) struct Owner {
    user: u32,
    group: u32,
    mode: u32,
}

impl Owner {
    /// Returns the owner of a regular file; none where there is none, or it is not reported.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        Seen::at(path).filter(|seen| seen.is_file)?.owner
    }

    /// Returns the same user and group for a companion file, which only those may use who may write the queue.
    pub(crate) fn of_what_stands_beside(self) -> Self {
        let classes = [0o060, 0o006].into_iter();
        let others = classes.filter(|both| self.mode & both == *both);
        Self {
            mode: 0o600 | others.sum::<u32>(),
            ..self
        }
    }

    /// Gives a file that was just made to this owner. Fails where that is not permitted and the owner could not use the
    /// file.
    #[cfg(unix)]
    pub(crate) fn take(self, made: &File) -> io::Result<()> {
        use std::os::unix::fs::{PermissionsExt as _, fchown};
        let Some(before) = Seen::of(made)?.owner else {
            return Ok(());
        };
        if before.mode != self.mode {
            made.set_permissions(std::fs::Permissions::from_mode(self.mode))?;
        }
        if (before.user, before.group) == (self.user, self.group) {
            return Ok(());
        }
        if fchown(made, Some(self.user), Some(self.group)).is_err() && before.group != self.group {
            // Only root gives files to another user, but a member of a group may give them to that group.
            let _ = fchown(made, None, Some(self.group));
        }
        match Seen::of(made)?.owner {
            Some(now) if now.locks_out(self) => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!(
                    "the queue belongs to another user (number {}), who could not use what is made here: do this as that \
                     user",
                    self.user
                ),
            )),
            _ => Ok(()),
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn take(self, _: &File) -> io::Result<()> {
        Ok(())
    }

    #[cfg(unix)]
    fn locks_out(self, owner: Self) -> bool {
        let lets = |both: u32| self.mode & both == both;
        self.user != owner.user && !lets(0o006) && !(self.group == owner.group && lets(0o060))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn owner(user: u32, group: u32, mode: u32) -> Owner {
        Owner { user, group, mode }
    }

    #[test]
    fn who_may_write_the_queue_may_write_what_stands_beside_it_and_nobody_else() {
        for (queue, beside) in [
            (0o600, 0o600),
            (0o644, 0o600),
            (0o660, 0o660),
            (0o664, 0o660),
            (0o666, 0o666),
            (0o755, 0o600),
        ] {
            let found = owner(1, 1, queue).of_what_stands_beside();
            assert_eq!(found, owner(1, 1, beside), "{queue:o}");
        }
    }

    #[test]
    fn an_owner_is_locked_out_of_what_is_anothers_and_open_to_nobody() {
        let queue = owner(1, 2, 0o660);
        assert!(owner(0, 0, 0o600).locks_out(queue));
        assert!(owner(0, 0, 0o660).locks_out(queue));
        assert!(owner(0, 2, 0o600).locks_out(queue));
        assert!(!owner(0, 2, 0o660).locks_out(queue));
        assert!(!owner(0, 0, 0o666).locks_out(queue));
        assert!(!owner(1, 0, 0o600).locks_out(queue));
    }
}
