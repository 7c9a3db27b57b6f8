//! Copies: how an LRS gives back what it was given. Each change was seen on a real one, and none makes
//! another statement of it.

use pannier::store::Millis;

use crate::sim::statement::{DURATION, LONG_NUMBER, iso};

/// What it changes.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a habit of its own")]
pub struct Alters {
    /// Adds `stored` and `authority`.
    adds: bool,
    /// Adds the types of actors, and a version.
    types: bool,
    /// How it writes timestamps.
    time: Time,
    /// What becomes of [`LONG_NUMBER`].
    long_number: &'static str,
    /// What becomes of [`DURATION`].
    duration: &'static str,
    /// Writes the members in another order.
    turns: bool,
    /// Writes the id in capitals.
    capitals: bool,
    /// A byte order mark stands before it.
    marked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    AsSent,
    Microseconds,
    Offset,
}

impl Alters {
    /// Draws some.
    pub fn draw(rng: &mut fastrand::Rng) -> Self {
        Self {
            adds: rng.u32(..4) > 0,
            types: rng.bool(),
            time: [Time::AsSent, Time::AsSent, Time::Microseconds, Time::Offset][rng.usize(..4)],
            long_number: [
                LONG_NUMBER,
                LONG_NUMBER,
                "12345678901234567000",
                "1.2345678901234567e+19",
            ][rng.usize(..4)],
            duration: [DURATION, DURATION, "PT90.28S", "PT1M30.29S"][rng.usize(..4)],
            turns: rng.u32(..4) == 0,
            capitals: rng.u32(..10) == 0,
            marked: rng.u32(..10) == 0,
        }
    }

    /// The statement as this LRS gives it back.
    pub fn copy(&self, sent: &[u8], now: Millis) -> String {
        let mut text = String::from_utf8_lossy(sent)
            .replace(LONG_NUMBER, self.long_number)
            .replace(DURATION, self.duration);
        // Every statement here ends its timestamp in milliseconds and Z, as prepare writes it.
        text = match self.time {
            Time::AsSent => text,
            Time::Microseconds => text.replace("Z\"", "000Z\""),
            Time::Offset => text.replace("Z\"", "+00:00\""),
        };
        if self.types {
            text = text.replace("\"actor\":{", "\"actor\":{\"objectType\":\"Agent\",");
        }
        let mut whole: serde_json::Map<String, serde_json::Value> = if self.turns || self.capitals {
            serde_json::from_str(&text).unwrap_or_default()
        } else {
            serde_json::Map::new()
        };
        if self.capitals
            && let Some(id) = whole
                .get("id")
                .and_then(|id| id.as_str())
                .map(str::to_uppercase)
        {
            whole.insert("id".to_owned(), id.into());
        }
        // Not where the numbers would be read and written anew by ourselves.
        if !whole.is_empty() && !text.contains(self.long_number) {
            text = serde_json::Value::Object(whole).to_string();
        }
        if self.adds && text.ends_with('}') {
            text.pop();
            if self.types {
                text.push_str(",\"version\":\"1.0.0\"");
            }
            text = format!(
                "{text},\"stored\":\"{}\",\"authority\":{{\"objectType\":\"Agent\",\"mbox\":\"mailto:lrs@example.com\"}}}}",
                iso(now)
            );
        }
        if self.marked {
            text.insert(0, '\u{feff}');
        }
        text
    }
}
