//! A vocabulary app on a phone, on a train: ten lessons, one after the other.

use std::time::Duration;

use pannier::statement::Statement;
use pannier::statement::model::{
    Agent, InteractionComponent, InteractionType, Score, XapiActivity, XapiContext, XapiResult,
};
use pannier::statement::vocabulary::{activity_types, extensions, verbs};

use super::diary::Diary;

const SITE: &str = "https://vocabulary.example.com";

/// German, English, and an English word that it is easily mistaken for.
const WORDS: [(&str, &str, &str); 22] = [
    ("der Zug", "the train", "the tram"),
    ("die Fahrkarte", "the ticket", "the driver"),
    ("der Bahnsteig", "the platform", "the path"),
    ("umsteigen", "to change trains", "to climb over"),
    ("der Schaffner", "the conductor", "the carpenter"),
    ("die Verspätung", "the delay", "the mockery"),
    ("der Anschluss", "the connection", "the ending"),
    ("das Gepäck", "the luggage", "the pastry"),
    ("abfahren", "to depart", "to drive down"),
    ("die Ankunft", "the arrival", "the future"),
    ("der Fensterplatz", "the window seat", "the market square"),
    ("die Brücke", "the bridge", "the crutch"),
    ("der Koffer", "the suitcase", "the coffee"),
    ("rechtzeitig", "in good time", "right-handed"),
    ("die Strecke", "the route", "the stretcher"),
    ("der Fahrplan", "the timetable", "the chart"),
    ("einsteigen", "to board", "to begin a climb"),
    ("die Durchsage", "the announcement", "the saying"),
    ("das Gleis", "the track", "the glass"),
    ("der Speisewagen", "the dining car", "the trolley"),
    ("gültig", "valid", "kind"),
    ("die Weiche", "the points", "the softness"),
];

const LESSONS: usize = 10;

/// Answers in a lesson: each word three times.
const ANSWERS: usize = 3 * WORDS.len();

/// Records 700 statements.
pub fn practises(mut diary: Diary) -> Vec<Statement> {
    let registration = diary.id();
    for lesson in 0..LESSONS {
        let context = || {
            XapiContext::new()
                .registration(registration)
                .grouping(course())
                .platform("Vokabelzug 3.1 (phone)")
                .language("de")
        };
        let activity = || {
            XapiActivity::new(format!("{SITE}/lessons/{}", lesson + 1))
                .name("en", format!("On the train, lesson {}", lesson + 1))
                .name("de", format!("Im Zug, Lektion {}", lesson + 1))
                .activity_type(activity_types::LESSON)
        };
        diary.note(Statement::new(learner(), verbs::INITIALIZED, activity()).context(context()));
        let mut right = 0;
        for turn in 0..ANSWERS {
            let time = Duration::from_millis(1_200 + ((turn * 37 + lesson * 11) % 48) as u64 * 100);
            diary.pass(time);
            // The learner gets better from turn to turn, and from lesson to lesson.
            let knows = (turn * 7 + lesson * 3) % 22 < 10 + turn / 8 + lesson / 2;
            right += usize::from(knows);
            let answered = Statement::new(learner(), verbs::ANSWERED, question(turn % WORDS.len()))
                .result(
                    XapiResult::new()
                        .success(knows)
                        .response(if knows { "right" } else { "taken-for" })
                        .duration(time),
                )
                .context(context().parent(activity()));
            diary.note(answered);
            if turn + 1 == ANSWERS / 2 {
                let half = XapiResult::new().extension(extensions::CMI5_PROGRESS, 50);
                let progressed = Statement::new(learner(), verbs::PROGRESSED, activity());
                diary.note(progressed.result(half).context(context()));
            }
        }
        let (raw, max) = (right as f64, ANSWERS as f64);
        let result = XapiResult::new()
            .score(Score::scaled(raw / max).points(raw, 0.0, max))
            .completion(true);
        let verb = if right * 10 >= ANSWERS * 7 {
            verbs::PASSED
        } else {
            verbs::FAILED
        };
        diary.pass(Duration::from_secs(2));
        diary.note(
            Statement::new(learner(), verbs::COMPLETED, activity())
                .result(result.clone())
                .context(context()),
        );
        diary.note(
            Statement::new(learner(), verb, activity())
                .result(result.success(verb == verbs::PASSED))
                .context(context()),
        );
        diary.pass(Duration::from_secs(40));
    }
    diary.close()
}

fn learner() -> Agent {
    Agent::account(SITE, "learner-4711").name("Aylin Şahin")
}

fn course() -> XapiActivity {
    XapiActivity::new(format!("{SITE}/courses/german-on-the-train"))
        .name("en", "German on the Train")
        .activity_type(activity_types::COURSE)
}

fn question(word: usize) -> XapiActivity {
    let (german, english, taken_for) = WORDS[word];
    XapiActivity::new(format!("{SITE}/words/{}", word + 1))
        .name("de", german)
        .description("en", format!("What does “{german}” mean?"))
        .activity_type(activity_types::CMI_INTERACTION)
        .interaction(InteractionType::Choice)
        .choices([
            InteractionComponent::new("right").description("en", english),
            InteractionComponent::new("taken-for").description("en", taken_for),
        ])
        .correct_responses(["right"])
}
