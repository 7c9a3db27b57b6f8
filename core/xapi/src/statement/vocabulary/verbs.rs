//! The verbs of ADL, cmi5 and the video profile.

use super::KnownVerb;

// ADL.

/// Replied to a question; the answer is in the result.
pub const ANSWERED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/answered",
    display: "answered",
};

/// Asked, expecting an answer.
pub const ASKED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/asked",
    display: "asked",
};

/// Made an effort to take part.
pub const ATTEMPTED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/attempted",
    display: "attempted",
};

/// Was present at an event, on site or online.
pub const ATTENDED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/attended",
    display: "attended",
};

/// Wrote or said something about it.
pub const COMMENTED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/commented",
    display: "commented",
};

/// Finished it normally.
pub const COMPLETED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/completed",
    display: "completed",
};

/// Left it on purpose.
pub const EXITED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/exited",
    display: "exited",
};

/// Met it, with nothing to achieve.
pub const EXPERIENCED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/experienced",
    display: "experienced",
};

/// Did not reach the level set beforehand.
pub const FAILED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/failed",
    display: "failed",
};

/// Brought it into a place.
pub const IMPORTED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/imported",
    display: "imported",
};

/// Started it, as its provider has determined.
pub const INITIALIZED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/initialized",
    display: "initialized",
};

/// Handled a physical or virtual thing.
pub const INTERACTED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/interacted",
    display: "interacted",
};

/// Tried to start it.
pub const LAUNCHED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/launched",
    display: "launched",
};

/// Gained access to a system.
pub const LOGGED_IN: KnownVerb = KnownVerb {
    id: "https://w3id.org/xapi/adl/verbs/logged-in",
    display: "logged in",
};

/// Gave up or lost access to a system.
pub const LOGGED_OUT: KnownVerb = KnownVerb {
    id: "https://w3id.org/xapi/adl/verbs/logged-out",
    display: "logged out",
};

/// Reached the highest level of competence.
pub const MASTERED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/mastered",
    display: "mastered",
};

/// Reached the level set beforehand.
pub const PASSED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/passed",
    display: "passed",
};

/// Chose or favoured it.
pub const PREFERRED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/preferred",
    display: "preferred",
};

/// Made progress in it; the result says how much.
pub const PROGRESSED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/progressed",
    display: "progressed",
};

/// Enrolled in it.
pub const REGISTERED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/registered",
    display: "registered",
};

/// Reacted to it.
pub const RESPONDED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/responded",
    display: "responded",
};

/// Continued what was suspended.
pub const RESUMED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/resumed",
    display: "resumed",
};

/// Got a number of points.
pub const SCORED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/scored",
    display: "scored",
};

/// Made it available to others.
pub const SHARED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/shared",
    display: "shared",
};

/// Interrupted it, meaning to return.
pub const SUSPENDED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/suspended",
    display: "suspended",
};

/// Ended it.
pub const TERMINATED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/terminated",
    display: "terminated",
};

/// Declared a statement invalid (Data 2.3.2). See [`Statement::void`](crate::statement::model::Statement::void).
pub const VOIDED: KnownVerb = KnownVerb {
    id: "http://adlnet.gov/expapi/verbs/voided",
    display: "voided",
};

// cmi5, in addition to the ADL verbs that it uses.

/// Ended a session abnormally.
pub const ABANDONED: KnownVerb = KnownVerb {
    id: "https://w3id.org/xapi/adl/verbs/abandoned",
    display: "abandoned",
};

/// Met the conditions set for it.
pub const SATISFIED: KnownVerb = KnownVerb {
    id: "https://w3id.org/xapi/adl/verbs/satisfied",
    display: "satisfied",
};

/// Was excused: the conditions were met by other means.
pub const WAIVED: KnownVerb = KnownVerb {
    id: "https://w3id.org/xapi/adl/verbs/waived",
    display: "waived",
};

// Video profile, and Activity Streams for the plain word.

/// Started or went on with a recording.
pub const PLAYED: KnownVerb = KnownVerb {
    id: "https://w3id.org/xapi/video/verbs/played",
    display: "played",
};

/// Stopped a recording for a while or for good.
pub const PAUSED: KnownVerb = KnownVerb {
    id: "https://w3id.org/xapi/video/verbs/paused",
    display: "paused",
};

/// Moved to another point of a recording.
pub const SEEKED: KnownVerb = KnownVerb {
    id: "https://w3id.org/xapi/video/verbs/seeked",
    display: "seeked",
};

/// Watched a film or a show.
pub const WATCHED: KnownVerb = KnownVerb {
    id: "http://activitystrea.ms/schema/1.0/watch",
    display: "watched",
};
