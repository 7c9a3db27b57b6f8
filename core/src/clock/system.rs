//! The steady clock of the systems that have one.
//!
//! The standard library's `Instant` will not do: on Linux and on Apple's systems it stands still
//! while the device sleeps, and it means nothing to the next process.

use std::sync::OnceLock;

use rustix::time::{ClockId, clock_gettime};
use uuid::Uuid;

use super::Steady;

/// On Apple's systems this one goes on while the device sleeps.
#[cfg(target_vendor = "apple")]
const CLOCK: ClockId = ClockId::Monotonic;
#[cfg(not(target_vendor = "apple"))]
const CLOCK: ClockId = ClockId::Boottime;

pub(super) fn steady() -> Steady {
    let time = clock_gettime(CLOCK);
    Steady {
        ms: time.tv_sec * 1_000 + time.tv_nsec / 1_000_000,
        boot: boot(),
    }
}

/// The kernel's name of this boot; where it cannot be read, one for this process.
fn boot() -> i64 {
    static BOOT: OnceLock<i64> = OnceLock::new();
    *BOOT.get_or_init(|| {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .ok()
            .and_then(|id| id.trim().parse().ok())
            .unwrap_or_else(Uuid::new_v4);
        id.as_u64_pair().0 as i64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_and_knows_its_boot() {
        let first = steady();
        let second = std::thread::spawn(steady).join().unwrap();
        assert!(first.ms > 0 && second.ms >= first.ms);
        assert_eq!(first.boot, second.boot);
    }
}
