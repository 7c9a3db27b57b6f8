//! Answers that stay small, whatever is asked: how much of what is wrong is told.
//!
//! A request of a few bytes may have a fault a byte, and the path of each may be as long as the request
//! is deep. Whoever corrects it begins with the first ones.

/// The most faults, conflicts or differences that one answer lists; the rest is counted.
pub const LISTED: usize = 100;

/// The most statements of a request that are looked at once they are known to be wrong.
pub const WRONG: usize = 1000;

/// The most characters of a sentence.
pub const SENTENCE: usize = 1000;

/// The most characters of a path or of a value in a list.
pub const ENTRY: usize = 300;

/// The text, or its beginning and an ellipsis.
pub fn cut(mut text: String, longest: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(longest) {
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
    text
}
