//! What stands before an LRS and answers in its place: it comes and goes between any two requests.

use pannier::lrs::{Method, Request, Response};
use pannier::store::Millis;

use super::lrs::Lrs;
use super::served::{Served, answer, json, page, sentence};

/// A gateway, a portal, a beacon.
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    covers: Covers,
    says: Says,
    /// The LRS gets the request all the same.
    forwards: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Covers {
    All,
    Posts,
    Looks,
    TwoOfThree,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Status(u16),
    Words(u16),
    Json(u16),
    Page(u16),
    Beacon,
}

impl Gate {
    /// Draws one.
    pub fn draw(rng: &mut fastrand::Rng) -> Self {
        let refusals = [
            400, 401, 402, 403, 404, 405, 406, 407, 410, 412, 413, 415, 422, 429, 451,
        ];
        let refusal = refusals[rng.usize(..refusals.len())];
        let failure = [500, 502, 502, 503, 503, 504, 504, 408, 425, 509][rng.usize(..10)];
        let says = match rng.u32(..10) {
            0 => Says::Beacon,
            1 => Says::Page([200, 302, 307, 511][rng.usize(..4)]),
            2 => Says::Status(204),
            3 | 4 => Says::Page(refusal),
            5 => Says::Words(refusal),
            6 => Says::Json(refusal),
            _ => Says::Words(failure),
        };
        Self {
            covers: [
                Covers::All,
                Covers::All,
                Covers::Posts,
                Covers::Looks,
                Covers::TwoOfThree,
            ][rng.usize(..5)],
            says,
            forwards: says == Says::Words(failure) && rng.u32(..3) > 0,
        }
    }

    /// What it answers to a request that arrives then, if it stands in its way.
    pub fn answers(
        self,
        lrs: &Lrs,
        request: &Request,
        at: Millis,
        rng: &mut fastrand::Rng,
    ) -> Option<Served> {
        let is_post = request.method == Method::Post;
        let covered = match self.covers {
            Covers::All => true,
            Covers::Posts => is_post,
            Covers::Looks => !is_post,
            Covers::TwoOfThree => rng.u32(..3) > 0,
        };
        if !covered {
            return None;
        }
        let timeout = request.timeout.as_millis() as Millis;
        let mut served = Served::said(self.says(is_post), false);
        if self.forwards && is_post {
            // It gives up early or late; the LRS needs as long as it needs.
            let behind = lrs.obey(request, at);
            served.took = rng.i64(5..timeout * 9 / 10);
            let needs = rng.i64(0..served.took + timeout);
            served.reached = behind.reached;
            served.tail = (needs - served.took).max(0);
            served.lag = behind.lag;
            served.bare = behind.bare;
            served.stores = behind
                .stores
                .into_iter()
                .map(|(place, _)| (place, rng.i64(0..=needs)))
                .collect();
        }
        Some(served)
    }

    fn says(self, is_post: bool) -> Response {
        match self.says {
            Says::Status(status) => answer(status, "", ""),
            Says::Words(status) => sentence(status, "no"),
            Says::Json(status) => json(status, "{\"error\":\"blocked\"}"),
            Says::Page(status) => page(status),
            Says::Beacon if is_post => answer(204, "", ""),
            Says::Beacon => page(403),
        }
    }
}
