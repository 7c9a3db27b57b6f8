//! The folder of contents: a file for each, named by its SHA-256, and those that are still coming.
//!
//! It lies beside the database, and for a hub in memory among the temporary files, from which it goes with the hub. It is
//! made when the first content needs it. A file that no row names, left by a hub that was killed, goes when the folder is
//! opened again, unless another hub has it open: each holds a lock on it. What a killed hub in memory leaves goes when
//! another one makes its folder.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use super::in_place::FileId;

/// Beginning of the names of contents that are still coming.
const COMING: &str = "coming-";

/// Name of the file that is locked as long as a hub has the folder open.
const LOCK: &str = "lock";

/// Beginning of the names of folders among the temporary files.
const TEMPORARY: &str = "pannier-hub-";

pub struct Folder {
    path: PathBuf,
    is_temporary: bool,
    /// The lock, once the folder is there.
    open: Mutex<Option<Held>>,
}

/// A lock on the folder.
struct Held {
    /// Which file it is: somebody may delete it, and the folder with it.
    id: Option<FileId>,
    _file: File,
}

impl Folder {
    /// Returns the folder beside a database.
    pub fn beside(database: &Path) -> Self {
        let mut name = OsString::from(database);
        name.push(".content");
        Self::at(name.into(), false)
    }

    /// Returns a folder that goes with the hub.
    pub fn temporary() -> Self {
        let name = format!("{TEMPORARY}{}", Uuid::new_v4().simple());
        Self::at(std::env::temp_dir().join(name), true)
    }

    fn at(path: PathBuf, is_temporary: bool) -> Self {
        Self {
            path,
            is_temporary,
            open: Mutex::new(None),
        }
    }

    /// Removes what was left behind: contents that did not come whole, and those whose SHA-256 is not `known`. Does
    /// nothing if there is no folder, or another hub has it open.
    pub fn sweep<E: From<io::Error>>(
        &self,
        mut known: impl FnMut(&str) -> Result<bool, E>,
    ) -> Result<(), E> {
        if !self.path.is_dir() {
            return Ok(());
        }
        let lock = private().open(self.path.join(LOCK))?;
        if lock.try_lock().is_err() {
            return Ok(());
        }
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let is_left = name.starts_with(COMING) || is_sha256(name) && !known(name)?;
            if is_left {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Makes an empty file for a content that is coming.
    pub fn coming(&self) -> io::Result<(Coming, File)> {
        self.make()?;
        let name = format!("{COMING}{}", Uuid::new_v4().simple());
        let path = self.path.join(name);
        let file = private().create_new(true).open(&path)?;
        Ok((Coming(path), file))
    }

    /// Returns the path of the content with this SHA-256.
    pub fn path_of(&self, sha256: &str) -> PathBuf {
        self.path.join(sha256)
    }

    /// Gives a content that has come, and is on the disk, its name. One that is there already is replaced: it may have
    /// been damaged.
    pub fn keep(&self, coming: &Coming, sha256: &str) -> io::Result<()> {
        fs::rename(&coming.0, self.path_of(sha256))
    }

    /// Waits until the names in it are on the disk.
    pub fn sync(&self) -> io::Result<()> {
        sync_folder(&self.path)
    }

    /// Makes the folder, which is its owner's alone, and locks it.
    fn make(&self) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there =
            |held: &Held| self.path.is_dir() && held.id == FileId::of(&self.path.join(LOCK));
        if open.as_ref().is_some_and(is_there) {
            return Ok(());
        }
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(&self.path) {
            Ok(()) => {
                let parent = self.path.parent().unwrap_or(Path::new(""));
                sync_folder(parent)?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        // Nobody else finds the lock of a folder of its own before that is held.
        let name = if self.is_temporary { "locking" } else { LOCK };
        let lock = private().open(self.path.join(name))?;
        // Where there are no locks, two hubs on one store are at their own risk.
        let is_held = lock.lock_shared().is_ok();
        if self.is_temporary && is_held {
            fs::rename(self.path.join(name), self.path.join(LOCK))?;
            sweep_temporary(self.path.parent().unwrap_or(Path::new("")));
        }
        *open = Some(Held {
            id: FileId::of(&self.path.join(LOCK)),
            _file: lock,
        });
        Ok(())
    }
}

/// Removes the folders of hubs in memory that are no more. What cannot be removed stays.
fn sweep_temporary(among: &Path) {
    let Ok(entries) = fs::read_dir(among) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.to_string_lossy().starts_with(TEMPORARY) {
            continue;
        }
        let mut existing = OpenOptions::new();
        let lock = existing
            .read(true)
            .write(true)
            .open(entry.path().join(LOCK));
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_temporary {
            // What cannot be removed is left to who tidies the temporary files.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// A file of a content that is coming, or has come and is not kept yet. It is removed when this is dropped.
pub struct Coming(PathBuf);

impl Coming {
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Waits until the content is on the disk.
    pub fn sync(&self) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(&self.0)?;
        file.sync_all()
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        // It has another name if it was kept; what cannot be removed is swept later.
        let _ = fs::remove_file(&self.0);
    }
}

/// Returns options to create a file, or open it, that only this user may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Waits until the names in a folder are on the disk. Windows does that by itself, and has no call for it.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    let path = if path == Path::new("") {
        Path::new(".")
    } else {
        path
    };
    File::open(path)?.sync_all()
}

fn is_sha256(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Folder) -> Vec<String> {
        let entries = fs::read_dir(&folder.path).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    fn sweep(folder: &Folder, known: &str) {
        folder.sweep::<io::Error>(|name| Ok(name == known)).unwrap();
    }

    #[test]
    fn what_nobody_names_is_swept_and_nothing_else() {
        let desk = tempfile::tempdir().unwrap();
        let database = desk.path().join("hub.db");
        let folder = Folder::beside(&database);
        sweep(&folder, "");
        assert!(!folder.path.exists(), "it is not made for nothing");
        let (kept, lost) = ("a".repeat(64), "b".repeat(64));
        for sha256 in [&kept, &lost] {
            let (coming, _) = folder.coming().unwrap();
            folder.keep(&coming, sha256).unwrap();
        }
        // As a hub that is killed leaves it.
        std::mem::forget(folder.coming().unwrap().0);
        fs::write(folder.path.join("notes.txt"), "").unwrap();
        assert_eq!(names(&folder).len(), 5);

        // Somebody has it open.
        sweep(&Folder::beside(&database), &kept);
        assert_eq!(names(&folder).len(), 5);
        drop(folder);
        let folder = Folder::beside(&database);
        sweep(&folder, &kept);
        assert_eq!(names(&folder), [kept.as_str(), LOCK, "notes.txt"]);
    }

    #[test]
    fn what_is_not_kept_goes_and_a_temporary_folder_too() {
        let folder = Folder::temporary();
        let (coming, _) = folder.coming().unwrap();
        drop(coming);
        assert_eq!(names(&folder), [LOCK]);
        let path = folder.path.clone();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_killed_hub_in_memory_left_goes_with_the_next_one() {
        let alive = Folder::temporary();
        let _coming = alive.coming().unwrap();
        let killed = Folder::temporary();
        fs::create_dir(&killed.path).unwrap();
        for name in [LOCK, "coming-1"] {
            fs::write(killed.path.join(name), "").unwrap();
        }
        let next = Folder::temporary();
        let _coming = next.coming().unwrap();
        assert!(!killed.path.exists());
        assert_eq!((names(&alive).len(), names(&next).len()), (2, 2));
    }

    #[cfg(unix)]
    #[test]
    fn contents_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::temporary();
        let (coming, _) = folder.coming().unwrap();
        for (path, wanted) in [(&*folder.path, 0o700), (coming.path(), 0o600)] {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, wanted, "{path:?}");
        }
    }
}
