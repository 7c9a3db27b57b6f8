//! The three devices.

use pannier::statement::Statement;
use uuid::Uuid;

use super::diary::{Day, Diary};
use super::{headset, phone, tablet};

/// One of the demo's devices; each has a queue of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// A vocabulary app, on the train.
    Phone,
    /// A training simulation, switched off without a warning.
    Headset,
    /// A workshop's tablet that goes from hand to hand.
    Tablet,
}

impl Device {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Phone, Self::Headset, Self::Tablet];

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Phone => "vocabulary phone",
            Self::Headset => "VR headset",
            Self::Tablet => "workshop tablet",
        }
    }

    /// Returns the file name of its queue.
    pub fn file(self) -> &'static str {
        match self {
            Self::Phone => "phone.db",
            Self::Headset => "headset.db",
            Self::Tablet => "tablet.db",
        }
    }

    /// Returns all that it records on this day, in order.
    pub fn statements(self, day: Day) -> Vec<Statement> {
        match self {
            Self::Phone => phone::practises(Diary::new(day, 0)),
            Self::Headset => headset::trains(Diary::new(day, 1)),
            Self::Tablet => tablet::goes_round(Diary::new(day, 2)),
        }
    }
}

/// A statement that a device records: its id, and its JSON as the app hands it in.
pub struct Note {
    /// Its id.
    pub id: Uuid,
    /// Its text.
    pub json: String,
}

/// Returns what a device records on this day, as text.
pub fn notes(device: Device, day: Day) -> Vec<Note> {
    let statements = device.statements(day).into_iter();
    statements
        .filter_map(|statement| {
            let id = statement.id?;
            let json = statement.to_json();
            Some(Note { id, json })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::SystemTime;

    use pannier::statement::{XapiVersion, check};

    use super::*;

    const DAY: Day = Day {
        seed: 7,
        began_ms: 1_718_434_800_123,
    };

    fn all(day: Day) -> Vec<Note> {
        let each = Device::ALL.into_iter();
        each.flat_map(|device| notes(device, day)).collect()
    }

    #[test]
    fn every_statement_is_valid_and_has_an_id_of_its_own() {
        let mut ids = HashSet::new();
        for note in all(DAY) {
            for version in [XapiVersion::V1_0_3, XapiVersion::V2_0_0] {
                let checked = check(note.json.as_bytes(), version);
                assert!(checked.is_ok(), "{checked:?}\n{}", note.json);
            }
            assert!(ids.insert(note.id), "{} is there twice", note.id);
        }
        assert_eq!(ids.len(), 1_500);
    }

    #[test]
    fn things_happen_one_after_the_other_and_before_the_demo() {
        for device in Device::ALL {
            let statements = device.statements(DAY);
            let times: Vec<SystemTime> =
                statements.iter().filter_map(|one| one.timestamp).collect();
            assert_eq!(times.len(), statements.len());
            assert!(times.is_sorted(), "{device:?}");
            let began = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(DAY.began_ms);
            assert!(times.last().is_some_and(|last| *last < began), "{device:?}");
        }
    }

    #[test]
    fn a_day_is_the_same_whenever_it_is_told() {
        let texts = |day| {
            all(day)
                .into_iter()
                .map(|note| note.json)
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(DAY), texts(DAY));
        let ids = |day| {
            all(day)
                .into_iter()
                .map(|note| note.id)
                .collect::<HashSet<_>>()
        };
        let other = Day { seed: 8, ..DAY };
        assert!(ids(DAY).is_disjoint(&ids(other)));
    }

    #[test]
    fn the_video_was_watched_for_12_minutes_and_the_webinar_answered_by_80_percent() {
        let tablet = notes(Device::Tablet, DAY);
        let one = |verb: &str, name: &str| {
            let mut found = tablet
                .iter()
                .map(|note| serde_json::from_str::<serde_json::Value>(&note.json).unwrap())
                .filter(|json| {
                    json["verb"]["display"]["en"] == verb
                        && json["object"]["definition"]["name"]["en"] == name
                });
            let one = found.next().expect("it is there");
            assert!(found.next().is_none(), "there is one");
            one
        };
        let video = one("watched", "Leadership Basics");
        assert_eq!(video["result"]["duration"], "PT12M");
        let webinar = one("attended", "Advanced CRM");
        assert_eq!(webinar["result"]["score"]["scaled"], 0.8);
    }
}
