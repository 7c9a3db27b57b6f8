//! Statements as three kinds of app make them: a vocabulary trainer on a phone, a simulation on a
//! headset, a workshop in the field. 752 to 1,791 bytes, 1,309 on average; the same seed makes the
//! same statements.

use std::path::Path;

use fastrand::Rng;
use pannier::Uuid;

/// Which members the app fills in itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Shape {
    /// Neither `id` nor `timestamp`: Pannier adds them.
    Bare,
    /// Both, the id a random one (v4): nothing is left to add.
    Complete,
}

/// An endless, deterministic row of statements.
pub struct Statements {
    rng: Rng,
    shape: Shape,
    n: u64,
}

impl Statements {
    /// The row of this seed.
    pub fn new(seed: u64, shape: Shape) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            shape,
            n: 0,
        }
    }

    /// A random one (v4).
    fn id(&mut self) -> String {
        let random = (self.rng.u128(..) & !(0xf << 76) & !(0x3 << 62)) | (4 << 76) | (2 << 62);
        Uuid::from_u128(random).to_string()
    }

    /// So many words of something, for the texts that learners and apps write.
    fn words(&mut self, least: usize, most: usize) -> String {
        const WORDS: [&str; 12] = [
            "valve", "Übung", "closed", "before", "単語", "the", "pump", "is", "started",
            "checked", "ağaç", "again",
        ];
        let many = self.rng.usize(least..=most);
        (0..many)
            .map(|_| WORDS[self.rng.usize(..WORDS.len())])
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn vocabulary(&mut self) -> String {
        let (n, learner) = (self.n, self.rng.u32(..400));
        let (card, note) = (self.rng.u32(..9000), self.words(0, 34));
        format!(
            r#""actor":{{"objectType":"Agent","account":{{"homePage":"https://vocabulary.example.com","name":"learner-{learner}"}}}},"verb":{{"id":"http://adlnet.gov/expapi/verbs/answered","display":{{"en":"answered","de":"beantwortete"}}}},"object":{{"objectType":"Activity","id":"https://vocabulary.example.com/cards/{card}","definition":{{"type":"http://adlnet.gov/expapi/activities/cmi.interaction","interactionType":"fill-in","name":{{"en":"Card {card}","tr":"Kart {card}"}}}}}},"result":{{"success":{},"response":"{note}","duration":"PT{}.{:02}S","score":{{"scaled":{:.2}}}}},"context":{{"platform":"phone","language":"tr","extensions":{{"https://vocabulary.example.com/x/box":{},"https://vocabulary.example.com/x/n":{n}}}}}"#,
            self.rng.bool(),
            self.rng.u32(..60),
            self.rng.u32(..100),
            self.rng.f64(),
            self.rng.u32(1..6),
        )
    }

    fn headset(&mut self) -> String {
        let (n, step) = (self.n, self.rng.u32(..40));
        let (registration, words) = (self.id(), self.words(6, 40));
        let place: Vec<String> = (0..self.rng.usize(18..=56))
            .map(|_| format!("{:.3}", self.rng.f64() * 8.0 - 4.0))
            .collect();
        format!(
            r#""actor":{{"objectType":"Agent","name":"Trainee {}","mbox":"mailto:trainee.{}@plant.example.org"}},"verb":{{"id":"http://adlnet.gov/expapi/verbs/interacted","display":{{"en-US":"interacted"}}}},"object":{{"id":"https://vr.example.org/sims/pump-room/steps/{step}","definition":{{"type":"http://adlnet.gov/expapi/activities/simulation","name":{{"en-US":"Pump room, step {step}"}},"description":{{"en-US":"{words}"}},"extensions":{{"https://vr.example.org/x/scene":"pump-room-b","https://vr.example.org/x/revision":17}}}}}},"result":{{"completion":true,"success":{},"duration":"PT{}M{}.{:03}S","score":{{"scaled":{:.3},"raw":{},"min":0,"max":100}},"extensions":{{"https://vr.example.org/x/path":[{}],"https://vr.example.org/x/hand":"left"}}}},"context":{{"registration":"{registration}","platform":"headset","contextActivities":{{"parent":[{{"id":"https://vr.example.org/sims/pump-room"}}],"grouping":[{{"id":"https://vr.example.org/courses/safety","definition":{{"type":"http://adlnet.gov/expapi/activities/course"}}}}]}},"extensions":{{"https://vr.example.org/x/session":{n},"https://vr.example.org/x/fps":{:.1}}}}}"#,
            self.rng.u32(..90),
            self.rng.u32(..90),
            self.rng.bool(),
            self.rng.u32(..20),
            self.rng.u32(..60),
            self.rng.u32(..1000),
            self.rng.f64(),
            self.rng.u32(..101),
            place.join(","),
            60.0 + self.rng.f64() * 30.0,
        )
    }

    fn workshop(&mut self) -> String {
        let (n, group) = (self.n, self.rng.u32(..12));
        let (said, task) = (self.words(8, 60), self.rng.u32(..300));
        format!(
            r#""actor":{{"objectType":"Group","name":"Bench {group}","member":[{{"objectType":"Agent","name":"Ayşe","account":{{"homePage":"https://workshop.example.net","name":"w-{}"}}}},{{"objectType":"Agent","name":"José","account":{{"homePage":"https://workshop.example.net","name":"x-{}"}}}}]}},"verb":{{"id":"http://adlnet.gov/expapi/verbs/completed","display":{{"en":"completed","es":"completó","fr":"a terminé"}}}},"object":{{"objectType":"Activity","id":"https://workshop.example.net/tasks/{task}","definition":{{"type":"http://adlnet.gov/expapi/activities/assessment","name":{{"en":"Task {task}"}},"moreInfo":"https://workshop.example.net/tasks/{task}/sheet"}}}},"result":{{"completion":true,"success":{},"response":"{said}","duration":"PT{}H{}M"}},"context":{{"instructor":{{"objectType":"Agent","name":"Lead","mbox_sha1sum":"ebd31e95054c018b10727ccffd2ef2ec3a016ee9"}},"team":{{"objectType":"Group","name":"Morning","account":{{"homePage":"https://workshop.example.net","name":"team-{group}"}}}},"contextActivities":{{"category":[{{"id":"https://workshop.example.net/profile","definition":{{"type":"http://adlnet.gov/expapi/activities/profile"}}}}]}},"extensions":{{"https://workshop.example.net/x/gps":{{"lat":{:.5},"lon":{:.5}}},"https://workshop.example.net/x/n":{n}}}}}"#,
            self.rng.u32(..80),
            self.rng.u32(..80),
            self.rng.bool(),
            self.rng.u32(..4),
            self.rng.u32(..60),
            self.rng.f64() * 90.0,
            self.rng.f64() * 180.0,
        )
    }
}

impl Iterator for Statements {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let start = match self.shape {
            Shape::Bare => String::new(),
            Shape::Complete => format!(
                r#""id":"{}","timestamp":"2024-05-{:02}T{:02}:{:02}:{:02}.{:03}Z","#,
                self.id(),
                1 + self.n / 86_400 % 28,
                self.n / 3_600 % 24,
                self.n / 60 % 60,
                self.n % 60,
                self.rng.u32(..1000),
            ),
        };
        let rest = match self.n % 3 {
            0 => self.vocabulary(),
            1 => self.headset(),
            _ => self.workshop(),
        };
        self.n += 1;
        Some(format!("{{{start}{rest}}}").into_bytes())
    }
}

/// The statements of a job: the lines of a file of JSON lines, or so many of the row.
pub fn load(
    file: Option<&Path>,
    count: usize,
    shape: Shape,
) -> Result<Vec<Vec<u8>>, std::io::Error> {
    let Some(file) = file else {
        return Ok(Statements::new(1, shape).take(count).collect());
    };
    let lines = std::fs::read(file)?;
    Ok(lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
        .map(<[u8]>::to_vec)
        .collect())
}
