//! The ids that Pannier gives to statements.

use uuid::{NoContext, Timestamp, Uuid};

/// A version 7 UUID: in the order of time, so that the index on ids grows at its end, and with 74
/// random bits behind the time, so that a wrong clock costs order and not uniqueness. From the
/// clock that is handed in: the system's own may stand before 1970, where `Uuid::now_v7` panics.
pub(super) fn new_id(now_ms: i64) -> Uuid {
    let now = now_ms.max(0).unsigned_abs();
    let nanos = (now % 1_000) as u32 * 1_000_000;
    Uuid::new_v7(Timestamp::from_unix(NoContext, now / 1_000, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_follow_time_and_differ_under_any_clock() {
        assert!(new_id(1_000) < new_id(1_001));
        assert!(new_id(1_800_000_000_000) < new_id(1_800_000_000_001));
        for now_ms in [i64::MIN, -1, 0, 1_800_000_000_000, i64::MAX] {
            let ids: BTreeSet<Uuid> = (0..1_000).map(|_| new_id(now_ms)).collect();
            assert_eq!(ids.len(), 1_000, "{now_ms}");
            assert!(ids.iter().all(|id| id.get_version_num() == 7));
        }
    }
}
