//! Where a statement is, as conditions on a row `s` of `statement`: written here and nowhere else.

macro_rules! in_log {
    () => {
        "s.delivered_at IS NULL AND NOT EXISTS (SELECT 1 FROM aside a WHERE a.seq = s.seq)"
    };
}

/// Neither aside nor history: up to `delivered_through` it is delivered, and beyond it is queued.
pub(super) const IN_LOG: &str = in_log!();

/// Queued.
pub(super) const QUEUED: &str = concat!(
    "s.seq > (SELECT delivered_through FROM upstream) AND ",
    in_log!()
);

/// To be delivered still: queued, or aside.
pub(super) const UNDELIVERED: &str = "s.delivered_at IS NULL
    AND (s.seq > (SELECT delivered_through FROM upstream)
         OR EXISTS (SELECT 1 FROM aside a WHERE a.seq = s.seq))";

/// If it is not aside, it may have left the device.
pub(super) const MAY_HAVE_LEFT: &str = "(s.seq <= (SELECT sent_through FROM upstream)
    OR EXISTS (SELECT 1 FROM sent_ahead h WHERE h.seq = s.seq))";
