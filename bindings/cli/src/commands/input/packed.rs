//! Files that are no plain UTF-8 text, known by how they begin.

/// Returns what such a file is, and what to do with it; to follow "FILE is". JSON begins with an ASCII character,
/// so a zero byte among the first ones is half of a wider one.
pub fn what(beginning: &[u8]) -> Option<&'static str> {
    match beginning {
        [0x1f, 0x8b, ..] => {
            Some("packed by gzip: unpack it first, as in `gunzip -c FILE | pannier …`")
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            Some("packed by zstd: unpack it first, as in `zstd -dc FILE | pannier …`")
        }
        [b'P', b'K', 3, 4, ..] => Some("a ZIP archive: unpack it first"),
        [b'S', b'Q', b'L', b'i', b't', b'e', b' ', ..] => {
            Some("an SQLite database, and no text: name a queue with --queue")
        }
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, _, ..] | [_, 0, 0, 0, ..] => {
            Some("written in UTF-32: save it as UTF-8")
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..] => {
            Some("written in UTF-16: save it as UTF-8")
        }
        _ => None,
    }
}
