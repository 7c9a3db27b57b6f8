//! A disk that forgets what was not synced.
//!
//! What it keeps of the rest is up to chance, within what disks and file systems allow:
//!
//! - of a write, any of its sectors of 512 bytes, and of several writes any of them, in any order;
//! - a file that has grown without its bytes has zeros there, or what lay on the disk before;
//! - a new length, or not;
//! - of changed names the first so many: file systems keep their order. A synced file is not yet a
//!   synced name; that takes a sync of the folder that it is in, and of the one that this is in.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use fastrand::Rng;

use super::log::Act;

const SECTOR: usize = 512;

/// The files of one folder, and of folders in it: as processes see them, and as the disk has them.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    files: Vec<File>,
    /// The file that has this inode now.
    by_inode: HashMap<u64, usize>,
    synced_names: BTreeMap<String, Named>,
    renamed_since: Vec<Naming>,
}

#[derive(Debug, Clone, Default)]
struct File {
    synced: Vec<u8>,
    since: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

/// What has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    File(usize),
    Folder,
}

#[derive(Debug, Clone)]
enum Naming {
    Create(String, Named),
    Unlink(String),
    Rename(String, String),
}

/// What lies on the disk when it has power again: names and contents.
pub type Remains = BTreeMap<String, Vec<u8>>;

impl Disk {
    /// A disk with the files of this folder, all synced.
    pub fn holding(folder: &Path) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let mut disk = Self::default();
        for entry in fs::read_dir(folder).expect("it is there") {
            let entry = entry.expect("it can be read");
            let name = entry.file_name().into_string().expect("names are text");
            let inode = entry.metadata().expect("it is there").ino();
            let synced = fs::read(entry.path()).expect("a file");
            disk.by_inode.insert(inode, disk.files.len());
            let file = Named::File(disk.files.len());
            disk.synced_names.insert(name, file);
            disk.files.push(File {
                synced,
                since: Vec::new(),
            });
        }
        disk
    }

    /// A process did this.
    pub fn act(&mut self, act: &Act) {
        match act {
            Act::Create { inode, name } => {
                let file = Named::File(self.files.len());
                self.by_inode.insert(*inode, self.files.len());
                self.renamed_since.push(Naming::Create(name.clone(), file));
                self.files.push(File::default());
            }
            Act::CreateFolder { name } => {
                let folder = Naming::Create(name.clone(), Named::Folder);
                self.renamed_since.push(folder);
            }
            Act::Write { inode, at, bytes } => {
                self.file(*inode)
                    .since
                    .push(Change::Write(*at, bytes.clone()));
            }
            Act::Truncate { inode, length } => {
                self.file(*inode).since.push(Change::Length(*length));
            }
            Act::Sync { inode } => {
                let file = self.file(*inode);
                for change in std::mem::take(&mut file.since) {
                    change.make(&mut file.synced);
                }
            }
            Act::SyncFolder { name } => {
                for naming in std::mem::take(&mut self.renamed_since) {
                    if naming.folder() == name {
                        naming.make(&mut self.synced_names);
                    } else {
                        self.renamed_since.push(naming);
                    }
                }
            }
            Act::Unlink { name } => self.renamed_since.push(Naming::Unlink(name.clone())),
            Act::Rename { from, to } => {
                self.renamed_since
                    .push(Naming::Rename(from.clone(), to.clone()));
            }
            Act::Say(_) => {}
        }
    }

    /// Bytes written and not synced to the file that ends so.
    pub fn unsynced(&self, suffix: &str) -> usize {
        let name = self
            .names(usize::MAX)
            .into_iter()
            .find(|(name, _)| name.ends_with(suffix));
        let Some((_, file)) = name else { return 0 };
        let bytes = self.files[file].since.iter().map(|change| match change {
            Change::Write(_, bytes) => bytes.len(),
            Change::Length(_) => 0,
        });
        bytes.sum()
    }

    /// The process is killed: everything is there, whether synced or not.
    pub fn after_kill(&self) -> Remains {
        self.remains(usize::MAX, |file| {
            let mut bytes = file.synced.clone();
            file.since.iter().for_each(|change| change.make(&mut bytes));
            bytes
        })
    }

    /// The power is cut.
    pub fn after_power_cut(&self, chance: &mut Rng) -> Remains {
        let names = match chance.u8(..3) {
            0 => 0,
            1 => self.renamed_since.len(),
            _ => chance.usize(..=self.renamed_since.len()),
        };
        self.remains(names, |file| file.after_power_cut(chance))
    }

    fn remains(&self, names: usize, mut bytes: impl FnMut(&File) -> Vec<u8>) -> Remains {
        let names = self.names(names).into_iter();
        names
            .map(|(name, file)| (name, bytes(&self.files[file])))
            .collect()
    }

    /// Names of files, in folders that have a name.
    fn names(&self, since: usize) -> BTreeMap<String, usize> {
        let mut names = self.synced_names.clone();
        for naming in self.renamed_since.iter().take(since) {
            naming.clone().make(&mut names);
        }
        let is_there =
            |folder: &str| folder.is_empty() || names.get(folder) == Some(&Named::Folder);
        let files = names.iter().filter_map(|(name, named)| match named {
            Named::File(file) if is_there(folder_of(name)) => Some((name.clone(), *file)),
            _ => None,
        });
        files.collect()
    }

    fn file(&mut self, inode: u64) -> &mut File {
        let file = self
            .by_inode
            .get(&inode)
            .expect("it was created or there from the start");
        &mut self.files[*file]
    }
}

impl File {
    fn after_power_cut(&self, chance: &mut Rng) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        // From one cut to the next: nearly nothing, about half, or nearly all of it.
        let kept = [0.0, 0.02, 0.5, 0.98, 1.0][chance.usize(..5)];
        // Or everything up to some moment, as a disk does that writes in order.
        let in_order = chance.u8(..4) == 0;
        let until = chance.usize(..=self.since.len());
        for (n, change) in self.since.iter().enumerate() {
            match change {
                _ if in_order && n >= until => break,
                _ if in_order => change.make(&mut bytes),
                Change::Length(_) if chance.f64() < kept => change.make(&mut bytes),
                Change::Length(_) => {}
                Change::Write(at, written) => {
                    for (from, part) in sectors(*at, written) {
                        if chance.f64() < kept {
                            let stale = if chance.bool() { 0 } else { chance.u8(..) };
                            write(&mut bytes, from, part, stale);
                        }
                    }
                }
            }
        }
        bytes
    }
}

impl Change {
    fn make(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(at, written) => write(bytes, *at, written, 0),
            Self::Length(length) => bytes.resize(*length, 0),
        }
    }
}

/// The folder that a name is in.
fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl Naming {
    /// The folder whose names it changes: nobody moves a file to another.
    fn folder(&self) -> &str {
        match self {
            Self::Create(name, _) | Self::Unlink(name) | Self::Rename(name, _) => folder_of(name),
        }
    }

    fn make(self, names: &mut BTreeMap<String, Named>) {
        match self {
            Self::Create(name, what) => drop(names.insert(name, what)),
            Self::Unlink(name) => drop(names.remove(&name)),
            Self::Rename(from, to) => {
                let file = names.remove(&from).expect("it had this name");
                names.insert(to, file);
            }
        }
    }
}

/// Writes; a gap before it is filled with what lay on the disk.
fn write(bytes: &mut Vec<u8>, at: usize, written: &[u8], stale: u8) {
    let end = at + written.len();
    if bytes.len() < at {
        bytes.resize(at, stale);
    }
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[at..end].copy_from_slice(written);
}

/// A write as the disk sees it.
fn sectors(at: usize, mut bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let (mut from, mut parts) = (at, Vec::new());
    while !bytes.is_empty() {
        let room = SECTOR - from % SECTOR;
        let (part, rest) = bytes.split_at(room.min(bytes.len()));
        parts.push((from, part));
        from += part.len();
        bytes = rest;
    }
    parts
}

/// Makes a folder that has just these files.
pub fn lay_out(remains: &Remains, folder: &Path) {
    for (name, bytes) in remains {
        fs::create_dir_all(folder.join(folder_of(name))).expect("it can be made");
        fs::write(folder.join(name), bytes).expect("it can be written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(inode: u64, name: &str) -> Act {
        Act::Create {
            inode,
            name: name.to_owned(),
        }
    }

    fn sync_folder(name: &str) -> Act {
        Act::SyncFolder {
            name: name.to_owned(),
        }
    }

    fn write(inode: u64, at: usize, bytes: &[u8]) -> Act {
        Act::Write {
            inode,
            at,
            bytes: bytes.to_vec(),
        }
    }

    fn after(acts: &[Act]) -> Disk {
        let mut disk = Disk::default();
        for act in acts {
            disk.act(act);
        }
        disk
    }

    fn outcomes(disk: &Disk) -> Vec<Remains> {
        let mut chance = Rng::with_seed(7);
        let mut all: Vec<_> = (0..300)
            .map(|_| disk.after_power_cut(&mut chance))
            .collect();
        all.sort();
        all.dedup();
        all
    }

    #[test]
    fn what_was_synced_stays_and_the_rest_may_be_torn() {
        let disk = after(&[
            create(1, "a"),
            write(1, 0, &[1; 1024]),
            Act::Sync { inode: 1 },
            sync_folder(""),
            write(1, 0, &[2; 1024]),
        ]);
        let mut seen: Vec<_> = outcomes(&disk)
            .into_iter()
            .map(|remains| (remains["a"][0], remains["a"][1023]))
            .collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [(1, 1), (1, 2), (2, 1), (2, 2)]);
        assert_eq!(disk.after_kill()["a"], [2; 1024]);
    }

    #[test]
    fn a_synced_file_needs_a_synced_name() {
        let disk = after(&[create(1, "a"), write(1, 0, b"x"), Act::Sync { inode: 1 }]);
        assert!(outcomes(&disk).contains(&Remains::new()));
        let disk = after(&[
            create(1, "a"),
            sync_folder(""),
            Act::Rename {
                from: "a".into(),
                to: "b".into(),
            },
            Act::Unlink { name: "b".into() },
        ]);
        let names: Vec<Vec<String>> = outcomes(&disk)
            .into_iter()
            .map(|remains| remains.into_keys().collect())
            .collect();
        assert_eq!(names, [vec![], vec!["a".to_owned()], vec!["b".to_owned()]]);
    }

    #[test]
    fn a_name_in_a_folder_needs_the_name_of_the_folder() {
        let folder = || Act::CreateFolder { name: "f".into() };
        let begun = [folder(), create(1, "f/a"), sync_folder("f")];
        let disk = after(&begun);
        assert!(outcomes(&disk).contains(&Remains::new()));
        let disk = after(&[&begun[..], &[sync_folder("")]].concat());
        assert_eq!(outcomes(&disk), [Remains::from([("f/a".into(), vec![])])]);
        let disk = after(&[folder(), sync_folder(""), create(1, "f/a"), sync_folder("")]);
        assert!(outcomes(&disk).contains(&Remains::new()));
    }

    #[test]
    fn a_file_may_have_its_length_and_not_its_bytes() {
        let disk = after(&[create(1, "a"), sync_folder(""), write(1, 0, &[7; 1024])]);
        assert!(
            outcomes(&disk)
                .iter()
                .any(|remains| remains["a"].len() == 1024 && remains["a"][0] != 7)
        );
    }
}
