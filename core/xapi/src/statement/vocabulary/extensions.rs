//! Keys for extensions of cmi5, of the video profile, and of Pannier.

// cmi5, in the context.

/// The session id that the LMS assigned (cmi5, 9.6.3.1).
pub const CMI5_SESSION_ID: &str = "https://w3id.org/xapi/cmi5/context/extensions/sessionid";

/// The scaled score needed to pass (cmi5, 9.6.3.2).
pub const CMI5_MASTERY_SCORE: &str = "https://w3id.org/xapi/cmi5/context/extensions/masteryscore";

// cmi5, in the result.

/// Progress in percent, from 0 to 100 (cmi5, 9.5.5.1).
pub const CMI5_PROGRESS: &str = "https://w3id.org/xapi/cmi5/result/extensions/progress";

// Video profile, in the result.

/// The point in the recording, in seconds.
pub const VIDEO_TIME: &str = "https://w3id.org/xapi/video/extensions/time";

/// The point moved away from, in seconds.
pub const VIDEO_TIME_FROM: &str = "https://w3id.org/xapi/video/extensions/time-from";

/// The point moved to, in seconds.
pub const VIDEO_TIME_TO: &str = "https://w3id.org/xapi/video/extensions/time-to";

/// The share seen so far, from 0 to 1.
pub const VIDEO_PROGRESS: &str = "https://w3id.org/xapi/video/extensions/progress";

/// The parts seen: `0[.]12.5[,]14[.]21`, in seconds.
pub const VIDEO_PLAYED_SEGMENTS: &str = "https://w3id.org/xapi/video/extensions/played-segments";

// Video profile, in the context.

/// The session: the id of its `initialized` statement.
pub const VIDEO_SESSION_ID: &str = "https://w3id.org/xapi/video/extensions/session-id";

/// The length of the recording, in seconds.
pub const VIDEO_LENGTH: &str = "https://w3id.org/xapi/video/extensions/length";

// Pannier's own, in the context.

/// The statement that this one replaces, as a StatementRef, because the LRS had another one under that id. Used
/// if `context.statement` is already taken.
pub const TAKES_THE_PLACE_OF: &str = "urn:uuid:93383a93-1be7-4765-8602-0d1ff146c45a";
