//! What a run is made of, drawn from its seed.

use pannier::store::Millis;
use pannier::{HistoryPolicy, XapiVersion};

use crate::sim::lrs::character::{self, Character};
use crate::sim::{DAY, START};

/// The settings of one run. A chance is one in a thousand steps.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
pub struct Plan {
    /// Which LRS.
    pub character: Character,
    /// Nothing goes wrong, and all statements are good: the number of requests must be the least.
    pub calm: bool,
    /// Things that happen before the faults end.
    pub steps: u32,
    /// Processes with the same file.
    pub processes: usize,
    /// Most statements in a request.
    pub max_statements: u32,
    /// Most bytes in a request.
    pub max_bytes: u32,
    /// Most requests under way at once.
    pub in_flight: u32,
    /// The version the app fixes.
    pub version: Option<XapiVersion>,
    /// What the app keeps.
    pub history: HistoryPolicy,
    /// Bodies are large: batches reach the limits of the LRS.
    pub large: bool,
    /// The LRS's limit, bytes.
    pub lrs_max_bytes: usize,
    /// Most batches at once that the LRS bears.
    pub lrs_bears: usize,
    /// The LRS forbids voidings.
    pub forbids_voiding: bool,
    /// The LRS's clock minus the true time.
    pub lrs_ahead: Millis,
    /// The device's clock minus the true time, at first.
    pub clock: Millis,
    /// An exchange goes wrong.
    pub network: u32,
    /// The weather changes.
    pub weather: u32,
    /// The device or a process is killed, or the app pauses.
    pub kills: u32,
    /// The clock jumps.
    pub jumps: u32,
    /// The disk is full, or has room again.
    pub disk: u32,
    /// The device has a steady clock.
    pub steady: bool,
    /// The app is asked for credentials when they are refused, and has new ones.
    pub provider: bool,
    /// The LRS loses its data, moves, or changes its password.
    pub operators: u32,
    /// The app does something.
    pub app: u32,
    /// A statement is of a kind that LRSs have trouble with.
    pub trouble: u32,
}

impl Plan {
    /// Draws one.
    pub fn draw(rng: &mut fastrand::Rng) -> Self {
        let [network, weather, kills, jumps, operators, trouble, disk] = chances(rng);
        let calm = rng.u32(..20) == 0;
        let large = rng.u32(..30) == 0;
        let character = character::ALL[rng.usize(..character::ALL.len())];
        let in_flight = [1, 1, 2, 3, 4, 4][rng.usize(..6)];
        let plan = Self {
            character,
            calm,
            steps: rng.u32(20..90),
            processes: if rng.u32(..4) == 0 { 2 } else { 1 },
            max_statements: match in_flight {
                1 => [50, 50, 20, 7][rng.usize(..4)],
                // So that there are some to be under way at once.
                _ => [50, 20, 7, 3, 2, 1][rng.usize(..6)],
            },
            in_flight,
            max_bytes: [512 * 1024, 512 * 1024, 512 * 1024, 8 * 1024][rng.usize(..4)],
            version: match character.versions {
                [only] if rng.u32(..5) == 0 => Some(*only),
                _ => None,
            },
            history: match rng.u32(..6) {
                0 | 1 => HistoryPolicy::Forever,
                2 => HistoryPolicy::For(600_000),
                _ => HistoryPolicy::None,
            },
            large,
            lrs_max_bytes: match (large, rng.u32(..6)) {
                (true, _) => 300 * 1024,
                (false, 0) => 6 * 1024,
                _ => usize::MAX,
            },
            lrs_bears: match rng.u32(..6) {
                0 => rng.usize(1..4),
                _ => usize::MAX,
            },
            forbids_voiding: rng.u32(..6) == 0,
            lrs_ahead: match rng.u32(..8) {
                0 => DAY,
                1 => -DAY,
                2 => rng.i64(-120_000..120_000),
                _ => 0,
            },
            clock: 0,
            network,
            weather,
            kills,
            jumps,
            operators,
            disk,
            steady: rng.u32(..3) > 0,
            provider: rng.u32(..3) == 0,
            app: 350,
            trouble,
        };
        if calm {
            return plan.without_trouble();
        }
        let clock = match rng.u32(..10) {
            0 => -START + rng.i64(0..100_000),
            1 => rng.i64(-40 * 365..40 * 365) * DAY,
            2 => rng.i64(-3..=3) * DAY,
            _ => 0,
        };
        Self { clock, ..plan }
    }
    /// The same with nothing that goes wrong.
    fn without_trouble(self) -> Self {
        Self {
            processes: 1,
            network: 0,
            weather: 0,
            kills: 0,
            jumps: 0,
            operators: 0,
            disk: 0,
            trouble: 0,
            large: false,
            lrs_max_bytes: usize::MAX,
            lrs_bears: usize::MAX,
            lrs_ahead: 0,
            ..self
        }
    }
}

/// Of the network, the weather, kills, jumps, operators, trouble and the disk, in this order.
fn chances(rng: &mut fastrand::Rng) -> [u32; 7] {
    let mut often = |chances: &[u32]| chances[rng.usize(..chances.len())];
    [
        often(&[0, 50, 200, 500]),
        often(&[0, 0, 20, 80]),
        often(&[0, 0, 20, 80]),
        often(&[0, 0, 0, 20, 60]),
        often(&[0, 0, 15]),
        often(&[0, 100, 300, 600]),
        often(&[0, 0, 0, 0, 60]),
    ]
}
