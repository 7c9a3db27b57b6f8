//! Limits that keep answers small, whatever the request: how much of what is wrong is listed.
//!
//! A request of a few bytes may have a fault in every byte, and the path of each may be as long as the request is
//! deep. Whoever corrects it begins with the first ones.

/// Most faults, conflicts or differences that one answer lists; the rest is counted.
pub const LISTED: usize = 100;

/// Number of wrong statements in a request after which no more are examined.
pub const WRONG: usize = 1000;

/// Most characters of a sentence.
pub const SENTENCE: usize = 1000;

/// Most characters of a path or of a value in a list.
pub const ENTRY: usize = 300;

/// Returns the text, or its beginning and an ellipsis.
pub fn cut(mut text: String, longest: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(longest) {
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
    text
}
