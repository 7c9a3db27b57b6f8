//! The LRSs there are: each a row of what real ones were seen to do.

use pannier::store::Millis;

use pannier::XapiVersion::{self, V1_0_3, V2_0_0};

/// How an LRS behaves for good. Weather and network come on top of it.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a habit of its own")]
pub struct Character {
    /// Whose behaviour it is.
    pub name: &'static str,
    /// The version headers it takes; none: it does not look at them.
    pub versions: &'static [XapiVersion],
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
    /// The status of a POST with wrong credentials; a GET is answered 401.
    pub wrong_password: u16,
    /// What it says to a body that is too large.
    pub too_large: TooLarge,
    /// A statement that is under way twice is stored twice, and cannot be read any more.
    pub doubles: bool,
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
    /// 400.
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

/// What it changes in a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewrites {
    /// Adds `stored` and `authority`.
    Adds,
    /// Adds them, and writes timestamps with microseconds and `+00:00`, types and a version.
    Respells,
    /// Nothing.
    Nothing,
}

const BASE: Character = Character {
    name: "xapi-lrs",
    versions: &[V1_0_3, V2_0_0],
    about: About::Lists,
    single_only: false,
    known: Known::AllIds,
    names_conflict: false,
    invalid: Invalid::Silent,
    poison: Poison::Takes,
    wrong_password: 401,
    too_large: TooLarge::Says413,
    doubles: false,
    shows: Shows::Plain,
    voiding: Voiding::Later,
    rewrites: Rewrites::Adds,
    partial: false,
    a_minute: None,
    refuses_future: false,
    writes_once: false,
    per_statement: 5,
};

const RALPH: Character = Character {
    name: "Ralph",
    versions: &[],
    about: About::Missing,
    known: Known::NewIds,
    invalid: Invalid::Loc,
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
        known: Known::NewIds,
        names_conflict: true,
        poison: Poison::KeepsPrefix,
        wrong_password: 400,
        per_statement: 20,
        ..BASE
    },
    Character {
        name: "ADL_LRS",
        known: Known::Refuses,
        names_conflict: true,
        poison: Poison::Fails,
        wrong_password: 400,
        too_large: TooLarge::Says400,
        doubles: true,
        voiding: Voiding::Once,
        rewrites: Rewrites::Respells,
        per_statement: 40,
        ..BASE
    },
    Character {
        name: "LL statements",
        versions: &[V1_0_3],
        names_conflict: true,
        invalid: Invalid::Index,
        voiding: Voiding::Any,
        rewrites: Rewrites::Respells,
        per_statement: 3,
        ..BASE
    },
    RALPH,
    Character {
        name: "MiniXapi",
        versions: &[],
        about: About::Secret,
        single_only: true,
        known: Known::Fails,
        invalid: Invalid::Swallows,
        poison: Poison::Fails,
        shows: Shows::Null,
        voiding: Voiding::Never,
        rewrites: Rewrites::Nothing,
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
        about: About::Missing,
        refuses_future: true,
        ..BASE
    },
    Character {
        name: "strict 2.0.0",
        versions: &[V2_0_0],
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
