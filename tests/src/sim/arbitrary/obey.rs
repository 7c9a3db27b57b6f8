//! A server that does what it does for good.

use pannier::lrs::{Method, Request, Response};
use pannier::store::Millis;
use uuid::Uuid;

use super::habit::{About, Known, Looks, OnContents, Refusal, Says, ShowsContents, Words};
use super::lrs::{Lrs, Seen, seen};
use super::served::{MARK, Served, answer, array, json, page, sentence, with};
use crate::sim::lrs::{authorization, header, http_date};
use crate::sim::parts::together;
use crate::sim::statement::{Kind, iso};

impl Lrs {
    /// Answers a request that arrives at that time.
    pub fn obey(&self, request: &Request, at: Millis) -> Served {
        let path = request.url.strip_prefix(&self.base).unwrap_or_default();
        let is_post = request.method == Method::Post;
        let timeout = request.timeout.as_millis() as Millis;
        let mut served = if path == "/about" {
            self.about(timeout)
        } else if header(request, "Authorization") != Some(&*authorization(self.password)) {
            let status = self.habit.locked[usize::from(!is_post)];
            Served::said(sentence(status, "who are you?"), true)
        } else if !self.takes(header(request, MARK)) {
            Served::said(sentence(400, "unknown version"), true)
        } else if is_post {
            match seen(request) {
                Some(batch) => {
                    let array = request.body_bytes().is_some_and(|body| body[0] == b'[');
                    self.contents(&batch, timeout)
                        .unwrap_or_else(|| self.post(&batch, array, at))
                }
                None => Served::said(sentence(400, "no JSON"), true),
            }
        } else {
            self.look(path, at, timeout)
        };
        served.own &= self.habit.marked;
        self.sign(request, &mut served, at);
        served
    }

    /// What an LRS writes over its answers.
    fn sign(&self, request: &Request, served: &mut Served, at: Millis) {
        let (own, clock) = (served.own, at + served.took + self.ahead);
        let Some(answer) = &mut served.answer else {
            return;
        };
        with(answer, "Date", &http_date(clock));
        if self.habit.tells_lag && self.habit.lag > 0 && served.reached {
            let through = iso(clock - self.habit.lag - served.took);
            with(answer, "X-Experience-API-Consistent-Through", &through);
        }
        if own {
            let asked = header(request, MARK).filter(|asked| self.takes(Some(asked)));
            with(
                answer,
                MARK,
                asked.unwrap_or(self.habit.versions[0].as_str()),
            );
        }
    }

    fn takes(&self, version: Option<&str>) -> bool {
        let mut versions = self.habit.versions.iter();
        versions.any(|one| Some(one.as_str()) == version)
    }

    fn about(&self, timeout: Millis) -> Served {
        let versions: Vec<_> = self.habit.versions.iter().map(|one| one.as_str()).collect();
        let answer = match self.habit.about {
            About::Lists => json(
                200,
                format!("{{\"version\":[\"{}\"]}}", versions.join("\",\"")),
            ),
            About::ListsText => json(200, format!("{{\"version\":\"{}\"}}", versions.join(", "))),
            About::Empty => json(200, "{}"),
            About::Page => page(200),
            About::Status(status @ (301 | 302)) => page(status),
            About::Status(status) => sentence(status, "no"),
            About::Silent { hangs } => return Served::silent(hangs, timeout),
        };
        Served::said(answer, true)
    }

    /// What it says to a batch with contents of attachments for these, if anything.
    fn contents(&self, batch: &[Seen], timeout: Millis) -> Option<Served> {
        let longest = batch
            .iter()
            .flat_map(|seen| &seen.contents)
            .map(Vec::len)
            .max()?;
        match self.habit.contents {
            OnContents::Refuses(status) => {
                Some(Served::said(sentence(status, "no multipart here"), true))
            }
            OnContents::HangsFrom(from) if longest >= from => Some(Served {
                stores: (0..batch.len())
                    .filter(|place| !self.stored.contains_key(&batch[*place].id))
                    .map(|place| (place, self.habit.pace.0))
                    .collect(),
                lag: self.habit.lag,
                bare: true,
                ..Served::silent(true, timeout)
            }),
            OnContents::HangsFrom(_) | OnContents::Takes => None,
        }
    }

    fn post(&self, batch: &[Seen], array: bool, at: Millis) -> Served {
        let habit = &self.habit;
        let took = habit.pace.0 + habit.pace.1 * batch.len() as Millis;
        let whole = |answer| Served {
            took,
            lag: habit.lag,
            ..Served::said(answer, true)
        };
        if let Some(status) = habit.single_only.filter(|_| array) {
            return whole(sentence(status, "one at a time"));
        }
        if let Some(other) = batch
            .iter()
            .find(|seen| self.has_another(seen.id, &seen.sent, at))
        {
            return match habit.known {
                Known::Refused(status, names) => Self::known(status, names, other.id, whole),
                Known::AsNew | Known::Unnamed => Self::known(409, true, other.id, whole),
            };
        }
        let bad = |seen: &Seen| seen.kind == Kind::Bad.word();
        let fails = |seen: &Seen| seen.kind == Kind::Poison.word();
        if let Some(first) = batch.iter().position(|seen| bad(seen) || fails(seen)) {
            let refusal = if bad(&batch[first]) {
                habit.refusal
            } else {
                habit.failure
            };
            if refusal.words != Words::Report {
                return self.refuse(refusal, batch, first, at, took);
            }
        }
        let old = |seen: &&Seen| self.has(seen.id, at).is_some();
        if let (Known::Refused(status, names), Some(one)) = (habit.known, batch.iter().find(old)) {
            return Self::known(status, names, one.id, whole);
        }
        let good: Vec<usize> = (0..batch.len()).filter(|&at| !bad(&batch[at])).collect();
        // It has the contents from now on, too, if it did not.
        let new =
            |&&place: &&usize| !old(&&batch[place]) || !self.has_contents_of(&batch[place], at);
        let stores = good
            .iter()
            .filter(new)
            .map(|&place| (place, took))
            .collect();
        Served {
            stores,
            named: (0..batch.len())
                .filter(|place| !good.contains(place))
                .map(|place| batch[place].id)
                .collect(),
            ..whole(self.taken(batch, &good, at))
        }
    }

    fn known(status: u16, names: bool, id: Uuid, whole: impl Fn(Response) -> Served) -> Served {
        if !names {
            return whole(sentence(status, "it is there"));
        }
        Served {
            named: vec![id],
            ..whole(json(
                status,
                format!("{{\"error\":\"statement {id} exists\"}}"),
            ))
        }
    }

    fn refuse(
        &self,
        refusal: Refusal,
        batch: &[Seen],
        first: usize,
        at: Millis,
        took: Millis,
    ) -> Served {
        let Refusal { status, words, .. } = refusal;
        let said = match words {
            Words::Page => page(status),
            Words::Nothing => answer(status, "", ""),
            Words::Whereabouts => json(
                status,
                format!("{{\"warnings\":[\"Invalid value in 'statements.{first}.verb'\"]}}"),
            ),
            Words::Sentence | Words::Report => sentence(status, "this is not valid"),
        };
        if refusal.stranger {
            return Served::said(said, false);
        }
        let kept = if self.habit.keeps_prefix { first } else { 0 };
        Served {
            took,
            lag: self.habit.lag,
            stores: (0..kept)
                .filter(|&place| self.has(batch[place].id, at).is_none())
                .map(|place| (place, took))
                .collect(),
            named: match words {
                Words::Whereabouts => vec![batch[first].id],
                _ => Vec::new(),
            },
            ..Served::said(said, true)
        }
    }

    fn taken(&self, batch: &[Seen], good: &[usize], at: Millis) -> Response {
        let habit = &self.habit;
        let bad: Vec<String> = (0..batch.len())
            .filter(|place| !good.contains(place))
            .map(|place| format!("{{\"index\":{place},\"reason\":\"not valid\"}}"))
            .collect();
        let named = good.iter().map(|&place| &batch[place]).filter(|seen| {
            let news_only = habit.says == Says::NewIds || habit.known == Known::Unnamed;
            !news_only || self.has(seen.id, at).is_none()
        });
        let mut ids: Vec<&Uuid> = named.map(|seen| &seen.id).collect();
        if !bad.is_empty() {
            return json(
                200,
                format!("{{\"ids\":{},\"errors\":[{}]}}", array(ids), bad.join(",")),
            );
        }
        match habit.says {
            Says::Nothing => answer(204, "", ""),
            _ if ids.is_empty() => answer(204, "", ""),
            Says::Backwards => {
                ids.reverse();
                json(200, array(ids))
            }
            Says::Capitals => json(200, array(ids).to_uppercase()),
            Says::Object => json(200, format!("{{\"ids\":{}}}", array(ids))),
            Says::Marked => json(200, format!("\u{feff}{}", array(ids))),
            Says::AllIds | Says::NewIds => json(200, array(ids)),
        }
    }

    /// Answers a GET.
    fn look(&self, path: &str, at: Millis, timeout: Millis) -> Served {
        let query = path.split_once('?').map_or("", |(_, query)| query);
        let asked = query.split('&').filter_map(|pair| pair.split_once('='));
        let one = asked
            .filter(|(name, _)| name.to_ascii_lowercase().ends_with("statementid"))
            .find_map(|(name, id)| Some((name, id.parse::<Uuid>().ok()?)));
        match self.habit.looks {
            Looks::Never(302) => return Served::said(page(302), true),
            Looks::Never(status) => {
                return Served::said(sentence(status, "you may not look"), true);
            }
            Looks::Silent { hangs } => return Served::silent(hangs, timeout),
            Looks::Plain | Looks::List | Looks::Null => {}
        }
        let Some((name, id)) = one else {
            return Served::said(json(200, "{\"statements\":[],\"more\":\"\"}"), true);
        };
        let hidden = self.habit.voids && self.voided.contains(&id) != (name == "voidedStatementId");
        let Some(stored) = self.shown(id, at).filter(|_| !hidden) else {
            return Served::said(self.shows_none(), true);
        };
        let copy = self.habit.alters.copy(&stored.sent, at);
        let copy = match self.habit.looks {
            Looks::List => format!(
                "{{\"statements\":[{}]}}",
                copy.trim_start_matches('\u{feff}')
            ),
            _ => copy,
        };
        let (said, contents) = if query.contains("attachments=true") {
            match self.habit.shows_contents {
                ShowsContents::Fails(status) => {
                    return Served::said(sentence(status, "no attachments"), true);
                }
                ShowsContents::Nothing => (json(200, copy), Vec::new()),
                ShowsContents::All => {
                    let contents = self.shown_contents(id, at);
                    (together(&copy, &contents), contents)
                }
            }
        } else {
            (json(200, copy), Vec::new())
        };
        Served {
            shown: Some((id, stored.sent.clone())),
            contents,
            ..Served::said(said, true)
        }
    }

    fn shows_none(&self) -> Response {
        match self.habit.looks {
            Looks::Plain | Looks::Never(_) | Looks::Silent { .. } => {
                sentence(404, "no such statement")
            }
            Looks::List => json(200, "{\"statements\":[],\"more\":\"\"}"),
            Looks::Null => json(200, "null"),
        }
    }
}
