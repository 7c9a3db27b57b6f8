//! The commonest statements, as the core makes them. In Kotlin and Swift they are where a statement is built.

use pannier::statement::model;
use pannier::statement::vocabulary::extensions;

use super::extensions::NO_LENGTH;
use super::{Statement, StatementObject, XapiActivity};
use crate::{TimeSpan, Uuid};

/// Makes the statement that somebody answered `question` with `response`. Without a type the question is a
/// `cmi.interaction` where it has a form, else a `question`.
#[uniffi::export]
pub fn statement_answered(question: XapiActivity, response: String) -> Statement {
    made(question, |it| model::Statement::answered(it, response))
}

/// Makes the statement that somebody finished `activity`, normally and as a whole.
#[uniffi::export]
pub fn statement_completed(activity: XapiActivity) -> Statement {
    made(activity, model::Statement::completed)
}

/// Makes the statement that somebody has got so far with `activity`, in percent from 0 to 100.
#[uniffi::export]
pub fn statement_progressed(activity: XapiActivity, percent: i32) -> Statement {
    made(activity, |it| model::Statement::progressed(it, percent))
}

/// Makes the statement that somebody was present at `meeting`, on site or online.
#[uniffi::export]
pub fn statement_attended(meeting: XapiActivity) -> Statement {
    made(meeting, model::Statement::attended)
}

/// Makes the statement that somebody started `video`, or went on with it, `at` this point. `session` is the same for
/// all statements about one viewing, and `length` that of the whole recording.
#[uniffi::export]
pub fn statement_video_played(
    video: XapiActivity,
    session: Uuid,
    length: TimeSpan,
    at: TimeSpan,
) -> Statement {
    let made = made(video, |it| {
        model::Statement::video_played(it, session, length.into(), at.into())
    });
    of_video(made, length, at)
}

/// Makes the statement that somebody stopped `video` for a while or for good, `at` this point; see
/// `statement_video_played`.
#[uniffi::export]
pub fn statement_video_paused(
    video: XapiActivity,
    session: Uuid,
    length: TimeSpan,
    at: TimeSpan,
) -> Statement {
    let made = made(video, |it| {
        model::Statement::video_paused(it, session, length.into(), at.into())
    });
    of_video(made, length, at)
}

/// Makes the statement that somebody has seen `video` to its end; see `statement_video_played`.
#[uniffi::export]
pub fn statement_video_completed(
    video: XapiActivity,
    session: Uuid,
    length: TimeSpan,
) -> Statement {
    let made = made(video, |it| {
        model::Statement::video_completed(it, session, length.into())
    });
    of_video(made, length, length)
}

/// Marks the lengths that cannot be written as they are, so that this is told when the statement is recorded.
fn of_video(mut statement: Statement, length: TimeSpan, at: TimeSpan) -> Statement {
    let result = statement.result.as_mut().map(|known| &mut known.extensions);
    let context = statement
        .context
        .as_mut()
        .map(|known| &mut known.extensions);
    for (extensions, iri, span) in [
        (result, extensions::VIDEO_TIME, at),
        (context, extensions::VIDEO_LENGTH, length),
    ] {
        if let (Some(extensions), None) = (extensions, span.exact()) {
            extensions.insert(iri.to_owned(), NO_LENGTH.to_owned());
        }
    }
    statement
}

/// Makes a statement about this activity. Its extensions stay the text that they are: whether that is JSON is told
/// when the statement is recorded.
fn made(
    mut about: XapiActivity,
    template: impl FnOnce(model::XapiActivity) -> model::Statement,
) -> Statement {
    let definition = about.definition.as_mut();
    let extensions = definition.map(|known| std::mem::take(&mut known.extensions));
    let mut statement = Statement::from(template(about.core("$.object", &mut Vec::new())));
    if let (Some(extensions), StatementObject::Activity { activity }) =
        (extensions, &mut statement.object)
        && let Some(known) = &mut activity.definition
    {
        known.extensions = extensions;
    }
    statement
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::PannierError;
    use crate::statement::ActivityDefinition;

    #[test]
    fn a_length_of_a_video_that_cannot_be_written_is_a_fault() {
        let video = || XapiActivity {
            id: "https://example.com/video".to_owned(),
            definition: None,
        };
        let (good, bad) = (TimeSpan(1_500_000_000), TimeSpan(-1));
        let fault_paths = |statement: Statement| match statement.to_json() {
            Err(PannierError::Invalid { faults, .. }) => {
                assert!(
                    faults
                        .iter()
                        .all(|fault| fault.problem.contains("negative"))
                );
                faults.into_iter().map(|fault| fault.path).collect()
            }
            _ => Vec::new(),
        };
        let time = r#"$.result.extensions["https://w3id.org/xapi/video/extensions/time"]"#;
        let length = r#"$.context.extensions["https://w3id.org/xapi/video/extensions/length"]"#;
        let id = Uuid::nil();
        assert!(fault_paths(statement_video_played(video(), id, good, good)).is_empty());
        assert_eq!(
            fault_paths(statement_video_paused(video(), id, good, bad)),
            [time]
        );
        assert_eq!(
            fault_paths(statement_video_played(video(), id, bad, good)),
            [length]
        );
        let both = fault_paths(statement_video_completed(video(), id, bad));
        assert_eq!(both, [length, time]);
    }

    #[test]
    fn what_is_known_of_an_activity_stays_even_what_is_no_json() {
        let extensions = HashMap::from([("https://example.com/e".to_owned(), "{".to_owned())]);
        let known = ActivityDefinition {
            activity_type: Some("https://example.com/kind".to_owned()),
            extensions,
            ..model::ActivityDefinition::default().into()
        };
        let word = XapiActivity {
            id: "https://example.com/words/zug".to_owned(),
            definition: Some(known),
        };
        let made = statement_answered(word.clone(), "rain".to_owned());
        assert_eq!(made.object, StatementObject::Activity { activity: word });
        let refused = made.to_json().expect_err("no JSON");
        assert!(refused.to_string().contains("is no JSON"), "{refused}");
    }
}
