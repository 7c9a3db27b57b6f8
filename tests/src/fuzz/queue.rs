//! Damaged queue files: whatever is in one, it is opened or refused, and its lists end.

use std::sync::OnceLock;

use pannier::{Collector, Config, Page};

use crate::sample;

/// How many statements the file holds that the damage is done to.
const STATEMENTS: u32 = 40;

/// Where damage may be done, and what is written there: four bytes of place, and then the bytes. Pieces
/// of 64 bytes each.
const PIECE: usize = 64;

/// Damages to begin with.
pub(super) fn files() -> Vec<Vec<u8>> {
    let at = |place: u32| [&place.to_le_bytes()[..], &[0; PIECE - 4]].concat();
    [0, 16, 100, 4_096, 8_192, 16_400].map(at).into()
}

/// A whole file.
fn whole() -> &'static [u8] {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("queue.db");
        let collector = Collector::open(&file, Config::default()).expect("a new queue");
        let statements = (0..STATEMENTS).map(|n| sample::text(0, n));
        collector.record_all(statements).expect("recorded");
        collector.pause().expect("folded into one file");
        std::fs::read(&file).expect("the file")
    })
}

/// Does the damage and looks at what is left.
pub(super) fn opened(damage: &[u8]) -> String {
    let mut bytes = whole().to_vec();
    for piece in damage.chunks(PIECE) {
        let Some((place, written)) = piece.split_first_chunk::<4>() else {
            break;
        };
        let at = u32::from_le_bytes(*place) as usize % bytes.len();
        let length = written.len().min(bytes.len() - at);
        bytes[at..at + length].copy_from_slice(&written[..length]);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("queue.db");
    std::fs::write(&file, bytes).expect("written");
    let collector = match Collector::open(&file, Config::default()) {
        Ok(collector) => collector,
        Err(error) => return format!("{:?}", std::mem::discriminant(&error)),
    };
    let status = collector.status();
    // As many pages as hold all statements, and a few more, since what is read may be what is not there.
    let mut page = Page::default();
    let mut listed = 0;
    for turn in 0.. {
        assert!(turn < STATEMENTS, "a list without an end");
        let Ok(rows) = collector.queued(page) else {
            break;
        };
        let Some(last) = rows.last() else {
            break;
        };
        assert!(last.seq > page.after, "a list that goes back");
        page.after = last.seq;
        listed += rows.len();
    }
    assert!(
        listed <= 10 * STATEMENTS as usize,
        "{listed} of {STATEMENTS}"
    );
    format!("{} {listed}", status.is_ok())
}
