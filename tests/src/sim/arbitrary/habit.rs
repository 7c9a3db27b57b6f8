//! What a server does for good, drawn from a grammar: any combination is an LRS that there may be.

use pannier::XapiVersion::{self, V1_0_3, V2_0_0};
use pannier::store::Millis;

use super::copies::Alters;

/// A fixed behaviour.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a habit of its own")]
pub struct Habit {
    /// Its answers name an xAPI version, as the standard demands of every one (Communication 3.3).
    pub marked: bool,
    /// The versions that it takes; others are answered by 400.
    pub versions: &'static [XapiVersion],
    /// What `GET about` gives.
    pub about: About,
    /// What it says to an array, if it takes single statements only.
    pub single_only: Option<u16>,
    /// What it says of statements that it has taken.
    pub says: Says,
    /// What it says of one that it has, unchanged.
    pub known: Known,
    /// What it says to a batch with a bad statement.
    pub refusal: Refusal,
    /// What it says to a batch with a statement that it fails on.
    pub failure: Refusal,
    /// A refused batch is stored as far as it is good until the first that is not.
    pub keeps_prefix: bool,
    /// What a look-up gives.
    pub looks: Looks,
    /// How long it does not show what it has stored.
    pub lag: Millis,
    /// It says so (`X-Experience-API-Consistent-Through`).
    pub tells_lag: bool,
    /// What it changes in a copy.
    pub alters: Alters,
    /// A voided statement is shown as voided only.
    pub voids: bool,
    /// What it says to a POST, and to a GET, with wrong credentials or none.
    pub locked: [u16; 2],
    /// What it does with contents of attachments.
    pub contents: OnContents,
    /// What a look-up shows of them.
    pub shows_contents: ShowsContents,
    /// How long a batch takes it, and how long each statement of it.
    pub pace: (Millis, Millis),
}

/// What `GET about` gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Its versions.
    Lists,
    /// Its versions as one text.
    ListsText,
    /// An object without versions.
    Empty,
    /// A page, as an application answers every path.
    Page,
    /// This status.
    Status(u16),
    /// Nothing: it hangs, or cuts the connection.
    Silent { hangs: bool },
}

/// What it says of a batch that it has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// All ids.
    AllIds,
    /// The ids of those that are new to it.
    NewIds,
    /// All of them, the last one first.
    Backwards,
    /// All of them in capitals.
    Capitals,
    /// An object with them in it.
    Object,
    /// All ids behind a byte order mark.
    Marked,
    /// Nothing: 204.
    Nothing,
}

/// What it says of a statement that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// As if it were new.
    AsNew,
    /// It does not name it; 204 if none of a batch is new.
    Unnamed,
    /// This status for the whole batch, perhaps with its id.
    Refused(u16, bool),
}

/// How it refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// By this status.
    pub status: u16,
    /// What it says.
    pub words: Words,
    /// Not it, but something before it that looks at what goes by.
    pub stranger: bool,
}

/// What is said in a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// A sentence.
    Sentence,
    /// A page.
    Page,
    /// Nothing.
    Nothing,
    /// Where it stands in the batch.
    Whereabouts,
    /// An object that reports refusals, while what is good is stored.
    Report,
}

/// What a look-up gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// The statement, or 404.
    Plain,
    /// A list of one, or of none.
    List,
    /// The statement, or `null`.
    Null,
    /// This status always: credentials that may only write, or something before it that lets no question
    /// through.
    Never(u16),
    /// Nothing: it hangs, or cuts the connection.
    Silent { hangs: bool },
}

/// What it does with a request that has contents of attachments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnContents {
    /// It takes all.
    Takes,
    /// This status, whatever is in it.
    Refuses(u16),
    /// From so many octets on it gives no answer, and has the statement without them.
    HangsFrom(usize),
}

/// What a look-up that asks for contents as well gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShowsContents {
    /// All that it has.
    All,
    /// The statement alone.
    Nothing,
    /// This status.
    Fails(u16),
}

impl OnContents {
    /// Draws one.
    pub fn draw(rng: &mut fastrand::Rng) -> Self {
        match rng.u32(..8) {
            0 | 1 => {
                Self::Refuses([400, 403, 404, 406, 413, 415, 422, 500, 501, 502][rng.usize(..10)])
            }
            2 => Self::HangsFrom([0, 1, 60, 3_000][rng.usize(..4)]),
            _ => Self::Takes,
        }
    }
}

impl ShowsContents {
    /// Draws one.
    pub fn draw(rng: &mut fastrand::Rng) -> Self {
        match rng.u32(..6) {
            0 => Self::Nothing,
            1 => Self::Fails([400, 404, 406, 500, 501, 503][rng.usize(..6)]),
            _ => Self::All,
        }
    }
}

const STATUSES: &[u16] = &[
    400, 400, 401, 402, 403, 403, 404, 405, 406, 406, 409, 410, 411, 412, 413, 414, 415, 418, 422,
    422, 429, 451, 200, 302,
];

impl Habit {
    /// Draws one.
    pub fn draw(rng: &mut fastrand::Rng) -> Self {
        let marked = rng.u32(..4) > 0;
        let both: &[XapiVersion] = &[V1_0_3, V2_0_0];
        Self {
            marked,
            versions: [both, both, &[V1_0_3], &[V2_0_0]][rng.usize(..4)],
            about: match rng.u32(..10) {
                0 => About::ListsText,
                1 => About::Empty,
                2 => About::Page,
                3 => About::Status(
                    [301, 302, 400, 401, 403, 404, 405, 429, 500, 501, 503][rng.usize(..11)],
                ),
                4 => About::Silent { hangs: rng.bool() },
                _ => About::Lists,
            },
            single_only: match rng.u32(..8) {
                0 => Some([400, 413, 500, 500][rng.usize(..4)]),
                _ => None,
            },
            says: match rng.u32(..12) {
                0 | 1 => Says::NewIds,
                2 => Says::Backwards,
                3 => Says::Capitals,
                4 => Says::Object,
                5 => Says::Marked,
                6 | 7 => Says::Nothing,
                _ => Says::AllIds,
            },
            known: match rng.u32(..6) {
                0 | 1 => Known::Unnamed,
                2 => Known::Refused([409, 409, 409, 500, 400][rng.usize(..5)], rng.bool()),
                _ => Known::AsNew,
            },
            refusal: Refusal::draw(STATUSES, rng),
            failure: Refusal::draw(&[500, 500, 500, 501, 502, 503, 504, 507, 599], rng),
            keeps_prefix: rng.u32(..5) == 0,
            looks: match rng.u32(..8) {
                0 => Looks::List,
                1 => Looks::Null,
                2 => Looks::Never(
                    [302, 400, 403, 404, 405, 406, 429, 500, 501, 503][rng.usize(..10)],
                ),
                3 if rng.bool() => Looks::Silent { hangs: rng.bool() },
                _ => Looks::Plain,
            },
            lag: match rng.u32(..6) {
                0 => rng.i64(1_000..90_000),
                _ => 0,
            },
            tells_lag: rng.bool(),
            alters: Alters::draw(rng),
            voids: rng.u32(..3) > 0,
            contents: OnContents::Takes,
            shows_contents: ShowsContents::All,
            locked: [[401, 401], [401, 401], [400, 401]][rng.usize(..3)],
            pace: [(20, 1), (20, 5), (50, 40), (500, 20), (9_000, 200)]
                [[0, 0, 1, 1, 2, 3, 4][rng.usize(..7)]],
        }
    }

    /// It says that it has them all, in a way that is a proof.
    pub fn proves_new(&self) -> bool {
        self.says != Says::Nothing || self.vouches()
    }

    /// Where it names nothing, it says itself that it has all, and shows it, or says that nobody may look.
    fn vouches(&self) -> bool {
        self.marked
            && match self.looks {
                Looks::Never(status) => matches!(status, 403 | 405 | 501),
                Looks::Silent { .. } => false,
                Looks::Plain | Looks::List | Looks::Null => true,
            }
    }

    /// It says that it has one which it had before, in a way that is a proof.
    pub fn proves_known(&self) -> bool {
        match self.known {
            Known::AsNew if self.says != Says::NewIds => self.proves_new(),
            Known::AsNew | Known::Unnamed => self.vouches(),
            Known::Refused(..) => false,
        }
    }

    /// It shows what it has.
    pub fn shows(&self) -> bool {
        !matches!(self.looks, Looks::Never(_) | Looks::Silent { .. })
    }

    /// A device finds out, without being told, that it speaks 2.0.0.
    pub fn says_2_0(&self) -> bool {
        self.versions.contains(&V2_0_0) && self.about == About::Lists
    }
}

impl Refusal {
    fn draw(statuses: &[u16], rng: &mut fastrand::Rng) -> Self {
        let status = statuses[rng.usize(..statuses.len())];
        let words = match (status, rng.u32(..6)) {
            (200, 0..3) => Words::Report,
            (200 | 302, _) | (_, 0) => Words::Page,
            (_, 1) => Words::Nothing,
            (_, 2) => Words::Whereabouts,
            _ => Words::Sentence,
        };
        let stranger = match words {
            Words::Page => true,
            Words::Whereabouts | Words::Report => false,
            Words::Sentence | Words::Nothing => rng.u32(..4) == 0,
        };
        Self {
            status,
            words,
            stranger,
        }
    }
}
