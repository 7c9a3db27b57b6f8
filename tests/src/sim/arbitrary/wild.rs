//! A server that does anything: each answer is drawn by itself.
//!
//! What nobody could survive is left out: no id is named that is not stored by then, and no 200 or 204
//! that the LRS itself gives says that all is stored when it is not.

use pannier::lrs::{Method, Request, Response};
use pannier::store::Millis;
use uuid::Uuid;

use super::copies::Alters;
use super::lrs::{Lrs, Seen, seen};
use super::served::{MARK, Served, answer, array, ask_to_wait, json, page, sentence, with};
use super::truth::is_json;
use crate::sim::lrs::http_date;
use crate::sim::parts::together;
use crate::sim::statement::iso;

/// What is drawn beside the answer.
#[derive(Debug, Default)]
pub struct Said {
    /// How long was asked to be waited, where that is said in a way that cannot be misread.
    pub wait: Option<Millis>,
}

impl Lrs {
    /// Answers a request that arrives at that time.
    pub fn anything(
        &self,
        request: &Request,
        at: Millis,
        rng: &mut fastrand::Rng,
    ) -> (Served, Said) {
        let timeout = request.timeout.as_millis() as Millis;
        let mut served = match (request.method, seen(request)) {
            (Method::Post, Some(batch)) => self.any_post(&batch, at, timeout, rng),
            _ if request.url.ends_with("/about") => Served::said(any_about(rng), rng.bool()),
            _ => self.any_look(&request.url, at, rng),
        };
        served.reached = true;
        served.took = served.took.max(draw_time(timeout, rng)).min(timeout * 2);
        let mut extra = Said::default();
        let clock = at + served.took + self.ahead;
        if let Some(answer) = &mut served.answer {
            extra.wait = any_headers(answer, served.own, clock, rng);
        }
        (served, extra)
    }

    fn any_post(
        &self,
        batch: &[Seen],
        at: Millis,
        timeout: Millis,
        rng: &mut fastrand::Rng,
    ) -> Served {
        let took = draw_time(timeout, rng);
        let ends = rng.u32(..10);
        let mut own = ends > 1 && rng.bool();
        let tail = match rng.u32(..3) {
            _ if own => 0,
            0 => 0,
            1 => rng.i64(0..10_000.min(timeout)),
            _ => rng.i64(0..timeout),
        };
        let stores = self.any_of(batch, took + tail, rng);
        let has_contents = batch.iter().any(|seen| !seen.contents.is_empty());
        let bare = has_contents && rng.u32(..3) == 0;
        let there = |place: usize| {
            let seen = &batch[place];
            let mut new = stores.iter().filter(|(_, after)| *after <= took);
            let is_new = !bare && new.any(|(one, _)| *one == place);
            is_new
                || self.has_exactly(seen.id, &seen.sent, at + took)
                    && self.has_contents_of(seen, at + took)
        };
        let there: Vec<usize> = (0..batch.len()).filter(|&place| there(place)).collect();
        let mut refused = Vec::new();
        let (mut answer, mut names) = any_answer(batch, &there, &mut refused, rng);
        if answer.status == 204 {
            answer.body.clear();
            names = false;
        }
        if own && matches!(answer.status, 200 | 204) && !names && there.len() < batch.len() {
            // That would say that all is stored.
            own = false;
        }
        let (mut tail, mut stores) = (tail, stores);
        if !self.signed && says_no(&answer) {
            // Of one that has never given its header nobody could tell this from its own end.
            tail = 0;
            for (_, after) in &mut stores {
                *after = took.min(*after);
            }
        }
        Served {
            answer: (ends > 0).then_some(answer),
            took: if ends == 1 { timeout * 2 } else { took },
            own,
            reached: true,
            stores,
            tail: if ends == 1 { 0 } else { tail },
            lag: match rng.u32(..4) {
                0 => rng.i64(0..60_000),
                _ => 0,
            },
            named: refused,
            shown: None,
            contents: Vec::new(),
            bare,
        }
    }

    /// Some of a batch that it does not have yet, and when it stores them.
    fn any_of(
        &self,
        batch: &[Seen],
        until: Millis,
        rng: &mut fastrand::Rng,
    ) -> Vec<(usize, Millis)> {
        let new = |place: &usize| !self.stored.contains_key(&batch[*place].id);
        let all: Vec<usize> = (0..batch.len()).filter(new).collect();
        let some: Vec<usize> = match rng.u32(..6) {
            0 => Vec::new(),
            1 => all.into_iter().filter(|_| rng.bool()).collect(),
            2 => {
                let end = rng.usize(..=all.len());
                all[..end].to_vec()
            }
            _ => all,
        };
        let together = rng.bool();
        let first = rng.i64(0..=until);
        let mut times: Vec<Millis> = some
            .iter()
            .map(|_| if together { first } else { rng.i64(0..=until) })
            .collect();
        // One after another.
        times.sort_unstable();
        some.into_iter().zip(times).collect()
    }

    fn any_look(&self, url: &str, at: Millis, rng: &mut fastrand::Rng) -> Served {
        let own = rng.bool();
        let asked = url.split_once("tatementId=");
        let id = asked.and_then(|(_, id)| id.get(..36)?.parse::<Uuid>().ok());
        let shown = id.and_then(|id| self.shown(id, at));
        if let (Some(id), Some(stored)) = (id, shown)
            && rng.bool()
        {
            let copy = Alters::draw(rng).copy(&stored.sent, at);
            let copy = match rng.u32(..4) {
                0 => format!(
                    "{{\"statements\":[{}]}}",
                    copy.trim_start_matches('\u{feff}')
                ),
                _ => copy,
            };
            let asked_for = url.contains("attachments=true") && rng.bool();
            let (said, contents) = if asked_for {
                let contents = self.shown_contents(id, at);
                (together(&copy, &contents), contents)
            } else {
                (json(200, copy), Vec::new())
            };
            return Served {
                shown: Some((id, stored.sent.clone())),
                contents,
                ..Served::said(said, own)
            };
        }
        let id = id.unwrap_or_default();
        let other = uuid::Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid();
        let said = match rng.u32(..12) {
            0..4 => sentence(404, "no such statement"),
            4 => sentence(
                [400, 401, 403, 405, 406, 410, 429, 500, 501, 502, 503][rng.usize(..11)],
                "no",
            ),
            5 => page([200, 302, 403][rng.usize(..3)]),
            6 => json(200, "null"),
            7 => json(200, "{\"statements\":[],\"more\":\"\"}"),
            8 => json(
                200,
                format!("{{\"id\":\"{id}\",\"status\":\"processing\"}}"),
            ),
            9 => json(
                200,
                format!(
                    "{{\"id\":\"{other}\",\"actor\":{{\"mbox\":\"mailto:a@example.com\"}},\"verb\":{{\"id\":\"http://example.com/did\"}},\"object\":{{\"id\":\"http://example.com/other/1\"}}}}"
                ),
            ),
            10 => answer(
                200,
                "application/json",
                "{\"id\":\"".to_owned() + &id.to_string(),
            ),
            _ => sentence(rng.u16(200..600), "?"),
        };
        Served::said(said, own)
    }
}

/// A 4xx in JSON that does not ask to come again: the end of what an LRS is at that never gives its
/// version header.
fn says_no(answer: &Response) -> bool {
    matches!(answer.status, 400..=499)
        && !matches!(answer.status, 408 | 425 | 429)
        && is_json(answer)
}

/// Up to the whole of it, mostly much less.
fn draw_time(timeout: Millis, rng: &mut fastrand::Rng) -> Millis {
    match rng.u32(..10) {
        0 => rng.i64(5..timeout * 6 / 5),
        1 => rng.i64(5..20_000),
        2 => rng.i64(5..3_000),
        _ => rng.i64(5..300),
    }
}

const LIKELY: &[u16] = &[
    200, 200, 200, 200, 200, 204, 204, 201, 202, 301, 302, 400, 400, 401, 403, 404, 405, 406, 408,
    409, 409, 410, 412, 413, 415, 422, 425, 429, 451, 500, 500, 501, 502, 503, 503, 504, 507, 511,
];

/// An answer to a batch of which those `there` are stored by then; whether it names any of them.
fn any_answer(
    batch: &[Seen],
    there: &[usize],
    refused: &mut Vec<Uuid>,
    rng: &mut fastrand::Rng,
) -> (Response, bool) {
    let status = match rng.u32(..4) {
        0 => rng.u16(200..600),
        _ => LIKELY[rng.usize(..LIKELY.len())],
    };
    let mut ids: Vec<&Uuid> = there.iter().map(|&place| &batch[place].id).collect();
    match rng.u32(..6) {
        0 => ids.reverse(),
        1 => ids.retain(|_| rng.bool()),
        _ => {}
    }
    let tells = !ids.is_empty();
    let which = rng.usize(..batch.len());
    let kind = ["application/json", "application/json", "text/html", ""][rng.usize(..4)];
    match rng.u32(..14) {
        0..5 => (answer(status, kind, array(ids)), tells),
        5 => (answer(status, kind, array(ids).to_uppercase()), tells),
        6 => (
            answer(status, kind, format!("\u{feff}{}", array(ids))),
            tells,
        ),
        7 => {
            refused.push(batch[which].id);
            let report = format!(
                "{{\"ids\":{},\"errors\":[{{\"index\":{which},\"reason\":\"no\"}}]}}",
                array(ids)
            );
            (answer(status, kind, report), tells)
        }
        8 => {
            refused.push(batch[which].id);
            let words = format!("{{\"warnings\":[\"Bad 'statements.{which}.verb'\"]}}");
            (json(status, words), false)
        }
        9 => {
            refused.push(batch[which].id);
            (sentence(status, &format!("no: {}", batch[which].id)), false)
        }
        10 => (page(status), false),
        11 => (answer(status, "", ""), false),
        12 => {
            let other = uuid::Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid();
            let bodies = [
                format!("[\"{other}\"]"),
                "{\"error\":\"no\"}".to_owned(),
                "null".to_owned(),
                "[]".to_owned(),
                "{\"statements\":[]}".to_owned(),
                "\"ok\"".to_owned(),
            ];
            (json(status, bodies[rng.usize(..6)].clone()), false)
        }
        // Cut.
        _ => {
            let mut body = array(ids);
            body.truncate(body.len() * 2 / 3);
            let mut cut = json(status, body);
            cut.cut = rng.bool();
            (cut, false)
        }
    }
}

fn any_about(rng: &mut fastrand::Rng) -> Response {
    match rng.u32(..10) {
        0 => page(200),
        1 => page(302),
        2 => json(200, "{}"),
        3 => json(200, "{\"version\":\"2.0.0\"}"),
        4 => json(200, "{\"version\":[\"0.95\"]}"),
        5 => json(200, "{\"version\":[\"1.0.3\"]}"),
        6 => json(200, "{\"version\":[\"2.0.0\"]}"),
        7 => json(200, "{\"version\":[\"1.0.3\",\"2.0.0\"]}"),
        8 => answer(200, "application/json", ""),
        _ => sentence(rng.u16(200..600), "?"),
    }
}

/// Any headers; how long they ask to be waited, where that cannot be misread.
fn any_headers(
    answer: &mut Response,
    own: bool,
    clock: Millis,
    rng: &mut fastrand::Rng,
) -> Option<Millis> {
    match rng.u32(..6) {
        0 => {}
        1 => with(
            answer,
            "Date",
            &http_date(clock - rng.i64(0..80 * 365) * 86_400_000),
        ),
        2 => with(
            answer,
            "Date",
            &http_date(clock + rng.i64(0..80 * 365) * 86_400_000),
        ),
        3 => with(answer, "Date", "yesterday"),
        _ => with(answer, "Date", &http_date(clock)),
    }
    if own {
        with(answer, MARK, ["1.0.3", "2.0.0", "1.0.0"][rng.usize(..3)]);
    }
    if rng.u32(..6) == 0 {
        let through = iso(clock - rng.i64(0..120_000));
        with(answer, "X-Experience-API-Consistent-Through", &through);
    }
    let asks = matches!(answer.status, 429 | 503) || rng.u32(..30) == 0;
    let wait = if asks && rng.bool() {
        ask_to_wait(answer, rng, clock)
    } else {
        None
    };
    wait.filter(|_| matches!(answer.status, 429 | 503))
}
