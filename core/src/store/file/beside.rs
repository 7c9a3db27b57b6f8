//! Companion files of a queue: checked before they are touched, and opened for use only here.
//!
//! Each of them has the queue's name with a suffix. Somebody may have put something else there: a link, through which
//! another file would be emptied or overwritten; a file that has another name too; or another program's file.
//! [`must_be_ours`] refuses such a queue before any of it is opened, and names what is in the way. [`open`] refuses
//! what is put there later. A file made here belongs to the queue's owner.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use super::failing::{in_the_way, is_absent, unusable};
use super::identity::owner_of;
use super::names::{
    ALL, LEDGER_SUFFIX, MARK_SUFFIX, PROBE_SUFFIX, RESCUE_SUFFIX, RESCUED_SUFFIX, RESERVE_SUFFIX,
    SYNC_SUFFIX, USERS_SUFFIX, with_suffix,
};
use super::recognised;
use super::seen::{Owner, Seen};
use crate::store::StoreError;

/// Refuses a queue with a companion file that is not its own: a link, a file with another name, a pipe, which would
/// block whoever opens it for ever, or a file that Pannier never wrote. Also refuses a log that is closed to us.
/// Changes nothing.
pub(crate) fn must_be_ours(queue: &Path) -> Result<(), StoreError> {
    for suffix in ALL {
        let beside = with_suffix(queue, suffix);
        let Some(seen) = Seen::at(&beside) else {
            continue;
        };
        // Opening one of these fails by itself where it is a folder.
        let may_be_folder = [LEDGER_SUFFIX, RESERVE_SUFFIX, USERS_SUFFIX, SYNC_SUFFIX];
        if let Some(what) = oddity(&seen)
            && !(seen.is_folder && may_be_folder.contains(&suffix))
        {
            return Err(in_the_way(queue, &beside, what));
        }
        let is_ours = !seen.is_file
            || match suffix {
                USERS_SUFFIX => recognised::is_list_of_users(&beside),
                MARK_SUFFIX => seen.bytes == 0,
                RESERVE_SUFFIX | PROBE_SUFFIX => recognised::is_room(&beside),
                "-journal" => recognised::is_journal(&beside) || recognised::is_being_made(queue),
                "-shm" => recognised::is_memory(queue, &seen)?,
                RESCUED_SUFFIX => recognised::is_successor(&beside)?,
                _ => true,
            };
        if !is_ours {
            return Err(in_the_way(queue, &beside, FOREIGN));
        }
    }
    must_be_unfinished(queue, &with_suffix(queue, RESCUE_SUFFIX))?;
    must_have_its_log(queue)
}

/// Refuses a foreign `.ledger` file or log beside a queue that is absent or empty: the first record would discard it.
/// Beside an existing queue, a damaged one is kept instead.
pub(crate) fn must_be_of_a_queue(queue: &Path) -> Result<(), StoreError> {
    let ledger = with_suffix(queue, LEDGER_SUFFIX);
    if !recognised::is_ledger(queue)? {
        return Err(in_the_way(queue, &ledger, FOREIGN));
    }
    let log = with_suffix(queue, "-wal");
    if !recognised::is_log(&log) {
        return Err(in_the_way(queue, &log, FOREIGN));
    }
    Ok(())
}

/// Refuses leftovers of an unfinished replacement file that are not ours: they are about to be deleted.
pub(crate) fn must_be_unfinished(queue: &Path, rescue: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let left = with_suffix(rescue, suffix);
        let Some(seen) = Seen::at(&left) else {
            continue;
        };
        let is_ours = match suffix {
            "" => recognised::is_unfinished(&left),
            "-wal" => recognised::is_log(&left),
            "-shm" => recognised::is_memory(rescue, &seen)?,
            _ => recognised::is_journal(&left),
        };
        // A power cut may have torn it anywhere.
        let is_ours = is_ours || recognised::is_no_text(&left);
        let what = oddity(&seen).or_else(|| (!is_ours).then_some(FOREIGN));
        if let Some(what) = what {
            return Err(in_the_way(queue, &left, what));
        }
    }
    Ok(())
}

const FOREIGN: &str = "is not a file of Pannier's";

/// Describes what makes an entry unusable as a companion file, whatever its content.
fn oddity(seen: &Seen) -> Option<&'static str> {
    match seen {
        _ if seen.is_link => Some("is a link"),
        _ if seen.is_folder => Some("is a folder"),
        _ if !seen.is_file => Some("is no file"),
        _ if seen.names > 1 => Some("has another name too (a hard link)"),
        _ => None,
    }
}

/// Opens a companion file for reading and writing, and makes it for the queue's owner where it is absent. Anything but
/// a regular file with one name is an error, and stays as it is.
pub(crate) fn open(queue: &Path, beside: &Path) -> io::Result<File> {
    match open_there(beside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    let owner = owner_of(queue).map(Owner::of_what_stands_beside);
    match make(beside, owner) {
        // Another process was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open_there(beside),
        made => made,
    }
}

/// Opens a companion file that exists already.
pub(crate) fn open_there(beside: &Path) -> io::Result<File> {
    let odd = |seen: &Seen| {
        let what = oddity(seen)?;
        Some(io::Error::other(format!("{what}: move it away")))
    };
    // Opening a pipe would block, and not every system refuses to follow a link.
    if let Some(odd) = Seen::at(beside).as_ref().and_then(odd) {
        return Err(odd);
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    follow_no_link(&mut options);
    let file = options.open(beside)?;
    match odd(&Seen::of(&file)?) {
        Some(odd) => Err(odd),
        None => Ok(file),
    }
}

/// Makes a file where there is none, for `owner`, or for this user alone: it holds learners' records, or counts of
/// them. Where the owner could not use it, the file is removed again.
pub(crate) fn make(path: &Path, owner: Option<Owner>) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = options.open(path)?;
    if let Some(Err(error)) = owner.map(|owner| owner.take(&file)) {
        fs::remove_file(path)?;
        return Err(error);
    }
    Ok(file)
}

/// Copies a file to a name that is free, for the same owner.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true);
    follow_no_link(&mut options);
    let mut from_file = options.open(from)?;
    let mut made = make(to, None)?;
    if let Some(Err(error)) = Owner::of(from).map(|owner| owner.take(&made)) {
        tracing::debug!(%error, "the owner of the queue cannot use a copy that is kept");
    }
    io::copy(&mut from_file, &mut made)?;
    Ok(())
}

/// Refuses, where the system can, a link that was put there since the check.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn follow_no_link(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn follow_no_link(_: &mut OpenOptions) {}

/// Refuses a queue whose log or shared memory exists and is closed to us: SQLite would discard the log, or say only
/// that it failed. They are not opened for the check: on Unix, closing them again would drop all locks that this
/// process has on them.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn must_have_its_log(queue: &Path) -> Result<(), StoreError> {
    use rustix::fs::{Access, access};
    for log in ["-wal", "-shm"].map(|suffix| with_suffix(queue, suffix)) {
        if fs::symlink_metadata(&log).is_ok()
            && let Err(error) = access(&log, Access::READ_OK | Access::WRITE_OK)
            && !is_absent(&log, &error.into())
        {
            return Err(unusable(queue, &log, &error.into()));
        }
    }
    Ok(())
}

/// Refuses nothing: where permissions are of another kind, SQLite reports the failure.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn must_have_its_log(_: &Path) -> Result<(), StoreError> {
    let _ = (is_absent, unusable);
    Ok(())
}

/// Makes an empty file for this user alone where there is none: SQLite would make one that everybody can read. The log
/// and the shared memory get the same permissions.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    match make(path, None) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
