//! POST of a batch.

use pannier::lrs::TransportError;
use pannier::store::Millis;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::character::{Invalid, Known, Poison, Racing, TooLarge, Voiding};
use super::{End, Lrs, Served, is, said};
use crate::sim::statement::Kind;

/// One statement of a batch, as far as an LRS here looks at it.
struct Seen {
    id: Uuid,
    sent: Vec<u8>,
    object: String,
    voids: Option<Uuid>,
    timestamp: Millis,
}

#[derive(Deserialize)]
struct Parts {
    id: Uuid,
    verb: Named,
    object: Named,
    timestamp: String,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

/// Splits a body into its statements, each with its own bytes.
pub fn statements(body: &[u8]) -> Option<Vec<&RawValue>> {
    let whole: &RawValue = serde_json::from_slice(body).ok()?;
    if whole.get().starts_with('[') {
        serde_json::from_str(whole.get()).ok()
    } else {
        Some(vec![whole])
    }
}

impl Lrs {
    pub(super) fn post(&mut self, body: &[u8], now: Millis) -> Served {
        if body.len() > self.max_bytes {
            return match self.character.too_large {
                TooLarge::Says413 => said(413, "<title>413 Payload Too Large</title>"),
                TooLarge::Says400 if body.len() <= self.max_bytes.saturating_mul(4) => {
                    said(400, "too much")
                }
                TooLarge::Says400 | TooLarge::Resets => Served {
                    outcome: Err(TransportError::Broken("reset while writing".to_owned())),
                    ..said(400, "")
                },
            };
        }
        let Some(batch) = read(body) else {
            return said(400, "invalid JSON");
        };
        if self.character.single_only && body.starts_with(b"[") {
            return said(500, "Internal Server Error");
        }
        let took = 20 + self.slower + self.character.per_statement * batch.len() as Millis;
        let whole = Served {
            took,
            ..said(500, "given up")
        };
        let mut served = match self.end {
            End::HungUp(after) if !self.character.finishes && after < took => return whole,
            End::Dies if self.character.atomic => return whole,
            End::Dies => {
                // What stands before the place where it died is there after its restart.
                let half = self.store(&batch[..batch.len() / 2], now, now + took);
                Served {
                    overlapping: half.overlapping,
                    ..whole
                }
            }
            End::Whole | End::HungUp(_) => self.store(&batch, now, now + took),
        };
        served.took = took;
        served
    }

    fn store(&mut self, batch: &[Seen], now: Millis, done: Millis) -> Served {
        let invalid = self.invalid(batch, now);
        if !self.character.partial
            && let Some(&at) = invalid.first()
        {
            return self.refuse(at);
        }
        if self.forbids_voiding && batch.iter().any(|seen| seen.voids.is_some()) {
            return said(403, "you may not void");
        }
        let same = |seen: &Seen| {
            self.stored
                .get(&seen.id)
                .map(|had| had.sent == seen.sent || self.drops(&had.sent, &seen.sent))
        };
        let visible = |seen: &Seen| {
            self.stored
                .get(&seen.id)
                .is_some_and(|had| had.visible_from <= now)
        };
        let valid: Vec<usize> = (0..batch.len())
            .filter(|at| !invalid.contains(at))
            .collect();
        let overlapping: Vec<Uuid> = valid
            .iter()
            .map(|&at| &batch[at])
            .filter(|seen| same(seen) == Some(true) && !visible(seen))
            .map(|seen| seen.id)
            .collect();
        if self.character.racing == Racing::Fails && !overlapping.is_empty() {
            return Served {
                overlapping,
                ..said(500, "Internal Server Error")
            };
        }
        if let Some(&at) = valid.iter().find(|&&at| same(&batch[at]) == Some(false)) {
            return match self.character.known {
                Known::Fails => said(500, "Internal Server Error"),
                _ => self.conflict(batch[at].id),
            };
        }
        let old = |at: usize| visible(&batch[at]);
        if let Some(&at) = valid.iter().find(|&&at| old(at)) {
            match self.character.known {
                Known::Refuses => return self.conflict(batch[at].id),
                Known::Fails => return said(500, "Internal Server Error"),
                Known::AllIds | Known::NewIds => {}
            }
        }
        let new: Vec<usize> = valid.iter().copied().filter(|&at| !old(at)).collect();
        if self.worn_out && !new.is_empty() {
            return said(
                500,
                "{\"detail\":\"xAPI statements bulk indexation failed\"}",
            );
        }
        let kept = self.bearable(batch, &new);
        self.keep(batch, kept, done);
        let mut served = if kept.len() < new.len() {
            said(500, "Internal Server Error")
        } else {
            self.stored_answer(batch, &valid, &new, &invalid)
        };
        served.overlapping = overlapping;
        served
    }

    /// Those of the new ones that it stores: it may choke on one.
    fn bearable<'a>(&self, batch: &[Seen], new: &'a [usize]) -> &'a [usize] {
        let chokes = new
            .iter()
            .position(|&at| is(&batch[at].object, Kind::Poison));
        match (self.character.poison, chokes) {
            (Poison::Takes, _) | (_, None) => new,
            (Poison::Fails, Some(_)) => &[],
            (Poison::KeepsPrefix, Some(at)) => &new[..at],
        }
    }

    /// Other content under a known id that it drops without a word: what differs is not the object.
    fn drops(&self, had: &[u8], sent: &[u8]) -> bool {
        let object = |bytes: &[u8]| {
            let parts: Option<Parts> = serde_json::from_slice(bytes).ok();
            parts.map(|parts| parts.object.id)
        };
        self.character.drops_changes && object(had) == object(sent)
    }

    fn invalid(&self, batch: &[Seen], now: Millis) -> Vec<usize> {
        let future = now + self.ahead;
        let bad = |seen: &Seen| {
            (self.character.invalid != Invalid::Swallows && is(&seen.object, Kind::Bad))
                || (self.character.refuses_future && seen.timestamp > future + 3_000)
                || (self.character.voiding == Voiding::Once
                    && !self.stored.contains_key(&seen.id)
                    && seen
                        .voids
                        .is_some_and(|target| self.voided.contains(&target)))
        };
        let twice = |at: usize| batch[..at].iter().any(|seen| seen.id == batch[at].id);
        (0..batch.len())
            .filter(|&at| bad(&batch[at]) || twice(at))
            .collect()
    }

    fn refuse(&self, at: usize) -> Served {
        match self.character.invalid {
            Invalid::Index => said(
                400,
                &format!("{{\"warnings\":[\"Missing required value in 'statements.{at}.verb'\"]}}"),
            ),
            Invalid::Loc => said(
                422,
                &format!(
                    "{{\"detail\":[{{\"loc\":[\"body\",{at},\"verb\"],\"msg\":\"field required\"}}]}}"
                ),
            ),
            Invalid::Silent | Invalid::Swallows => said(400, "the statement is not valid"),
        }
    }

    fn conflict(&self, id: Uuid) -> Served {
        if self.character.names_conflict {
            said(409, &format!("A statement with ID {id} already exists"))
        } else {
            said(409, "Conflict")
        }
    }

    fn keep(&mut self, batch: &[Seen], kept: &[usize], done: Millis) {
        self.worn_out |= self.character.writes_once && !kept.is_empty();
        for &at in kept {
            let seen = &batch[at];
            // Elsewhere than on the one that doubles, a transaction keeps it from being there twice.
            if self.character.racing == Racing::Doubles || !self.stored.contains_key(&seen.id) {
                self.put(seen.id, seen.sent.clone(), done);
            }
            let Some(target) = seen.voids else { continue };
            let together = batch.iter().any(|seen| seen.id == target);
            let effective = match self.character.voiding {
                Voiding::Any => true,
                Voiding::Later => self.stored.contains_key(&target) && !together,
                Voiding::Once => self.stored.contains_key(&target),
                Voiding::Never => false,
            };
            if effective {
                self.voided.insert(target);
            }
        }
    }

    fn stored_answer(
        &self,
        batch: &[Seen],
        valid: &[usize],
        new: &[usize],
        invalid: &[usize],
    ) -> Served {
        let ids = |which: &[usize]| {
            let ids: Vec<String> = which
                .iter()
                .map(|&at| format!("\"{}\"", batch[at].id))
                .collect();
            format!("[{}]", ids.join(","))
        };
        if self.character.partial && (!invalid.is_empty() || batch.len() > 1) {
            let errors: Vec<String> = invalid
                .iter()
                .map(|at| format!("{{\"index\":{at},\"reason\":\"missing object\"}}"))
                .collect();
            let nothing = new.is_empty() && invalid.is_empty();
            return said(
                if nothing { 400 } else { 200 },
                &format!(
                    "{{\"inserted\":{},\"rejected\":{},\"ids\":{},\"errors\":[{}]}}",
                    new.len(),
                    invalid.len(),
                    ids(new),
                    errors.join(",")
                ),
            );
        }
        match self.character.known {
            Known::NewIds if new.is_empty() => {
                let mut served = said(204, "");
                if let Ok(answer) = &mut served.outcome {
                    answer.headers.clear();
                }
                served
            }
            Known::NewIds => said(200, &ids(new)),
            Known::AllIds | Known::Refuses | Known::Fails => said(200, &ids(valid)),
        }
    }
}

fn read(body: &[u8]) -> Option<Vec<Seen>> {
    statements(body)?
        .into_iter()
        .map(|raw| {
            let parts: Parts = serde_json::from_str(raw.get()).ok()?;
            let voiding = parts.verb.id.ends_with("/voided");
            let timestamp: jiff::Timestamp = parts.timestamp.parse().ok()?;
            Some(Seen {
                id: parts.id,
                sent: raw.get().as_bytes().to_vec(),
                voids: voiding.then(|| parts.object.id.parse().ok()).flatten(),
                object: parts.object.id,
                timestamp: timestamp.as_millisecond(),
            })
        })
        .collect()
}
