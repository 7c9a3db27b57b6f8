//! A training simulation on a VR headset: five drills, each step of which is recorded.

use std::time::Duration;

use pannier::statement::Statement;
use pannier::statement::model::{Agent, Score, XapiActivity, XapiContext, XapiResult};
use pannier::statement::vocabulary::{activity_types, verbs};

use super::diary::Diary;

const SITE: &str = "https://drills.example.com";

const DRILLS: [(&str, &str); 5] = [
    ("lifeboat", "Launch a Lifeboat"),
    ("galley-fire", "Fire in the Galley"),
    ("man-overboard", "Man Overboard"),
    ("engine-room", "Engine Room Blackout"),
    ("first-aid", "First Aid on Deck"),
];

const THINGS: [&str; 12] = [
    "alarm-button",
    "life-vest",
    "harness",
    "winch-brake",
    "fire-blanket",
    "extinguisher",
    "radio",
    "throw-line",
    "breaker-panel",
    "torch",
    "first-aid-kit",
    "stretcher",
];

/// Number of a trainee's steps in one drill, besides beginning and ending it.
const STEPS: usize = 86;

/// Records 450 statements.
pub fn trains(mut diary: Diary) -> Vec<Statement> {
    let registration = diary.id();
    for (round, (id, name)) in DRILLS.into_iter().enumerate() {
        let drill = || {
            XapiActivity::new(format!("{SITE}/drills/{id}"))
                .name("en", name)
                .activity_type(activity_types::SIMULATION)
        };
        let context = || {
            XapiContext::new()
                .registration(registration)
                .grouping(
                    XapiActivity::new(format!("{SITE}/courses/safety-at-sea"))
                        .name("en", "Safety at Sea")
                        .activity_type(activity_types::COURSE),
                )
                .platform("Drydock VR 2.4 (headset)")
        };
        let say = |verb| Statement::new(trainee(), verb, drill()).context(context());
        diary.note(say(verbs::INITIALIZED));
        let mut good = 0;
        for step in 0..STEPS {
            let time = Duration::from_millis(400 + ((step * 53 + round * 29) % 70) as u64 * 50);
            diary.pass(time);
            let done_well = (step * 5 + round * 7) % 13 < 9;
            good += usize::from(done_well);
            let handled = Statement::new(
                trainee(),
                verbs::INTERACTED,
                thing(THINGS[(step + round * 3) % THINGS.len()]),
            )
            .result(
                XapiResult::new()
                    .success(done_well)
                    .duration(time)
                    .extension(format!("{SITE}/xapi/hand"), hand(step))
                    .extension(format!("{SITE}/xapi/gaze"), gaze(step, round)),
            )
            .context(
                context()
                    .parent(drill())
                    .extension(format!("{SITE}/xapi/step"), step as u64 + 1),
            );
            diary.note(handled);
            if step + 1 == STEPS / 2 {
                // The headset is put down, and taken up again.
                diary.note(say(verbs::SUSPENDED));
                diary.pass(Duration::from_secs(90));
                diary.note(say(verbs::RESUMED));
            }
        }
        let (raw, max) = (good as f64, STEPS as f64);
        let passed = good * 10 >= STEPS * 7;
        let verb = if passed { verbs::PASSED } else { verbs::FAILED };
        diary.note(
            say(verb).result(
                XapiResult::new()
                    .score(Score::scaled(raw / max).points(raw, 0.0, max))
                    .success(passed)
                    .completion(true),
            ),
        );
        diary.pass(Duration::from_mins(3));
    }
    diary.close()
}

fn trainee() -> Agent {
    Agent::account(SITE, "crew-0042").name("Ben Okafor")
}

fn thing(name: &str) -> XapiActivity {
    XapiActivity::new(format!("{SITE}/things/{name}"))
        .name("en", name.replace('-', " "))
        .activity_type(activity_types::INTERACTION)
}

fn hand(step: usize) -> &'static str {
    if step.is_multiple_of(3) {
        "left"
    } else {
        "right"
    }
}

/// Returns the direction in which the trainee looks: yaw and pitch in degrees.
fn gaze(step: usize, round: usize) -> serde_json::Value {
    let yaw = ((step * 17 + round * 5) % 3_600) as f64 / 10.0;
    let pitch = ((step * 7) % 900) as f64 / 10.0 - 45.0;
    serde_json::json!({ "yaw": yaw, "pitch": pitch })
}
