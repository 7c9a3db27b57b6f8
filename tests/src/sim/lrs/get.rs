//! GET of one statement.

use pannier::store::Millis;
use uuid::Uuid;

use super::character::{Rewrites, Shows, Voiding};
use super::{Lrs, Served, said};
use crate::sim::statement::iso;

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
        if stored.copies > 1 && self.character.doubles {
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
        let text = String::from_utf8_lossy(sent).into_owned();
        let mut text = match self.character.rewrites {
            Rewrites::Nothing => return text,
            Rewrites::Adds => text,
            // Every statement here ends its timestamp in milliseconds and Z, as prepare writes it.
            Rewrites::Respells => text
                .replace("Z\"", "000+00:00\"")
                .replace("\"actor\":{", "\"actor\":{\"objectType\":\"Agent\","),
        };
        if text.ends_with('}') {
            text.pop();
        }
        if self.character.rewrites == Rewrites::Respells {
            text.push_str(",\"version\":\"1.0.0\"");
        }
        format!(
            "{text},\"stored\":\"{}\",\"authority\":{{\"objectType\":\"Agent\",\"mbox\":\"mailto:lrs@example.com\"}}}}",
            iso(now)
        )
    }
}
