//! What the app records: statements of every kind that some LRS has trouble with.

use pannier::statement::{Content, Fill, Prepared, XapiVersion, prepare};
use pannier::store::Millis;
use pannier_signature::Hashes;
use uuid::Uuid;

/// What is special about a statement. The LRS recognises it by the object's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Good,
    /// Valid by the standard, refused by this LRS as invalid.
    Bad,
    /// The LRS fails on it with a 500.
    Poison,
    /// Larger than the LRS takes.
    Big,
    /// The LRS has another statement under its id.
    Conflict,
    /// The LRS has it already under its id, with another timestamp than the app gave.
    Near,
    /// The LRS has it already: an import from elsewhere.
    There,
    /// Uses what only 2.0.0 has.
    Modern,
    /// Voids another one.
    Voiding(Uuid),
}

impl Kind {
    /// The word that stands in the object's id.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Poison => "poison",
            Self::Big => "big",
            Self::Conflict => "conflict",
            Self::Near => "near",
            Self::There => "there",
            Self::Modern => "modern",
            Self::Voiding(_) => "voiding",
        }
    }
}

/// More digits than a double has. LRSs round it.
pub const LONG_NUMBER: &str = "12345678901234567890";

/// A duration that LRSs write otherwise: one counts by a float and loses a hundredth, one makes minutes
/// of seconds.
pub const DURATION: &str = "PT90.29S";

/// What only 2.0.0 has, as a [`Kind::Modern`] statement says it.
pub const CONTEXT_AGENTS: &str = r#""contextAgents":[{"objectType":"contextAgent","agent":{"mbox":"mailto:coach@example.com"},"relevantTypes":["http://example.com/coach"]}]"#;

/// Everything that makes a statement.
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    /// What is special about it.
    pub kind: Kind,
    /// Its number in the run.
    pub n: u64,
    /// Its id.
    pub id: Uuid,
    /// Who did it.
    pub learner: u8,
    /// When, unix milliseconds; none: `prepare` fills it in.
    pub timestamp: Option<Millis>,
    /// Bytes of padding.
    pub padding: usize,
    /// The device's clock, unix milliseconds.
    pub now: Millis,
    /// The content of its one attachment.
    pub content: Option<Contained>,
}

/// What makes the content of an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contained {
    /// What tells it from others.
    pub seed: u64,
    /// Its length.
    pub length: usize,
}

impl Contained {
    /// Its octets.
    pub fn octets(self) -> Vec<u8> {
        let mut octets = vec![0; self.length];
        fastrand::Rng::with_seed(self.seed).fill(&mut octets);
        octets
    }

    /// What a statement says of it.
    fn attachment(self) -> String {
        let hashes = Hashes::of(&self.octets()[..]).expect("it is in memory");
        let [sha256, ..] = hashes.sha2;
        format!(
            r#","attachments":[{{"usageType":"http://example.com/log","display":{{"en":"a log"}},"contentType":"application/octet-stream","length":{},"sha2":"{sha256}"}}]"#,
            self.length
        )
    }
}

/// The mail address of a learner.
pub fn mbox(learner: u8) -> String {
    format!("mailto:learner-{learner}@example.com")
}

/// Writes a statement as an app would, and prepares it as `record` does.
pub fn prepared(recipe: &Recipe) -> Prepared {
    let Recipe { kind, n, id, .. } = recipe;
    let (mbox, padding) = (mbox(recipe.learner), "x".repeat(recipe.padding));
    let (verb, object) = match kind {
        Kind::Voiding(target) => (
            "http://adlnet.gov/expapi/verbs/voided",
            format!(r#"{{"objectType":"StatementRef","id":"{target}"}}"#),
        ),
        _ => (
            "http://example.com/did",
            format!(
                r#"{{"id":"http://example.com/{}/{n}","definition":{{"description":{{"en":"{padding}"}}}}}}"#,
                kind.word()
            ),
        ),
    };
    let context = match kind {
        Kind::Modern => format!(r#","context":{{{CONTEXT_AGENTS}}}"#),
        // Every seventh says a number that no double holds.
        _ if n % 7 == 3 => {
            format!(r#","context":{{"extensions":{{"http://example.com/serial":{LONG_NUMBER}}}}}"#)
        }
        _ => String::new(),
    };
    let result = match n % 5 {
        1 => format!(r#","result":{{"duration":"{DURATION}","score":{{"scaled":0.1}}}}"#),
        _ => String::new(),
    };
    let timestamp = recipe
        .timestamp
        .map_or_else(String::new, |at| format!(r#","timestamp":"{}""#, iso(at)));
    let attachments = recipe
        .content
        .map_or_else(String::new, Contained::attachment);
    let text = format!(
        r#"{{"id":"{id}","actor":{{"mbox":"{mbox}"}},"verb":{{"id":"{verb}"}},"object":{object}{result}{context}{timestamp}{attachments}}}"#
    );
    let fill = Fill {
        id: *id,
        now_ms: recipe.now,
    };
    let contents: Vec<Content> = recipe
        .content
        .iter()
        .map(|it| Content::bytes(it.octets()))
        .collect();
    match prepare(text.as_bytes(), XapiVersion::V2_0_0, &fill) {
        Ok(prepared) => match prepared.with_contents(&contents) {
            Ok(prepared) => prepared,
            Err(unmatched) => panic!("the simulation gave another content: {unmatched:?}"),
        },
        Err(invalid) => panic!("the simulation wrote an invalid statement: {invalid}\n{text}"),
    }
}

/// An instant as xAPI writes it.
pub fn iso(at: Millis) -> String {
    let at = jiff::Timestamp::from_millisecond(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}
