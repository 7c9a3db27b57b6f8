//! Reading of the write-ahead log without SQLite: the versions of pages that each commit left
//! (<https://www.sqlite.org/fileformat2.html>, section 4).
//!
//! Each frame has a checksum over itself and the checksum of the frame before. So a damaged frame is told from a whole
//! one, and those after it are whole all the same, though SQLite ends there.

use super::raw_file::Looked;
use crate::store::file::settings::PAGE_BYTES;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

pub(crate) const PAGE: usize = PAGE_BYTES as usize;

/// Place of a page: the offset of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum At {
    File(u64),
    Log(u64),
}

impl At {
    pub(crate) fn file(page: u64) -> Self {
        Self::File(page.saturating_sub(1) * PAGE as u64)
    }
}

/// Page as a transaction left it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    /// Number of the page; 0 where the frame is of an earlier turn of the log.
    pub(crate) page: u64,
    /// Place of its bytes: in the log, or in the file if they are whole only there.
    pub(crate) at: At,
    /// Number of pages that the file has after the transaction; only in its last frame.
    pub(crate) pages_after: Option<u64>,
    /// True if its bytes are the ones that this turn of the log wrote.
    pub(crate) whole: bool,
}

/// Returns the frames of the log that are not folded into the file for certain, oldest first.
pub(crate) fn read(log: Option<&Looked>, file: Option<&Looked>) -> Vec<Frame> {
    let mut frames = Vec::new();
    let Some(log) = log else { return frames };
    let mut header = [0; HEADER];
    let mut first = [0; FRAME_HEADER];
    if !log.read(0, &mut header) || !log.read(HEADER as u64, &mut first) {
        return frames;
    }
    let sums = Sums {
        // The last bit of its mark gives the byte order in which numbers are added.
        big_endian: header[3] & 1 == 1,
    };
    // Where the log's own header is damaged, the salts of the first frame tell this turn of the log from earlier ones.
    // Frames of an earlier turn hold what was folded into the file long ago.
    let is_whole = sums.of([0; 8], &[&header[..24]]) == header[24..];
    let salts: [u8; 8] = part(if is_whole { &header[16..] } else { &first[8..] });
    let mut before: [u8; 8] = part(&header[24..]);
    let mut this_turn = 0;
    let mut goes_on = is_whole;
    let mut at = HEADER as u64;
    let mut bytes = [0; PAGE];
    while at + ((FRAME_HEADER + PAGE) as u64) <= log.len() {
        let mut head = [0; FRAME_HEADER];
        let bytes_at = at + FRAME_HEADER as u64;
        if !log.read(at, &mut head) || !log.read(bytes_at, &mut bytes) {
            break;
        }
        let number = |at: usize| u64::from(u32::from_be_bytes(part(&head[at..])));
        let fits = |bytes: &[u8]| sums.of(before, &[&head[..8], bytes]) == head[16..];
        let page = number(0);
        let mut frame = Frame {
            page,
            at: At::Log(bytes_at),
            pages_after: Some(number(4)).filter(|pages| *pages > 0),
            whole: fits(&bytes),
        };
        let in_file = page.saturating_sub(1) * PAGE as u64;
        if !frame.whole && file.is_some_and(|file| file.read(in_file, &mut bytes)) && fits(&bytes) {
            (frame.at, frame.whole) = (At::File(in_file), true);
        }
        // Neither the page number of a frame of an earlier turn, nor its content, says anything of what this turn wrote
        // in its place. A whole frame that follows a whole one of this turn is of it, whatever its salts say.
        let is_of_this_turn = head[8..16] == salts || frame.whole && goes_on;
        goes_on = frame.whole && is_of_this_turn;
        if is_of_this_turn {
            this_turn = frames.len() + 1;
        } else {
            (frame.page, frame.pages_after, frame.whole) = (0, None, false);
        }
        frames.push(frame);
        before = part(&head[16..]);
        at = bytes_at + PAGE as u64;
    }
    frames.truncate(this_turn);
    frames
}

struct Sums {
    big_endian: bool,
}

impl Sums {
    /// Continues an earlier checksum (section 4.2).
    fn of(&self, before: [u8; 8], parts: &[&[u8]]) -> [u8; 8] {
        let mut one = u32::from_be_bytes(part(&before));
        let mut two = u32::from_be_bytes(part(&before[4..]));
        let number = |bytes: &[u8]| {
            if self.big_endian {
                u32::from_be_bytes(part(bytes))
            } else {
                u32::from_le_bytes(part(bytes))
            }
        };
        for pair in parts.iter().flat_map(|part| part.chunks_exact(8)) {
            one = one.wrapping_add(number(pair)).wrapping_add(two);
            two = two.wrapping_add(number(&pair[4..])).wrapping_add(one);
        }
        let mut sums = [0; 8];
        sums[..4].copy_from_slice(&one.to_be_bytes());
        sums[4..].copy_from_slice(&two.to_be_bytes());
        sums
    }
}

/// Returns the first bytes of what is at least as long.
pub(crate) fn part<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut first = [0; N];
    first.copy_from_slice(&bytes[..N]);
    first
}
