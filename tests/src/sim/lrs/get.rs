//! GET of one statement.

use pannier::store::Millis;
use uuid::Uuid;

use super::character::{Racing, Shows, Voiding};
use super::{Lrs, Served, said};
use crate::sim::statement::{CONTEXT_AGENTS, LONG_NUMBER, iso};

impl Lrs {
    pub(super) fn get(&self, query: &str, now: Millis) -> Served {
        let Some((name, Ok(id))) = query
            .split_once('=')
            .map(|(name, id)| (name, id.parse::<Uuid>()))
        else {
            return said(400, "what?");
        };
        let found = self
            .stored
            .get(&id)
            .filter(|stored| stored.visible_from <= now);
        let Some(stored) = found else {
            return self.none();
        };
        if stored.copies > 1 && self.character.racing == Racing::Doubles {
            return said(500, "get() returned more than one Statement");
        }
        let voided = self.voided.contains(&id);
        let hidden =
            self.character.voiding != Voiding::Never && voided != (name == "voidedStatementId");
        if hidden {
            return self.none();
        }
        let copy = self.copy(&stored.sent, now);
        match self.character.shows {
            Shows::List => said(200, &format!("{{\"statements\":[{copy}]}}")),
            Shows::Plain | Shows::Null => said(200, &copy),
        }
    }

    fn none(&self) -> Served {
        match self.character.shows {
            Shows::Plain => said(404, "no such statement"),
            Shows::List => said(200, "{\"statements\":[]}"),
            Shows::Null => said(200, "null"),
        }
    }

    /// The statement as this LRS gives it back.
    fn copy(&self, sent: &[u8], now: Millis) -> String {
        let rewrites = &self.character.rewrites;
        let mut text = String::from_utf8_lossy(sent).replace(LONG_NUMBER, rewrites.long_number);
        if rewrites.respells {
            // Every statement here ends its timestamp in milliseconds and Z, as prepare writes it.
            text = text.replace("Z\"", "000+00:00\"");
        }
        if rewrites.types {
            text = text.replace("\"actor\":{", "\"actor\":{\"objectType\":\"Agent\",");
        }
        if rewrites.drops_unknown {
            text = text.replace(CONTEXT_AGENTS, "");
        }
        if !rewrites.adds {
            return text;
        }
        if text.ends_with('}') {
            text.pop();
        }
        if rewrites.types {
            text.push_str(",\"version\":\"1.0.0\"");
        }
        format!(
            "{text},\"stored\":\"{}\",\"authority\":{{\"objectType\":\"Agent\",\"mbox\":\"mailto:lrs@example.com\"}}}}",
            iso(now)
        )
    }
}
