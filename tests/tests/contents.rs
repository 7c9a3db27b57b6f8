//! The plug of a hub is pulled, at any moment: a statement that is there has its content, what was answered is there, and
//! nothing else is left.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use fastrand::Rng;
use pannier::Uuid;
use pannier_hub::{Hub, Options, Storage};
use pannier_tests::contents::{content, options, stored};
use pannier_tests::power::disk::{Disk, Remains, lay_out};
use pannier_tests::power::{self, log::Act};
use pannier_tests::sample;

/// Number of statements with contents that are sent.
const COUNT: u32 = 36;

/// Number of times that the power is cut in a run.
const CUTS: usize = 100;

/// Name of the store.
const NAME: &str = "hub.db";

/// Starts a hub on what is left, and finds out what is wrong with that.
fn check(remains: &Remains, promised: &BTreeSet<Uuid>) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    lay_out(remains, folder.path());
    let hub = Hub::start(&Options {
        storage: Storage::File(folder.path().join(NAME)),
        ..options()
    });
    let hub = hub.map_err(|error| format!("it does not start: {error}"))?;
    let there: BTreeSet<Uuid> = stored(&hub)?.into_iter().collect();
    if let Some(lost) = promised.difference(&there).next() {
        return Err(format!("{lost} was answered to be stored, and is not"));
    }
    let long = there.iter().map(|id| content(sample::place(*id).1));
    let long: BTreeSet<Vec<u8>> = long.filter(|content| content.len() > 16 * 1024).collect();
    let files = files(&folder.path().join(format!("{NAME}.content")));
    if files.len() != long.len() {
        return Err(format!("{} long contents, and {files:?}", long.len()));
    }
    Ok(())
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let names = entries.map(|entry| entry.expect("it can be read").file_name());
    let names = names.map(|name| name.into_string().expect("names are text"));
    names.filter(|name| name != "lock").collect()
}

/// Kills a hub and cuts its power, at many moments, on a disk that heeds these acts alone. Returns what is wrong first.
fn violation(acts: &[Act], seed: u64, heeds: impl Fn(&Act) -> bool) -> Option<String> {
    let mut chance = Rng::with_seed(seed);
    let moments: BTreeSet<usize> = (0..CUTS).map(|_| chance.usize(0..=acts.len())).collect();
    let (mut disk, mut promised) = (Disk::default(), BTreeSet::new());
    for at in 0..=acts.len() {
        if moments.contains(&at) {
            let remains = disk.after_power_cut(&mut chance);
            let checked = check(&remains, &promised);
            let checked = checked.and_then(|()| check(&disk.after_kill(), &promised));
            if let Err(wrong) = checked {
                return Some(format!("after {at} acts: {wrong}"));
            }
        }
        let Some(act) = acts.get(at) else { break };
        if let Act::Say(line) = act {
            let id = line.strip_prefix("stored ").expect("an id");
            promised.insert(id.parse().expect("an id"));
        }
        if heeds(act) {
            disk.act(act);
        }
    }
    None
}

#[test]
fn a_statement_never_lacks_the_content_that_came_with_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let mut hub = Command::new(env!("CARGO_BIN_EXE_contents"));
    let path = folder.path().canonicalize().expect("it is there");
    hub.arg(path.join(NAME)).arg(COUNT.to_string());
    let acts = power::watch(hub, folder.path(), scratch.path());
    let seed = std::env::var("PANNIER_SEED").map_or_else(
        |_| Rng::new().u64(..),
        |seed| seed.parse().expect("PANNIER_SEED is a number"),
    );
    println!("PANNIER_SEED={seed}");
    assert_eq!(violation(&acts, seed, |_| true), None);

    // A disk on which a sync of a content, or of its name, means nothing.
    let contents = |inode: &u64| {
        acts.iter().any(|act| matches!(act, Act::Create { inode: other, name } if other == inode && name.contains("/coming-")))
    };
    let no_files = |act: &Act| !matches!(act, Act::Sync { inode } if contents(inode));
    assert_ne!(violation(&acts, seed, no_files), None);
    let no_names =
        |act: &Act| !matches!(act, Act::SyncFolder { name } if name.ends_with(".content"));
    assert_ne!(violation(&acts, seed, no_names), None);
}
