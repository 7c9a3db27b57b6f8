//! A queue's file has one name.
//!
//! Its write-ahead log and the memory that its users share lie beside it under that name. Whoever opens the same file
//! by another name (a hard link, or the single file mounted into a container) sees neither, and each of the two
//! overwrites what the other has committed.

use std::path::Path;

use crate::store::StoreError;

/// Refuses a file that has another name too. A file that does not exist yet has none.
pub(crate) fn must_have_one_name(queue: &Path) -> Result<(), StoreError> {
    let reason = match names_of(queue) {
        Names { mounted: true, .. } => {
            "this one file is mounted here, and what belongs beside it is not: mount its folder instead"
                .to_owned()
        }
        Names { links, .. } if links > 1 => format!(
            "the file has {links} names (hard links), and two that are used at once destroy it: delete the others, \
             or copy the file while nobody uses it"
        ),
        Names { .. } => return Ok(()),
    };
    Err(StoreError::CannotOpen {
        path: queue.to_path_buf(),
        reason,
    })
}

#[derive(Default)]
struct Names {
    links: u64,
    mounted: bool,
}

/// Returns the file's names, without reading its times: see [`super::identity::FileId`].
#[cfg(target_os = "linux")]
fn names_of(path: &Path) -> Names {
    use rustix::fs::{AtFlags, CWD, FileType, StatxAttributes, StatxFlags, statx};
    let wanted = StatxFlags::NLINK | StatxFlags::TYPE;
    match statx(CWD, path, AtFlags::empty(), wanted) {
        Ok(found) if FileType::from_raw_mode(found.stx_mode.into()) == FileType::RegularFile => {
            Names {
                links: found.stx_nlink.into(),
                mounted: found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT),
            }
        }
        _ => Names::default(),
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn names_of(path: &Path) -> Names {
    use std::os::unix::fs::MetadataExt as _;
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => Names {
            links: found.nlink(),
            mounted: false,
        },
        _ => Names::default(),
    }
}

#[cfg(not(unix))]
fn names_of(_: &Path) -> Names {
    Names::default()
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use crate::store::tests::{MAIN, NOW, append, file, open};
    use crate::store::{Db, Durability, StoreError};

    #[test]
    fn a_file_with_two_names_is_refused_by_both_and_keeps_everything() {
        let (folder, path) = file();
        append(&mut open(&path), 1).unwrap();
        let other = folder.path().join("other.db");
        fs::hard_link(&path, &other).unwrap();
        for name in [&path, &other] {
            let refused = Db::open(name, Durability::ProcessCrash, NOW);
            let Err(StoreError::CannotOpen { reason, .. }) = refused else {
                panic!("{refused:?}");
            };
            assert!(reason.contains("2 names"), "{reason}");
        }
        fs::remove_file(&other).unwrap();
        let mut db = open(&path);
        append(&mut db, 2).unwrap();
        assert_eq!(db.ledger(MAIN).unwrap().queued, 2);
    }
}
