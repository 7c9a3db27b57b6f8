//! The ids that Pannier gives to statements.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::{Builder, Uuid};

/// Generator of version 7 UUIDs (RFC 9562, 5.7), each greater than the one before, so that the store finds them without
/// an index; 73 random bits beside the time, so that a wrong clock costs order and not uniqueness.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// Time and counter of the last id: milliseconds, and twelve bits that count within one.
    last: AtomicU64,
}

/// Number of bits that count within a millisecond.
const COUNTER: u32 = 12;

/// Step back of the clock, 10 s, from which ids follow it again instead of counting on from the last one.
const PATIENCE: u64 = 10_000 << COUNTER;

impl Ids {
    /// Returns the next id. Takes the time from the caller, since `Uuid::now_v7` panics where the system's clock stands
    /// before 1970.
    pub(super) fn next(&self, now_ms: i64) -> Uuid {
        // All but six bits of a version 4 UUID are random.
        let random = Uuid::new_v4().into_bytes();
        let start = u64::from(u16::from_be_bytes([random[0] & 0x07, random[1]]));
        let now = (now_ms.max(0).unsigned_abs() & (u64::MAX >> 16)) << COUNTER | start;
        let after = |last: u64| {
            if now <= last && last - now < PATIENCE {
                last + 1
            } else {
                now
            }
        };
        let last = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(after(last))
            });
        let next = after(last.unwrap_or_else(|last| last));
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&(next as u16).to_be_bytes());
        bytes[2..6].copy_from_slice(&random[2..6]);
        bytes[6..].copy_from_slice(&random[9..13]);
        Builder::from_unix_timestamp_millis(next >> COUNTER, &bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_follow_time_and_differ_under_any_clock() {
        for now_ms in [i64::MIN, -1, 0, 1_800_000_000_000, i64::MAX] {
            let ids = Ids::default();
            let made: BTreeSet<Uuid> = (0..10_000).map(|_| ids.next(now_ms)).collect();
            assert_eq!(made.len(), 10_000, "{now_ms}");
            assert!(made.iter().all(|id| id.get_version_num() == 7));
        }
    }

    #[test]
    fn each_is_greater_than_the_one_before_unless_the_clock_goes_far_back() {
        let ids = Ids::default();
        let mut before = Uuid::nil();
        for now_ms in [1_000, 1_000, 1_001, 2_500, 2_400, 2_501] {
            for _ in 0..3_000 {
                let id = ids.next(now_ms);
                assert!(id > before, "{now_ms}");
                before = id;
            }
        }
        assert!(ids.next(1_800_000_000_000) > before);
        let told = ids.next(1_700_000_000_000).get_timestamp().unwrap();
        assert_eq!(told.to_unix(), (1_700_000_000, 0));
    }
}
