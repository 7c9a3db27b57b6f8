//! What a run against arbitrary servers is made of, drawn from its seed.

use pannier::HistoryPolicy;
use pannier::store::Millis;

use crate::sim::{DAY, START};

/// The settings of one run. A chance is one in a thousand.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Things that happen before the servers settle down.
    pub steps: u32,
    /// LRSs that the app delivers to in turn.
    pub lrss: usize,
    /// Processes with the same file.
    pub processes: usize,
    /// Most statements in a request.
    pub max_statements: u32,
    /// Most bytes in a request.
    pub max_bytes: u32,
    /// Most requests under way at once.
    pub in_flight: u32,
    /// What the app keeps.
    pub history: HistoryPolicy,
    /// An answer is drawn without regard to what the server does otherwise.
    pub wild: u32,
    /// A gateway comes or goes before a request.
    pub gates: u32,
    /// An exchange breaks on its way.
    pub network: u32,
    /// The device or a process is killed, interrupted or paused.
    pub kills: u32,
    /// The device's clock jumps.
    pub jumps: u32,
    /// The disk is full, or has room again.
    pub disk: u32,
    /// The operators of an LRS set its clock or its password.
    pub operators: u32,
    /// The app means another LRS.
    pub switches: u32,
    /// The app does something.
    pub app: u32,
    /// A statement is of a kind that LRSs have trouble with.
    pub trouble: u32,
    /// The system has a lock that dies with the process that holds it.
    pub lock: bool,
    /// Some statements have contents of attachments.
    pub contents: bool,
    /// The device has a steady clock.
    pub steady: bool,
    /// The device's clock minus the true time, at first.
    pub clock: Millis,
}

impl Plan {
    /// Draws one.
    pub fn draw(rng: &mut fastrand::Rng) -> Self {
        let mut often = |chances: &[u32]| chances[rng.usize(..chances.len())];
        let [
            wild,
            gates,
            network,
            kills,
            jumps,
            disk,
            operators,
            switches,
            trouble,
        ] = [
            often(&[0, 30, 200, 500, 1000]),
            often(&[0, 0, 30, 150, 400]),
            often(&[0, 0, 50, 200]),
            often(&[0, 0, 20, 80]),
            often(&[0, 0, 0, 15, 50]),
            often(&[0, 0, 0, 0, 50]),
            often(&[0, 0, 15]),
            often(&[0, 0, 0, 30, 80]),
            often(&[0, 50, 200, 500]),
        ];
        let in_flight = [1, 1, 2, 4][rng.usize(..4)];
        Self {
            steps: rng.u32(15..80),
            lrss: if switches > 0 { rng.usize(2..4) } else { 1 },
            processes: if rng.u32(..4) == 0 { 2 } else { 1 },
            max_statements: match in_flight {
                1 => [50, 20, 7, 3][rng.usize(..4)],
                // So that there are some to be under way at once.
                _ => [20, 7, 3, 2, 1][rng.usize(..5)],
            },
            max_bytes: [512 * 1024, 512 * 1024, 8 * 1024][rng.usize(..3)],
            in_flight,
            history: match rng.u32(..5) {
                0 => HistoryPolicy::Forever,
                1 => HistoryPolicy::For(600_000),
                _ => HistoryPolicy::None,
            },
            wild,
            gates,
            network,
            kills,
            jumps,
            disk,
            operators,
            switches,
            app: 300,
            trouble,
            lock: rng.u32(..4) > 0,
            contents: false,
            steady: rng.u32(..3) > 0,
            clock: draw_clock(rng),
        }
    }
}

/// How wrong a clock is. None says a time between the year in which this was written and a little
/// before the run begins, so that nobody need know when a build was made to tell an impossible time.
pub fn draw_clock(rng: &mut fastrand::Rng) -> Millis {
    match rng.u32(..10) {
        // 1970, as after an empty battery.
        0 => rng.i64(0..100_000_000) - START,
        1 => -rng.i64(8 * 365..40 * 365) * DAY,
        2 => rng.i64(1..60 * 365) * DAY,
        3 => rng.i64(-20..=20) * DAY,
        4 => rng.i64(-120_000..120_000),
        _ => 0,
    }
}
