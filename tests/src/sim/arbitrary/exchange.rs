//! One exchange: the way there, whoever answers, the way back, and what of it the LRS is still at.

use pannier::lrs::{Method, Request, Response, TransportError};
use pannier::store::Millis;
use uuid::Uuid;

use super::World;
use super::gate::Gate;
use super::lrs::{Work, seen};
use super::served::Served;

/// What the device sees of it.
#[derive(Debug)]
pub struct Exchange {
    /// What.
    pub outcome: Result<Response, TransportError>,
    /// When; true time.
    pub lands: Millis,
    /// What it does not see.
    pub behind: Behind,
}

impl Exchange {
    /// One that does not reach the LRS of this number.
    fn failed(which: usize, failure: TransportError, lands: Millis) -> Self {
        Self {
            outcome: Err(failure),
            lands,
            behind: Behind {
                to: which,
                work: None,
                own: false,
                named: Vec::new(),
                shown: None,
                contents: Vec::new(),
                wait: None,
                who: "the network",
            },
        }
    }
}

/// What the device does not know of it.
#[derive(Debug)]
pub struct Behind {
    /// The LRS that it went to.
    pub to: usize,
    /// The LRS's work for it.
    pub work: Option<usize>,
    /// The answer is the LRS's own.
    pub own: bool,
    /// Statements that are refused in it by name.
    pub named: Vec<Uuid>,
    /// What is shown in it, as it was sent.
    pub shown: Option<(Uuid, Vec<u8>)>,
    /// The contents that are shown with it.
    pub contents: Vec<Vec<u8>>,
    /// How long it asks to be waited.
    pub wait: Option<Millis>,
    /// For the trace.
    pub who: &'static str,
}

/// What breaks on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Break {
    /// No connection.
    Unreachable,
    /// Before all of it had arrived.
    Before,
    /// While the LRS is at it.
    Within,
    /// The answer never comes.
    Lost,
    /// The answer breaks off.
    Cut,
    /// It is minutes under way.
    Slow,
}

impl World {
    /// Carries a request that leaves now to the LRS of this number.
    pub fn exchange(&mut self, which: usize, request: &Request) -> Exchange {
        let (now, timeout) = (self.now, request.timeout.as_millis() as Millis);
        let latency = self.rng.i64(5..200);
        let broken = self.draw_break();
        match broken {
            Some(Break::Unreachable) => {
                return Exchange::failed(
                    which,
                    TransportError::Unreachable("no route".to_owned()),
                    now + latency,
                );
            }
            Some(Break::Before) => {
                return Exchange::failed(
                    which,
                    TransportError::Broken("reset".to_owned()),
                    now + latency,
                );
            }
            _ => {}
        }
        let arrives = now + latency;
        let (served, wait, who) = self.serve(which, request, arrives);
        let mut back = latency;
        if broken == Some(Break::Slow) {
            back = self.rng.i64(latency..timeout);
        }
        let ends = arrives + served.took;
        let timed_out = now + timeout;
        let (mut outcome, mut lands) = match served.answer.clone() {
            Some(answer) => (Ok(answer), ends + back),
            None => (Err(TransportError::Broken("reset".to_owned())), ends),
        };
        match broken {
            Some(Break::Within) => {
                lands = self.rng.i64(arrives..=ends.max(arrives));
                outcome = Err(TransportError::Broken("reset".to_owned()));
            }
            Some(Break::Lost) => lands = timed_out + 1,
            Some(Break::Cut) => outcome = Err(TransportError::Broken("it breaks off".to_owned())),
            _ => {}
        }
        if lands > timed_out {
            (outcome, lands) = (Err(TransportError::TimedOut), timed_out);
        }
        let mut until = (ends + served.tail).min(lands + timeout);
        if matches!(&outcome, Ok(answer) if answer.status == 413) {
            // Whoever says that it is too large does not process it (RFC 9110, section 15.5.14).
            until = until.min(lands);
        }
        let work = self.put_to_work(which, request, &served, (arrives, until));
        let came = outcome.is_ok();
        Exchange {
            outcome,
            lands,
            behind: Behind {
                to: which,
                work,
                own: served.own && came,
                named: served.named.into_iter().filter(|_| came).collect(),
                shown: served.shown.filter(|_| came),
                contents: served.contents,
                wait: wait.filter(|_| came),
                who,
            },
        }
    }

    fn draw_break(&mut self) -> Option<Break> {
        let all = [
            Break::Unreachable,
            Break::Before,
            Break::Within,
            Break::Within,
            Break::Lost,
            Break::Cut,
            Break::Slow,
        ];
        let drawn = all[self.rng.usize(..all.len())];
        let breaks = self.rng.u32(..1000) < self.plan.network;
        if breaks {
            self.tally.fault(match drawn {
                Break::Unreachable => "network: no connection",
                Break::Before => "network: reset before the body has arrived",
                Break::Within => "network: reset while the LRS is at it",
                Break::Lost => "network: answer lost",
                Break::Cut => "network: answer cut",
                Break::Slow => "network: minutes of latency",
            });
        }
        breaks.then_some(drawn)
    }

    /// Whoever answers: what stands before the LRS, or it, by habit or not.
    fn serve(
        &mut self,
        which: usize,
        request: &Request,
        arrives: Millis,
    ) -> (Served, Option<Millis>, &'static str) {
        if self.rng.u32(..1000) < self.plan.gates {
            let gate = match self.servers.gates[which] {
                Some(_) => None,
                None => Some(Gate::draw(&mut self.rng)),
            };
            self.tally.fault(match gate {
                Some(_) => "a gateway comes",
                None => "a gateway goes",
            });
            self.servers.gates[which] = gate;
        }
        let lrs = &self.servers.lrss[which];
        let gate = self.servers.gates[which];
        if let Some(served) =
            gate.and_then(|gate| gate.answers(lrs, request, arrives, &mut self.rng))
        {
            return (served, None, "a gateway");
        }
        if self.rng.u32(..1000) < self.plan.wild {
            self.tally.fault("an arbitrary answer");
            let (served, said) = lrs.anything(request, arrives, &mut self.rng);
            return (served, said.wait, "the LRS, arbitrarily");
        }
        (lrs.obey(request, arrives), None, "the LRS")
    }

    /// The LRS is at a batch, and stores what it stores.
    fn put_to_work(
        &mut self,
        which: usize,
        request: &Request,
        served: &Served,
        (from, until): (Millis, Millis),
    ) -> Option<usize> {
        if !served.reached || request.method != Method::Post {
            return None;
        }
        let batch = seen(request)?;
        let lrs = &mut self.servers.lrss[which];
        let contained = batch.iter().filter(|seen| !seen.contents.is_empty());
        lrs.contained.extend(contained.map(|seen| seen.id));
        let work = lrs.works.len();
        lrs.works.push(Work {
            ids: batch.iter().map(|seen| seen.id).collect(),
            left: self.now,
            from,
            until,
        });
        for (place, after) in &served.stores {
            let at = (from + after).min(until);
            let mut seen = batch[*place].clone();
            if served.bare {
                seen.contents.clear();
            }
            lrs.store(&seen, at, served.lag, Some(work));
        }
        Some(work)
    }
}
