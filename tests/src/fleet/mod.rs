//! A fleet: very many devices come back to one LRS at the same moment, in virtual time.
//!
//! Devices are either *real* ones (the real session and store, a file each) or *light* ones, which do
//! what a real one does as far as an LRS that refuses for want of capacity can tell: the same requests
//! at the same milliseconds. The test `fleet` holds one against the other. `docs/fleet.md` has what was
//! found.

mod figures;
mod light;
mod lrs;
mod real;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;
use std::time::Duration;

use pannier::lrs::Response;
use pannier::store::Millis;
use pannier::sync::backoff::Backoff;

use light::Light;
use lrs::{Lrs, Reply};
use real::{Real, Template};

pub use figures::Figures;

/// When the network comes back; unix milliseconds.
const START: Millis = 1_800_000_000_000;

/// Virtual time, a day, after which a run is given up.
const LONGEST: Millis = 24 * 60 * 60 * 1000;

/// What the LRS does with a request that it has no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Overload {
    /// It answers 503 at once.
    Refuses,
    /// It answers 503 at once, with `Retry-After` in seconds.
    RetryAfter(u32),
    /// It lets it wait, for however long; the device gives up after its time-out.
    Queues,
}

/// When a device comes back that was told to after so many seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Herd {
    /// As every collector does it.
    AsBuilt,
    /// At that moment.
    Exact,
    /// Later by up to that share of the wait.
    Share(f64),
    /// Later by its backoff.
    Backoff,
}

/// A run.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// How many devices.
    pub devices: u32,
    /// How many statements each of them has.
    pub statements: u32,
    /// Requests that the LRS takes in a second.
    pub rate: f64,
    /// How many seconds of requests it lets wait before it refuses.
    pub queue: f64,
    /// What it does then.
    pub overload: Overload,
    /// The devices have never asked this LRS for its versions.
    pub new: bool,
    /// After the return of the network a device waits for up to so long.
    pub spread: Duration,
    /// How devices wait after a failure.
    pub backoff: Backoff,
    /// What it makes of `Retry-After`.
    pub herd: Herd,
    /// The way to the LRS and back, milliseconds.
    pub latency: Millis,
    /// The real session and store.
    pub real: bool,
    /// All chance.
    pub seed: u64,
}

impl Scenario {
    /// What the LRS says when it has no room.
    fn refusal(&self) -> Response {
        // The LRS itself: what it refuses is not under way there.
        let mut headers = vec![("X-Experience-API-Version".to_owned(), "2.0.0".to_owned())];
        if let Overload::RetryAfter(seconds) = self.overload {
            headers.push(("Retry-After".to_owned(), seconds.to_string()));
        }
        Response {
            status: 503,
            headers,
            body: b"too many".to_vec(),
            cut: false,
        }
    }
}

/// What a device does next.
enum Action {
    /// It sends its next request.
    Ask,
    /// It waits until then.
    Wait(Millis),
    /// All it had is delivered.
    Done,
}

/// What became of a request, as the device sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// The LRS did what it was asked.
    Answered,
    /// The LRS had no room.
    Refused,
    /// No answer came in time.
    TimedOut,
}

enum Device {
    Light(Light),
    Real(Box<Real>),
}

impl Device {
    /// What comes next, after what became of its request if one was under way.
    fn step(&mut self, scenario: &Scenario, now: Millis, seen: Option<Seen>) -> Action {
        match self {
            Self::Light(light) => light.step(scenario, now, seen),
            Self::Real(real) => real.step(now, seen, &scenario.refusal()),
        }
    }

    /// The LRS has done what that request of the device asks for.
    fn served(&mut self, number: u32) {
        if let Self::Real(real) = self {
            real.served(number);
        }
    }

    /// How long the device waits for an answer.
    fn timeout(&self) -> Millis {
        match self {
            Self::Light(_) => LONGEST,
            Self::Real(real) => real.timeout(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// The device's wait is over.
    Wakes,
    /// Its request reaches the LRS.
    Arrives,
    /// The LRS has done what the request asks for; the number tells it from earlier ones.
    Served(u32),
    /// The device sees the answer.
    Answered(u32),
    /// The device sees that it was refused.
    Refused(u32),
    /// The device gives up.
    TimesOut(u32),
}

/// What happens when, to which device; the earliest first.
type Schedule = BinaryHeap<Reverse<(Millis, u32, What)>>;

/// All devices, and when each of them wakes first.
fn asleep(scenario: &Scenario, folder: &Path) -> std::io::Result<(Vec<Device>, Schedule)> {
    let mut rng = fastrand::Rng::with_seed(scenario.seed);
    let template = if scenario.real {
        Some(Template::new(folder, scenario)?)
    } else {
        None
    };
    let mut devices = Vec::with_capacity(scenario.devices as usize);
    let mut heap = BinaryHeap::new();
    for which in 0..scenario.devices {
        let seed = rng.u64(..);
        let first = START + (scenario.spread.as_millis() as f64 * rng.f64()) as Millis;
        heap.push(Reverse((first, which, What::Wakes)));
        devices.push(match &template {
            Some(template) => Device::Real(Box::new(Real::new(template, which, seed))),
            None => Device::Light(Light::new(scenario, seed)),
        });
    }
    Ok((devices, heap))
}

/// Runs it. `progress` is told how many devices have delivered everything.
pub fn run(scenario: &Scenario, progress: &dyn Fn(u64)) -> std::io::Result<Figures> {
    let folder = real::folder()?;
    let (mut devices, mut heap) = asleep(scenario, folder.path())?;
    let mut lrs = Lrs::new(scenario);
    let mut figures = Figures::new(scenario);
    // Which request of each device is under way; one that was given up counts no more.
    let mut asked = vec![0_u32; devices.len()];
    let mut done = 0;
    while let Some(Reverse((now, which, what))) = heap.pop() {
        if now > START + LONGEST {
            break;
        }
        let (device, number) = (&mut devices[which as usize], &mut asked[which as usize]);
        let seen = match what {
            What::Wakes => None,
            What::Arrives => {
                figures.arrives(which, now - START);
                match lrs.arrives(now) {
                    Reply::Refused => {
                        figures.refused();
                        let back = now + scenario.latency / 2;
                        heap.push(Reverse((back, which, What::Refused(*number))));
                    }
                    Reply::Done(at) => {
                        heap.push(Reverse((at, which, What::Served(*number))));
                    }
                }
                continue;
            }
            What::Served(n) => {
                figures.served();
                // One that was given up is done all the same.
                device.served(n);
                if n == *number {
                    let back = now + scenario.latency / 2;
                    heap.push(Reverse((back, which, What::Answered(n))));
                }
                continue;
            }
            What::Answered(n) | What::Refused(n) | What::TimesOut(n) if n != *number => continue,
            What::Answered(_) => Some(Seen::Answered),
            What::Refused(_) => Some(Seen::Refused),
            What::TimesOut(_) => Some(Seen::TimedOut),
        };
        if seen.is_some() {
            *number += 1;
        }
        match device.step(scenario, now, seen) {
            Action::Ask => {
                let arrives = now + scenario.latency / 2;
                heap.push(Reverse((arrives, which, What::Arrives)));
                if scenario.overload == Overload::Queues {
                    let gives_up = now + device.timeout();
                    heap.push(Reverse((gives_up, which, What::TimesOut(*number))));
                }
            }
            Action::Wait(until) => heap.push(Reverse((until, which, What::Wakes))),
            Action::Done => {
                done += 1;
                figures.delivered(which, now - START);
                progress(done);
            }
        }
    }
    Ok(figures.finish())
}
