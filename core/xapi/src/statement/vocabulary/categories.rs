//! Activities to put into `contextActivities.category`, by their ids.

/// A statement that cmi5 defines (cmi5, 9.6.2.1).
pub const CMI5: &str = "https://w3id.org/xapi/cmi5/context/categories/cmi5";

/// A cmi5 statement that counts for moving on: one with success or completion (cmi5, 9.6.2.2).
pub const CMI5_MOVE_ON: &str = "https://w3id.org/xapi/cmi5/context/categories/moveon";

/// A statement that follows the video profile.
pub const VIDEO: &str = "https://w3id.org/xapi/video";
