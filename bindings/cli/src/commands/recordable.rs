//! The test whether a statement can be recorded, which `check` and `record` share.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;

use pannier::collector::{Recordable, voids_a_voiding};
use pannier::statement::{Fault, Invalid, PANNIER_LIMIT, Prepared, PreparedDefaults, XapiVersion};
use pannier::{Error, Meaning, Uuid};

use super::contents::GivenContents;
use super::input::Item;

/// Judge of the input's statements, one after the other.
pub struct Judge {
    rules: XapiVersion,
    defaults: PreparedDefaults,
    /// First statements that can be recorded, by the ids of their own.
    first: HashMap<Uuid, First>,
    /// Hasher of contents, which are compared by hash: an export may be too large to keep.
    hasher: RandomState,
}

/// The first statement of an id.
struct First {
    place: String,
    contents: Contents,
    is_voiding: bool,
}

/// Hashes of a statement's content with its timestamp and without, as Pannier may have filled that in.
struct Contents {
    timestamp_is_ours: bool,
    with_timestamp: u64,
    without: u64,
}

/// A statement that can be recorded.
pub struct Good {
    pub place: String,
    pub statement: Recordable,
}

/// A statement that cannot be recorded.
pub struct Bad {
    pub place: String,
    pub invalid: Invalid,
}

impl Judge {
    /// Returns a judge by the rules of this version, with these defaults.
    pub fn new(rules: XapiVersion, defaults: PreparedDefaults) -> Self {
        Self {
            rules,
            defaults,
            first: HashMap::new(),
            hasher: RandomState::new(),
        }
    }

    /// Tells whether this can be recorded after those before it, with its contents where some were given. Only a queue can
    /// tell whether it has another statement under the same id.
    pub fn judge(&mut self, item: Item, contents: Option<&mut GivenContents>) -> Result<Good, Bad> {
        let Item { place, text } = item;
        let judged = text
            .map_err(|fault| vec![fault].into())
            .and_then(|text| self.whole(&place, &text, contents));
        match judged {
            Ok(statement) => Ok(Good { place, statement }),
            Err(invalid) => Err(Bad { place, invalid }),
        }
    }

    fn whole(
        &mut self,
        place: &str,
        text: &[u8],
        contents: Option<&mut GivenContents>,
    ) -> Result<Recordable, Invalid> {
        let mut statement =
            Recordable::check_with(text, &self.defaults, self.rules).map_err(refused)?;
        if let Some(contents) = contents {
            let faults = contents.faults(&statement.prepared().body, self.rules);
            if !faults.is_empty() {
                return Err(faults.into());
            }
            let contents = contents.of(statement.prepared());
            statement = statement.with_contents(&contents).map_err(refused)?;
        } else if !statement.prepared().attached.is_empty() {
            return Err(vec![content_missing()].into());
        }
        let is_named = statement.id().is_some();
        self.among_others(place, statement.prepared(), is_named)?;
        Ok(statement)
    }

    /// Checks it among those before it; `is_named` says whether its id is its own.
    fn among_others(
        &mut self,
        place: &str,
        prepared: &Prepared,
        is_named: bool,
    ) -> Result<(), Invalid> {
        let voided = prepared.voids.and_then(|target| self.first.get(&target));
        if let (
            Some(First {
                is_voiding: true, ..
            }),
            Some(target),
        ) = (voided, prepared.voids)
        {
            return Err(vec![voids_a_voiding(target)].into());
        }
        if is_named {
            self.compare(place, prepared).map_err(|fault| vec![fault])?;
        }
        Ok(())
    }

    /// Compares it with the first one of its id.
    fn compare(&mut self, place: &str, prepared: &Prepared) -> Result<(), Fault> {
        let meaning = Meaning::of(&prepared.body);
        let contents = Contents {
            timestamp_is_ours: prepared.timestamp_is_ours,
            with_timestamp: self.hasher.hash_one(&meaning),
            without: self
                .hasher
                .hash_one(meaning.map(Meaning::without_timestamp)),
        };
        match self.first.entry(prepared.id) {
            Entry::Vacant(vacant) => {
                vacant.insert(First {
                    place: place.to_owned(),
                    contents,
                    is_voiding: prepared.voids.is_some(),
                });
                Ok(())
            }
            Entry::Occupied(first) if first.get().contents.same(&contents) => Ok(()),
            Entry::Occupied(first) => {
                let at = format!("stands at {}", first.get().place);
                Err(other_content(prepared.id, &at))
            }
        }
    }
}

impl Contents {
    /// Tells whether one that comes later says the same: a timestamp of its own counts, as in a queue.
    fn same(&self, later: &Self) -> bool {
        if later.timestamp_is_ours {
            self.without == later.without
        } else {
            self.with_timestamp == later.with_timestamp
        }
    }
}

fn limit(path: &str, problem: String, expected: &str) -> Fault {
    Fault {
        index: None,
        path: path.to_owned(),
        problem,
        expected: expected.to_owned(),
        section: PANNIER_LIMIT,
    }
}

fn content_missing() -> Fault {
    let problem = "has an attachment without fileUrl, whose content has to be sent along";
    let expected = "its content, by --content FILE or --contents DIR, or a fileUrl";
    limit("$.attachments", problem.to_owned(), expected)
}

fn refused(error: Error) -> Invalid {
    match error {
        Error::Invalid(invalid) => invalid,
        other => {
            let problem = format!("is refused: {other}");
            vec![limit("$", problem, "one that is taken")].into()
        }
    }
}

/// Returns the fault that another statement has the same id; `at`, where that one is, follows "another statement".
pub fn other_content(id: Uuid, at: &str) -> Fault {
    let problem = format!("is {id}, under which another statement {at}");
    limit(
        "$.id",
        problem,
        "an id of its own, as a statement never changes",
    )
}
