//! The kinds of activities of ADL, cmi5, the video profile and the Tin Can registry.

// ADL.

/// A test of how well somebody masters a subject.
pub const ASSESSMENT: &str = "http://adlnet.gov/expapi/activities/assessment";

/// One of several attempts at the same activity.
pub const ATTEMPT: &str = "http://adlnet.gov/expapi/activities/attempt";

/// A question with an `interactionType`.
pub const CMI_INTERACTION: &str = "http://adlnet.gov/expapi/activities/cmi.interaction";

/// A whole course.
pub const COURSE: &str = "http://adlnet.gov/expapi/activities/course";

/// A file to use elsewhere or later.
pub const FILE: &str = "http://adlnet.gov/expapi/activities/file";

/// Something in an activity that takes input.
pub const INTERACTION: &str = "http://adlnet.gov/expapi/activities/interaction";

/// A piece of learning content.
pub const LESSON: &str = "http://adlnet.gov/expapi/activities/lesson";

/// A link to something else.
pub const LINK: &str = "http://adlnet.gov/expapi/activities/link";

/// Text, audio or video.
pub const MEDIA: &str = "http://adlnet.gov/expapi/activities/media";

/// A gathering of people.
pub const MEETING: &str = "http://adlnet.gov/expapi/activities/meeting";

/// A part of a course.
pub const MODULE: &str = "http://adlnet.gov/expapi/activities/module";

/// A competence to reach.
pub const OBJECTIVE: &str = "http://adlnet.gov/expapi/activities/objective";

/// A task or a series of tasks done to show a skill.
pub const PERFORMANCE: &str = "http://adlnet.gov/expapi/activities/performance";

/// A set of rules for statements.
pub const PROFILE: &str = "http://adlnet.gov/expapi/activities/profile";

/// A question to answer.
pub const QUESTION: &str = "http://adlnet.gov/expapi/activities/question";

/// A task or a series of tasks in an artificial setting.
pub const SIMULATION: &str = "http://adlnet.gov/expapi/activities/simulation";

// cmi5.

/// A part of a cmi5 course.
pub const CMI5_BLOCK: &str = "https://w3id.org/xapi/cmi5/activitytype/block";

/// A cmi5 course.
pub const CMI5_COURSE: &str = "https://w3id.org/xapi/cmi5/activitytype/course";

// Video profile.

/// A recording.
pub const VIDEO: &str = "https://w3id.org/xapi/video/activity-type/video";

// Tin Can registry.

/// A word to define or translate.
pub const VOCABULARY_WORD: &str = "http://id.tincanapi.com/activitytype/vocabulary-word";

/// A seminar over the internet, live or recorded.
pub const WEBINAR: &str = "http://id.tincanapi.com/activitytype/webinar";
