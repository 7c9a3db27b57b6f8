//! Contents of attachments: what an app gives, how they are matched with what a statement says of them, and in which form
//! they go with it from there on.

mod content;
mod kept;
mod matching;

pub use content::Content;
pub use kept::{Contents, ContentsPart};
pub use matching::{Attached, LONGEST_CONTENTS, Unmatched};
