//! The LRSs there are: each a row of what real ones were seen to do.

use pannier::store::Millis;

use pannier::XapiVersion::{self, V1_0_3, V2_0_0};

use crate::sim::statement::LONG_NUMBER;

/// How an LRS behaves for good. Weather and network come on top of it.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a habit of its own")]
pub struct Character {
    /// Whose behaviour it is.
    pub name: &'static str,
    /// The version headers it takes; none: it does not look at them.
    pub versions: &'static [XapiVersion],
    /// The version that its answers name.
    pub echoes: Echoes,
    /// What `GET /about` gives.
    pub about: About,
    /// It takes single statements only, and answers 500 to an array.
    pub single_only: bool,
    /// What it says to a statement that it has.
    pub known: Known,
    /// A 409 names the statement.
    pub names_conflict: bool,
    /// What it says to an invalid statement.
    pub invalid: Invalid,
    /// What it does with a statement that its storage chokes on.
    pub poison: Poison,
    /// The status of a POST without credentials; a GET is answered 401.
    pub no_login: u16,
    /// The status of a POST with wrong credentials; a GET is answered 401.
    pub wrong_login: u16,
    /// The status of any request with an `Authorization` that it cannot read.
    pub garbled_login: u16,
    /// What it says to a body that is too large.
    pub too_large: TooLarge,
    /// What becomes of a statement that is under way twice.
    pub racing: Racing,
    /// A batch is stored all or not at all, also when it dies in the midst.
    pub atomic: bool,
    /// It stores what it is at, though the device hangs up before the answer.
    pub finishes: bool,
    /// Under a known id it drops other content without a word.
    pub drops_changes: bool,
    /// How it shows one statement, and that it has none.
    pub shows: Shows,
    /// Which voidings have an effect.
    pub voiding: Voiding,
    /// What it changes in a statement.
    pub rewrites: Rewrites,
    /// It stores what is valid and reports the rest under a 200.
    pub partial: bool,
    /// Requests it takes in a minute before it answers 429.
    pub a_minute: Option<u32>,
    /// It refuses timestamps that lie in its future.
    pub refuses_future: bool,
    /// After its first write every other one is a 500, until somebody repairs it.
    pub writes_once: bool,
    /// How long a statement takes it.
    pub per_statement: Millis,
}

/// The version that its answers name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echoes {
    /// The one it was asked in.
    Asked,
    /// This one, whatever it was asked in; not on `/about`.
    Always(XapiVersion),
    /// None.
    Nothing,
}

/// What becomes of a statement that is under way twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Racing {
    /// It is stored once, and both are answered as if they had come one after another.
    Once,
    /// It is stored once; the second request fails with a 500.
    Fails,
    /// It is stored twice, and cannot be read any more.
    Doubles,
}

/// What `GET /about` gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Its versions.
    Lists,
    /// 404.
    Missing,
    /// 401, whoever asks.
    Secret,
}

/// What it says to a statement that it has, unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// 200 with all ids of the batch.
    AllIds,
    /// 200 with the new ids only; 204 when none is new.
    NewIds,
    /// 409 to the whole batch.
    Refuses,
    /// 500.
    Fails,
}

/// What it says to an invalid statement; nothing of the batch is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalid {
    /// 400 without a culprit.
    Silent,
    /// 400 with `statements.N`.
    Index,
    /// 422 with `loc`.
    Loc,
    /// It takes it.
    Swallows,
}

/// What it does with a statement that its storage chokes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poison {
    /// 500, nothing stored.
    Fails,
    /// 500, and what stands before it in the batch is stored.
    KeepsPrefix,
    /// It takes it.
    Takes,
}

/// What it says to a body that is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooLarge {
    /// 413.
    Says413,
    /// 400; it resets the connection where it is more than four times too large.
    Says400,
    /// It resets the connection while the body is being written.
    Resets,
}

/// How it shows one statement, and that it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// The statement, or 404.
    Plain,
    /// A list of one, or an empty one under a 200.
    List,
    /// The statement, or `null` under a 200.
    Null,
}

/// Which voidings have an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voiding {
    /// All.
    Any,
    /// Those whose target came in an earlier request.
    Later,
    /// Those whose target came before, also in the same request; the second is refused by 400.
    Once,
    /// None.
    Never,
}

/// What it changes in a statement that it shows.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a habit of its own")]
pub struct Rewrites {
    /// Adds `stored` and `authority`.
    pub adds: bool,
    /// Adds the types of actors, and a version.
    pub types: bool,
    /// Writes timestamps with microseconds and `+00:00`.
    pub respells: bool,
    /// What becomes of [`LONG_NUMBER`](crate::sim::statement::LONG_NUMBER).
    pub long_number: &'static str,
    /// Leaves out what it does not know: `contextAgents`.
    pub drops_unknown: bool,
}

/// It adds what every LRS adds, and keeps the rest.
const ADDS: Rewrites = Rewrites {
    adds: true,
    types: false,
    respells: false,
    long_number: LONG_NUMBER,
    drops_unknown: false,
};

const BASE: Character = Character {
    name: "xapi-lrs",
    versions: &[V1_0_3, V2_0_0],
    echoes: Echoes::Asked,
    about: About::Lists,
    single_only: false,
    known: Known::AllIds,
    names_conflict: false,
    invalid: Invalid::Silent,
    poison: Poison::Takes,
    no_login: 401,
    wrong_login: 401,
    garbled_login: 500,
    too_large: TooLarge::Says413,
    racing: Racing::Once,
    atomic: true,
    finishes: true,
    drops_changes: false,
    shows: Shows::Plain,
    voiding: Voiding::Later,
    rewrites: Rewrites {
        long_number: "12345678901234567000",
        ..ADDS
    },
    partial: false,
    a_minute: None,
    refuses_future: false,
    writes_once: false,
    per_statement: 5,
};

const RALPH: Character = Character {
    name: "Ralph",
    versions: &[],
    echoes: Echoes::Nothing,
    about: About::Missing,
    known: Known::NewIds,
    names_conflict: true,
    invalid: Invalid::Loc,
    garbled_login: 401,
    finishes: false,
    rewrites: ADDS,
    shows: Shows::List,
    voiding: Voiding::Never,
    per_statement: 1,
    ..BASE
};

/// Every character.
pub const ALL: &[Character] = &[
    BASE,
    Character {
        name: "xapi-rs",
        versions: &[V2_0_0],
        echoes: Echoes::Always(V2_0_0),
        known: Known::NewIds,
        names_conflict: true,
        poison: Poison::KeepsPrefix,
        no_login: 400,
        wrong_login: 400,
        garbled_login: 400,
        racing: Racing::Fails,
        atomic: false,
        finishes: false,
        drops_changes: true,
        rewrites: ADDS,
        per_statement: 20,
        ..BASE
    },
    Character {
        name: "ADL_LRS",
        echoes: Echoes::Always(V2_0_0),
        known: Known::Refuses,
        names_conflict: true,
        poison: Poison::Fails,
        no_login: 400,
        too_large: TooLarge::Says400,
        racing: Racing::Doubles,
        voiding: Voiding::Once,
        rewrites: Rewrites {
            types: true,
            respells: true,
            ..ADDS
        },
        per_statement: 40,
        ..BASE
    },
    Character {
        name: "LL statements",
        versions: &[V1_0_3],
        echoes: Echoes::Always(V1_0_3),
        names_conflict: true,
        invalid: Invalid::Index,
        garbled_login: 401,
        finishes: false,
        voiding: Voiding::Any,
        rewrites: Rewrites {
            types: true,
            long_number: "12345678901234567000",
            ..ADDS
        },
        per_statement: 3,
        ..BASE
    },
    RALPH,
    Character {
        name: "MiniXapi",
        versions: &[],
        echoes: Echoes::Nothing,
        about: About::Secret,
        single_only: true,
        known: Known::Fails,
        invalid: Invalid::Swallows,
        poison: Poison::Fails,
        shows: Shows::Null,
        garbled_login: 401,
        voiding: Voiding::Never,
        rewrites: Rewrites {
            adds: false,
            long_number: "1.2345678901234567e+19",
            drops_unknown: true,
            ..ADDS
        },
        ..BASE
    },
    Character {
        name: "Ralph, partial success",
        partial: true,
        ..RALPH
    },
    Character {
        name: "Ralph, stock",
        writes_once: true,
        ..RALPH
    },
    Character {
        name: "strict 1.0.x",
        versions: &[V1_0_3],
        echoes: Echoes::Always(V1_0_3),
        about: About::Missing,
        refuses_future: true,
        ..BASE
    },
    Character {
        name: "strict 2.0.0",
        versions: &[V2_0_0],
        echoes: Echoes::Always(V2_0_0),
        about: About::Missing,
        refuses_future: true,
        too_large: TooLarge::Resets,
        ..BASE
    },
    Character {
        name: "rate-limited",
        a_minute: Some(20),
        ..BASE
    },
];
