//! The commonest statements, a line each: an answer, something completed, a step on the way, attendance, a video.
//!
//! They have no actor, which comes from the [defaults](crate::statement::StatementDefaults) or is set with
//! [`Statement::actor`]. An activity keeps what is known about it, and gets a type where it has none. What else there
//! is to say is added:
//!
//! ```
//! use std::time::Duration;
//!
//! use pannier_xapi::statement::model::{XapiActivity, InteractionType, Statement};
//!
//! let word = XapiActivity::new("https://example.com/words/zug")
//!     .interaction(InteractionType::FillIn)
//!     .correct_responses(["train"]);
//! let answered = Statement::answered(word, "rain").success(false).duration(Duration::from_secs(4));
//!
//! let json: serde_json::Value = serde_json::from_str(&answered.to_json())?;
//! assert_eq!(json["verb"]["id"], "http://adlnet.gov/expapi/verbs/answered");
//! assert_eq!(json["result"]["response"], "rain");
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::time::Duration;

use uuid::Uuid;

use super::{Statement, XapiActivity, XapiContext, XapiResult};
use crate::statement::vocabulary::{KnownVerb, activity_types, categories, extensions, verbs};

impl Statement {
    /// Creates the statement that somebody answered `question` with `response`. Without a type the question is a
    /// `cmi.interaction` where it has a form ([`XapiActivity::interaction`]), else a `question`.
    pub fn answered(question: XapiActivity, response: impl Into<String>) -> Self {
        let definition = question.definition.as_ref();
        let has_form = definition.is_some_and(|known| known.interaction_type.is_some());
        let kind = if has_form {
            activity_types::CMI_INTERACTION
        } else {
            activity_types::QUESTION
        };
        Self::without_actor(verbs::ANSWERED, typed(question, kind))
            .result(XapiResult::new().response(response))
    }

    /// Creates the statement that somebody finished `activity`, normally and as a whole.
    pub fn completed(activity: XapiActivity) -> Self {
        Self::without_actor(verbs::COMPLETED, activity).result(XapiResult::new().completion(true))
    }

    /// Creates the statement that somebody has got so far with `activity`, in percent from 0 to 100 (the extension of
    /// cmi5, 9.5.5.1).
    pub fn progressed(activity: XapiActivity, percent: i32) -> Self {
        let progress = XapiResult::new().extension(extensions::CMI5_PROGRESS, percent);
        Self::without_actor(verbs::PROGRESSED, activity).result(progress)
    }

    /// Creates the statement that somebody was present at `meeting`, on site or online. Without a type it is a
    /// `meeting`.
    pub fn attended(meeting: XapiActivity) -> Self {
        Self::without_actor(verbs::ATTENDED, typed(meeting, activity_types::MEETING))
    }

    /// Creates the statement that somebody started `video`, or went on with it, `at` this point (video profile).
    /// `session` is the same for all statements about one viewing, and `length` that of the whole recording.
    pub fn video_played(
        video: XapiActivity,
        session: Uuid,
        length: Duration,
        at: Duration,
    ) -> Self {
        of_video(verbs::PLAYED, video, session, length, at)
    }

    /// Creates the statement that somebody stopped `video` for a while or for good, `at` this point; see
    /// [`Statement::video_played`]. A player that knows which parts were seen adds them to the result:
    /// [`VIDEO_PROGRESS`](extensions::VIDEO_PROGRESS) and [`VIDEO_PLAYED_SEGMENTS`](extensions::VIDEO_PLAYED_SEGMENTS).
    pub fn video_paused(
        video: XapiActivity,
        session: Uuid,
        length: Duration,
        at: Duration,
    ) -> Self {
        of_video(verbs::PAUSED, video, session, length, at)
    }

    /// Creates the statement that somebody has seen `video` to its end; see [`Statement::video_played`]. The profile
    /// wants to know how long it took, too: [`Statement::duration`].
    pub fn video_completed(video: XapiActivity, session: Uuid, length: Duration) -> Self {
        of_video(verbs::COMPLETED, video, session, length, length).with_result(|result| {
            result
                .completion(true)
                .extension(extensions::VIDEO_PROGRESS, 1)
        })
    }

    /// Says in the result whether the attempt succeeded.
    #[must_use]
    pub fn success(self, success: bool) -> Self {
        self.with_result(|result| result.success(success))
    }

    /// Sets in the result the time it took.
    #[must_use]
    pub fn duration(self, duration: Duration) -> Self {
        self.with_result(|result| result.duration(duration))
    }

    /// Adds to the context an activity that the object is directly part of.
    #[must_use]
    pub fn parent(mut self, activity: XapiActivity) -> Self {
        self.context = Some(self.context.unwrap_or_default().parent(activity));
        self
    }

    fn with_result(mut self, change: impl FnOnce(XapiResult) -> XapiResult) -> Self {
        self.result = Some(change(self.result.unwrap_or_default()));
        self
    }
}

fn typed(activity: XapiActivity, kind: &str) -> XapiActivity {
    let definition = activity.definition.as_ref();
    if definition.is_some_and(|known| known.activity_type.is_some()) {
        return activity;
    }
    activity.activity_type(kind)
}

fn of_video(
    verb: KnownVerb,
    video: XapiActivity,
    session: Uuid,
    length: Duration,
    at: Duration,
) -> Statement {
    let context = XapiContext::new()
        .category(XapiActivity::new(categories::VIDEO))
        .extension(extensions::VIDEO_SESSION_ID, session.to_string())
        .extension(extensions::VIDEO_LENGTH, seconds(length));
    Statement::without_actor(verb, typed(video, activity_types::VIDEO))
        .result(XapiResult::new().extension(extensions::VIDEO_TIME, seconds(at)))
        .context(context)
}

/// Returns a time as the profile writes it: seconds with three decimals at most.
fn seconds(time: Duration) -> f64 {
    time.as_millis() as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use serde_json::{Value, json};

    use super::*;
    use crate::statement::model::{Agent, InteractionType};
    use crate::statement::{XapiVersion, check};

    /// The statement as JSON, which is a valid one once it has an actor, in both versions.
    fn json(statement: Statement) -> Value {
        let whole = statement.actor(Agent::mbox("mailto:ada@example.com"));
        for version in [XapiVersion::V1_0_3, XapiVersion::V2_0_0] {
            let warnings = check(whole.to_json().as_bytes(), version).unwrap();
            assert!(warnings.listed.is_empty(), "{warnings:?}");
        }
        serde_json::from_str(&whole.to_json()).unwrap()
    }

    fn activity() -> XapiActivity {
        XapiActivity::new("https://example.com/it")
    }

    #[test]
    fn a_question_has_a_type_and_keeps_the_one_it_has() {
        let plain = json(Statement::answered(activity(), "rain"));
        assert_eq!(
            plain["verb"]["id"],
            "http://adlnet.gov/expapi/verbs/answered"
        );
        assert_eq!(plain["result"], json!({ "response": "rain" }));
        let kind = |json: &Value| json["object"]["definition"]["type"].clone();
        assert_eq!(kind(&plain), "http://adlnet.gov/expapi/activities/question");
        let with_form = activity().interaction(InteractionType::FillIn);
        assert_eq!(
            kind(&json(Statement::answered(with_form.clone(), "rain"))),
            "http://adlnet.gov/expapi/activities/cmi.interaction"
        );
        let own = with_form.activity_type("https://example.com/kind");
        assert_eq!(
            kind(&json(Statement::answered(own, "rain"))),
            "https://example.com/kind"
        );
    }

    #[test]
    fn what_is_completed_attended_or_on_its_way_says_so() {
        let step = Statement::completed(activity())
            .success(true)
            .duration(Duration::from_millis(61_500))
            .parent(XapiActivity::new("https://example.com/whole"));
        let step = json(step);
        assert_eq!(
            step["verb"]["id"],
            "http://adlnet.gov/expapi/verbs/completed"
        );
        let result = json!({ "completion": true, "success": true, "duration": "PT1M1.5S" });
        assert_eq!(step["result"], result);
        assert_eq!(
            step["context"]["contextActivities"]["parent"],
            json!([{ "id": "https://example.com/whole" }])
        );

        let half = json(Statement::progressed(activity(), 50));
        assert_eq!(
            half["verb"]["id"],
            "http://adlnet.gov/expapi/verbs/progressed"
        );
        assert_eq!(
            half["result"]["extensions"],
            json!({ "https://w3id.org/xapi/cmi5/result/extensions/progress": 50 })
        );

        let present = json(Statement::attended(activity()));
        assert_eq!(
            present["verb"]["id"],
            "http://adlnet.gov/expapi/verbs/attended"
        );
        assert_eq!(
            present["object"]["definition"]["type"],
            "http://adlnet.gov/expapi/activities/meeting"
        );
    }

    #[test]
    fn a_video_follows_its_profile() {
        let session = Uuid::from_u128(7);
        let (length, at) = (Duration::from_secs(90), Duration::from_micros(12_345_678));
        let video = |end: &str| format!("https://w3id.org/xapi/video/{end}");
        let context = json!({
            "contextActivities": { "category": [{ "id": "https://w3id.org/xapi/video" }] },
            "extensions": {
                video("extensions/session-id"): session.to_string(),
                video("extensions/length"): 90.0,
            }
        });
        let played = json(Statement::video_played(activity(), session, length, at));
        let paused = json(Statement::video_paused(activity(), session, length, at));
        let seen = json(Statement::video_completed(activity(), session, length));
        for (statement, verb) in [
            (&played, video("verbs/played")),
            (&paused, video("verbs/paused")),
            (&seen, "http://adlnet.gov/expapi/verbs/completed".to_owned()),
        ] {
            assert_eq!(statement["verb"]["id"], verb);
            assert_eq!(
                statement["object"]["definition"]["type"],
                video("activity-type/video")
            );
            assert_eq!(statement["context"], context);
        }
        for statement in [&played, &paused] {
            let time = json!({ "extensions": { video("extensions/time"): 12.345 } });
            assert_eq!(statement["result"], time);
        }
        let end = json!({
            "completion": true,
            "extensions": { video("extensions/time"): 90.0, video("extensions/progress"): 1 }
        });
        assert_eq!(seen["result"], end);
    }
}
