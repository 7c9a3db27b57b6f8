//! Files kept of a damaged queue, named `….damaged-` and the time, beside the queue that took its place.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::beside;
use super::failing::failed;
use super::folder::{folder, remove};
use super::names::{LEDGER_SUFFIX, with_suffix};
use crate::store::{Millis, StoreError};

const KEPT: &str = ".damaged-";

/// Returns the damaged files that are kept beside the queue, oldest first.
pub(crate) fn kept(path: &Path) -> Vec<PathBuf> {
    let beginning = format!(
        "{}{KEPT}",
        path.file_name().unwrap_or_default().to_string_lossy()
    );
    let Ok(entries) = fs::read_dir(folder(path)) else {
        return Vec::new();
    };
    let mut kept: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|found| {
            let name = found.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&beginning)
        })
        .collect();
    kept.sort();
    kept
}

/// Suffixes of what may be kept together: the file, its log, a copy of a log, and the `.ledger` file.
const PARTS: [&str; 4] = ["", "-wal", "-log", LEDGER];

/// Suffix of a kept `.ledger` file.
pub(crate) const LEDGER: &str = "-ledger";

/// Returns the path that was kept last, passing over a log whose file is kept too.
pub(crate) fn last_kept(path: &Path) -> Option<PathBuf> {
    let mut kept = kept(path);
    kept.retain(|kept| {
        let kept = kept.to_string_lossy();
        let with_its_file = kept
            .strip_suffix("-wal")
            .is_some_and(|file| Path::new(file).exists());
        !with_its_file
    });
    kept.pop()
}

/// Returns everything that was kept together with that path, which comes first.
pub(crate) fn kept_with(kept_at: &Path) -> Vec<PathBuf> {
    let name = kept_at.to_string_lossy();
    let mut parts = PARTS[1..].iter();
    let file = parts.find_map(|part| name.strip_suffix(part));
    let file = Path::new(file.unwrap_or(&name));
    let mut all = vec![kept_at.to_path_buf()];
    let others = PARTS.iter().map(|part| with_suffix(file, part));
    all.extend(others.filter(|other| other != kept_at && other.exists()));
    all
}

/// Copies the log before it is overwritten. Returns the copy's path; none where there is no log.
pub(crate) fn keep_log(path: &Path, kept_at: &Path) -> Result<Option<PathBuf>, StoreError> {
    let log = with_suffix(path, "-wal");
    if !log.metadata().is_ok_and(|log| log.len() > 0) {
        return Ok(None);
    }
    let kept_at = with_suffix(kept_at, "-log");
    // Closing the log drops no locks that count: those are on the database and its -shm.
    beside::copy(&log, &kept_at).map_err(|error| failed(path, &error))?;
    Ok(Some(kept_at))
}

/// Copies the `.ledger` file before it is written anew, or moves it where a copy fails. Returns the new path; none
/// where there is nothing to keep, or that fails too: the queue does not need it.
pub(crate) fn keep_beside(path: &Path, kept_at: &Path) -> Option<PathBuf> {
    let ledger = with_suffix(path, LEDGER_SUFFIX);
    if !fs::symlink_metadata(&ledger).is_ok_and(|it| it.len() > 0) {
        return None;
    }
    let kept_at = with_suffix(kept_at, LEDGER);
    let kept = beside::copy(&ledger, &kept_at).or_else(|_| {
        remove(&kept_at)?;
        fs::rename(&ledger, &kept_at)
    });
    match kept {
        Ok(()) => Some(kept_at),
        Err(error) => {
            tracing::warn!(%error, "what is damaged beside the queue's file could not be kept");
            None
        }
    }
}

/// Returns a free name for what is kept.
pub(crate) fn kept_name(path: &Path, now: Millis) -> PathBuf {
    let mut kept_at = with_suffix(path, &format!("{KEPT}{now}"));
    let is_taken = |kept_at: &Path| {
        let mut parts = PARTS.iter();
        parts.any(|part| fs::symlink_metadata(with_suffix(kept_at, part)).is_ok())
    };
    while is_taken(&kept_at) {
        kept_at = with_suffix(&kept_at, "-again");
    }
    kept_at
}

/// Returns the name at which an interrupted exchange stopped, or a free one.
pub(super) fn name_in_exchange(path: &Path, now: Millis) -> io::Result<PathBuf> {
    let name = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let beginning = format!("{}{KEPT}", name(path).unwrap_or_default());
    // An exchange renames the log first.
    let may_be_broken_off = !with_suffix(path, "-wal").exists();
    for entry in fs::read_dir(folder(path))?.take_while(|_| may_be_broken_off) {
        let found = entry?.path();
        if let Some(kept) = name(&found)
            && kept.starts_with(&beginning)
            && let Some(kept) = kept.strip_suffix("-wal")
            && !found.with_file_name(kept).exists()
        {
            return Ok(found.with_file_name(kept));
        }
    }
    Ok(kept_name(path, now))
}
