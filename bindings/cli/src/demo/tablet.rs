//! A tablet that goes round in a workshop: twelve learners, one after the other, without a network.

use std::time::Duration;

use pannier::statement::Statement;
use pannier::statement::model::{
    Agent, Ifi, InteractionType, Score, XapiActivity, XapiContext, XapiGroup, XapiResult,
};
use pannier::statement::vocabulary::{activity_types, categories, extensions, verbs};

use super::diary::Diary;

const SITE: &str = "https://workshops.example.com";

const LEARNERS: [&str; 12] = [
    "Amara", "Bilal", "Chiara", "Dmitri", "Eun-ji", "Fatou", "Gabriel", "Hana", "Ibrahim",
    "Jūratė", "Kofi", "Łucja",
];

/// Seat of the learner who watches the whole video, and of the one who attends the webinar.
const WATCHES: usize = 3;
const ATTENDS: usize = 8;

const MINUTES: u64 = 12;
const QUESTIONS: usize = 14;

/// Records 350 statements.
pub fn goes_round(mut diary: Diary) -> Vec<Statement> {
    for (seat, name) in LEARNERS.into_iter().enumerate() {
        let learner = Learner {
            agent: Agent::account(SITE, format!("seat-{}", seat + 1)).name(name),
            registration: diary.id(),
        };
        diary.note(learner.did(verbs::LOGGED_IN, app()));
        watches(&mut diary, &learner, seat);
        if seat == ATTENDS {
            attends(&mut diary, &learner);
        }
        answers(&mut diary, &learner, seat);
        diary.note(learner.did(verbs::LOGGED_OUT, app()));
        diary.pass(Duration::from_secs(25));
    }
    diary.close()
}

struct Learner {
    agent: Agent,
    registration: uuid::Uuid,
}

impl Learner {
    fn did(
        &self,
        verb: impl Into<pannier::statement::model::Verb>,
        activity: XapiActivity,
    ) -> Statement {
        let context = XapiContext::new()
            .registration(self.registration)
            .instructor(Agent::mbox("mailto:trainer@workshops.example.com").name("Noor"))
            .team(XapiGroup::identified(Ifi::account(SITE, "spring-crew")).name("Spring crew"))
            .platform("Workshop Kit 1.8 (tablet)");
        Statement::new(self.agent.clone(), verb, activity).context(context)
    }
}

/// Records eleven statements, and one more from the learner who watches it to its end.
fn watches(diary: &mut Diary, learner: &Learner, seat: usize) {
    let length = MINUTES * 60;
    let say = |verb, at: f64, result: XapiResult| {
        let mut said = learner.did(verb, video());
        said.context = said.context.map(|context| {
            context
                .category(XapiActivity::new(categories::VIDEO))
                .extension(
                    extensions::VIDEO_SESSION_ID,
                    learner.registration.to_string(),
                )
                .extension(extensions::VIDEO_LENGTH, length)
        });
        said.result(result.extension(extensions::VIDEO_TIME, at))
    };
    diary.note(learner.did(verbs::INITIALIZED, video()));
    for part in 0..5_u64 {
        let (from, to) = (part * length / 5, (part + 1) * length / 5);
        diary.note(say(verbs::PLAYED, from as f64, XapiResult::new()));
        // Only one of them does not skip.
        let watched = if seat == WATCHES { to - from } else { 8 };
        diary.pass(Duration::from_secs(watched));
        let seen = XapiResult::new()
            .extension(extensions::VIDEO_PROGRESS, (part + 1) as f64 / 5.0)
            .extension(
                extensions::VIDEO_PLAYED_SEGMENTS,
                format!("{from}[.]{}", from + watched),
            );
        diary.note(say(verbs::PAUSED, to as f64, seen));
    }
    if seat == WATCHES {
        let result = XapiResult::new()
            .completion(true)
            .duration(Duration::from_mins(MINUTES));
        diary.note(learner.did(verbs::WATCHED, video()).result(result));
    }
}

fn attends(diary: &mut Diary, learner: &Learner) {
    diary.pass(Duration::from_mins(45));
    let webinar = XapiActivity::new(format!("{SITE}/webinars/advanced-crm"))
        .name("en", "Advanced CRM")
        .activity_type(activity_types::WEBINAR);
    let result = XapiResult::new()
        .score(Score::scaled(0.8).points(8.0, 0.0, 10.0))
        .completion(true)
        .duration(Duration::from_mins(45));
    diary.note(learner.did(verbs::ATTENDED, webinar).result(result));
}

/// Records a quiz: begun, fourteen questions, ended.
fn answers(diary: &mut Diary, learner: &Learner, seat: usize) {
    let quiz = || {
        XapiActivity::new(format!("{SITE}/quizzes/leadership-basics"))
            .name("en", "Leadership Basics: What Do You Remember?")
            .activity_type(activity_types::ASSESSMENT)
    };
    diary.note(learner.did(verbs::ATTEMPTED, quiz()));
    let mut right = 0;
    for number in 0..QUESTIONS {
        let time = Duration::from_millis(2_500 + ((number * 41 + seat * 13) % 30) as u64 * 100);
        diary.pass(time);
        let knows = !(number * 3 + seat).is_multiple_of(5);
        right += usize::from(knows);
        let question =
            XapiActivity::new(format!("{SITE}/quizzes/leadership-basics/{}", number + 1))
                .name("en", format!("Question {}", number + 1))
                .activity_type(activity_types::CMI_INTERACTION)
                .interaction(InteractionType::TrueFalse)
                .correct_responses(["true"]);
        let mut answered = learner.did(verbs::ANSWERED, question);
        answered.context = answered.context.map(|context| context.parent(quiz()));
        diary.note(
            answered.result(
                XapiResult::new()
                    .success(knows)
                    .response(if knows { "true" } else { "false" })
                    .duration(time),
            ),
        );
    }
    let (raw, max) = (right as f64, QUESTIONS as f64);
    let result = XapiResult::new()
        .score(Score::scaled(raw / max).points(raw, 0.0, max))
        .completion(true);
    diary.note(learner.did(verbs::COMPLETED, quiz()).result(result));
}

fn app() -> XapiActivity {
    XapiActivity::new(format!("{SITE}/kit"))
        .name("en", "Workshop Kit")
        .activity_type("http://activitystrea.ms/schema/1.0/application")
}

fn video() -> XapiActivity {
    XapiActivity::new(format!("{SITE}/videos/leadership-basics"))
        .name("en", "Leadership Basics")
        .activity_type(activity_types::VIDEO)
}
