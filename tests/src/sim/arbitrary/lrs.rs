//! The truth about one LRS: what it has, what it is at, what it has said.

use std::collections::{BTreeMap, BTreeSet};

use pannier::lrs::Request;
use pannier::store::Millis;
use uuid::Uuid;

use super::habit::Habit;
use crate::sim::lrs::post::statements;
use crate::sim::parts::apart;
use crate::sim::statement::Contained;

/// A statement that it has, as it was sent.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The bytes.
    pub sent: Vec<u8>,
    /// When it was stored; true time.
    pub at: Millis,
    /// When a look-up finds it.
    pub shows: Millis,
    /// Which work brought it; none: somebody else did.
    pub work: Option<usize>,
    /// The contents of attachments that it has with it.
    pub contents: Vec<Vec<u8>>,
}

/// A request that it is at.
#[derive(Debug, Clone)]
pub struct Work {
    /// The statements.
    pub ids: Vec<Uuid>,
    /// When the request left the device; true time.
    pub left: Millis,
    /// From when on it is at it.
    pub from: Millis,
    /// Until when.
    pub until: Millis,
}

/// What it, or whoever answered in its place, said against a statement.
#[derive(Debug, Clone, Copy)]
pub struct Refused {
    /// When the request left the device; true time.
    pub left: Millis,
    /// When the device learned it.
    pub at: Millis,
}

/// One LRS.
#[derive(Debug)]
pub struct Lrs {
    /// Its base URL; an origin of its own.
    pub base: String,
    /// Which password is right.
    pub password: u32,
    /// Which one was first. None is another LRS's.
    pub first_password: u32,
    /// Its clock minus the true time.
    pub ahead: Millis,
    /// What it does where nothing else is drawn.
    pub habit: Habit,
    /// What it has, by id.
    pub stored: BTreeMap<Uuid, Vec<Stored>>,
    /// What it is voided.
    pub voided: Vec<Uuid>,
    /// What it has of statements that void others.
    pub voidings: Vec<Uuid>,
    /// What it is or was at.
    pub works: Vec<Work>,
    /// Which statements were refused when they were alone or were named, as the device learned it.
    pub refused: BTreeMap<Uuid, Vec<Refused>>,
    /// Which statements were taken, and when the device learned it.
    pub taken: Vec<(Uuid, Millis)>,
    /// Those of which a copy that really differs was shown.
    pub differs: Vec<Uuid>,
    /// Those that were shown without their contents, and when.
    pub bare: BTreeMap<Uuid, Vec<Refused>>,
    /// Those that have contents, of which it has seen a request.
    pub contained: BTreeSet<Uuid>,
    /// The device has seen its version header since this LRS is meant, and since it took something without.
    pub signed: bool,
    /// It answered in its own name at least once, and always within a second.
    pub quick: Option<bool>,
}

/// A statement in a request, as far as an LRS looks at it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its id.
    pub id: Uuid,
    /// Its bytes.
    pub sent: Vec<u8>,
    /// What the object is: the word of its kind.
    pub kind: String,
    /// What it voids.
    pub voids: Option<Uuid>,
    /// The contents of attachments that came with it.
    pub contents: Vec<Vec<u8>>,
}

impl Lrs {
    /// An empty one.
    pub fn new(number: usize, habit: Habit, ahead: Millis) -> Self {
        Self {
            base: format!("https://lrs-{number}.example/xAPI"),
            password: number as u32 * 1000,
            first_password: number as u32 * 1000,
            ahead,
            habit,
            stored: BTreeMap::new(),
            voided: Vec::new(),
            voidings: Vec::new(),
            works: Vec::new(),
            refused: BTreeMap::new(),
            taken: Vec::new(),
            differs: Vec::new(),
            bare: BTreeMap::new(),
            contained: BTreeSet::new(),
            signed: false,
            quick: None,
        }
    }

    /// It stores a statement.
    pub fn store(&mut self, seen: &Seen, at: Millis, lag: Millis, work: Option<usize>) {
        let stored = Stored {
            sent: seen.sent.clone(),
            at,
            shows: at + lag,
            work,
            contents: seen.contents.clone(),
        };
        self.stored.entry(seen.id).or_default().push(stored);
        // A voiding cannot be voided (Data 2.3.2).
        let voiding = |id| self.voidings.contains(&id);
        if let Some(target) = seen.voids.filter(|target| !voiding(*target)) {
            self.voided.push(target);
        }
        if seen.voids.is_some() {
            self.voidings.push(seen.id);
            self.voided.retain(|id| *id != seen.id);
        }
    }

    /// What it has under an id by then.
    pub fn has(&self, id: Uuid, by: Millis) -> Option<&Stored> {
        self.stored
            .get(&id)?
            .iter()
            .filter(|one| one.at <= by)
            .min_by_key(|one| one.at)
    }

    /// What it shows under an id then.
    pub fn shown(&self, id: Uuid, then: Millis) -> Option<&Stored> {
        self.has(id, then).filter(|one| one.shows <= then)
    }

    /// How many statements it was sent before then, and shows only later.
    pub fn hidden_since(&self, then: Millis) -> u64 {
        let sent_before = |one: &Stored| one.work.is_none_or(|at| self.works[at].left <= then);
        let hidden = |one: &&Stored| sent_before(one) && one.shows > then;
        self.stored.values().flatten().filter(hidden).count() as u64
    }

    /// It has exactly this by then.
    pub fn has_exactly(&self, id: Uuid, sent: &[u8], by: Millis) -> bool {
        let all = self.stored.get(&id);
        all.is_some_and(|all| all.iter().any(|one| one.at <= by && one.sent == sent))
    }

    /// It has this content with a statement by then.
    pub fn has_content(&self, id: Uuid, content: Contained, by: Millis) -> bool {
        let its = content.octets();
        let all = self.stored.get(&id);
        all.is_some_and(|all| {
            all.iter()
                .any(|one| one.at <= by && one.contents.contains(&its))
        })
    }

    /// It has all the contents that came with this one.
    pub fn has_contents_of(&self, seen: &Seen, by: Millis) -> bool {
        let all: Vec<_> = self.stored.get(&seen.id).into_iter().flatten().collect();
        let has = |its: &Vec<u8>| {
            all.iter()
                .any(|one| one.at <= by && one.contents.contains(its))
        };
        seen.contents.iter().all(has)
    }

    /// The contents that it shows with a statement then.
    pub fn shown_contents(&self, id: Uuid, then: Millis) -> Vec<Vec<u8>> {
        let all = self.stored.get(&id).into_iter().flatten();
        let shown = all.filter(|one| one.at.max(one.shows) <= then);
        shown.flat_map(|one| one.contents.clone()).collect()
    }

    /// It has another statement under this id.
    pub fn has_another(&self, id: Uuid, sent: &[u8], by: Millis) -> bool {
        let all = self.stored.get(&id);
        all.is_some_and(|all| all.iter().any(|one| one.at <= by && one.sent != sent))
    }

    /// The device has gone away in the midst of this work: what is not done by then never is, or was
    /// done until then.
    pub fn hurry(&mut self, which: usize, by: Millis) {
        let work = &mut self.works[which];
        work.until = work.until.min(by);
        for one in self.stored.values_mut().flatten() {
            if one.work == Some(which) && one.at > by {
                one.shows -= one.at - by;
                one.at = by;
            }
        }
    }
}

/// The statements in a request.
pub fn seen(request: &Request) -> Option<Vec<Seen>> {
    #[derive(serde::Deserialize)]
    struct Parts {
        id: Uuid,
        verb: Named,
        object: Named,
    }
    #[derive(serde::Deserialize)]
    struct Named {
        id: String,
    }
    let apart = apart(request).ok()??;
    statements(apart.statements)?
        .into_iter()
        .map(|raw| {
            let parts: Parts = serde_json::from_str(raw.get()).ok()?;
            let voids = parts.verb.id.ends_with("/voided");
            let kind = parts.object.id.strip_prefix("http://example.com/");
            Some(Seen {
                id: parts.id,
                sent: raw.get().as_bytes().to_vec(),
                kind: kind
                    .and_then(|rest| rest.split('/').next())
                    .unwrap_or("")
                    .to_owned(),
                voids: voids.then(|| parts.object.id.parse().ok()).flatten(),
                contents: apart
                    .contents
                    .iter()
                    .filter(|part| raw.get().contains(part.hash))
                    .map(|part| part.octets.to_vec())
                    .collect(),
            })
        })
        .collect()
}
