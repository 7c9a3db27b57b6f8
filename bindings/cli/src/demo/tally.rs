//! Does it add up? Comparison of each device's counts with what the LRS says.

use std::collections::{HashMap, HashSet};

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use uuid::Uuid;

use super::ask::Has;
use super::device::Device;

/// A statement that is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Its id.
    pub id: Uuid,
    /// Reason, in a word.
    pub reason: String,
    /// The LRS's own words.
    pub words: String,
}

/// One device at the end of the demo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub device: &'static str,
    /// Statements that it experienced.
    pub happened: u64,
    /// Statements that its collector recorded.
    pub recorded: u64,
    /// Statements proved to be at the LRS.
    pub delivered: u64,
    /// Held statements, with the reason.
    pub held: Vec<Held>,
    /// Statements still to be sent, or waiting for something.
    pub queued: u64,
    /// Statements that the LRS says it has: asked for one by one, and the same as recorded.
    pub lrs_has: u64,
    /// Everything that does not add up.
    pub wrong: Vec<String>,
}

/// Counts of a device's collector.
#[derive(Clone, Debug)]
pub struct Counts {
    pub recorded: u64,
    pub delivered: u64,
    pub queued: u64,
    pub held: Vec<Held>,
}

impl Row {
    /// Compares a device's counts with what the LRS answered for all that happened on it. The LRS would have taken
    /// everything but the `unwelcome` one.
    pub fn new(
        device: Device,
        happened: &[Uuid],
        unwelcome: Uuid,
        counts: Counts,
        answers: &HashMap<Uuid, Has>,
    ) -> Self {
        let has_it = |id: &Uuid| answers.get(id) == Some(&Has::It);
        let lrs_has = happened.iter().filter(|id| has_it(id)).count() as u64;
        let held: HashSet<Uuid> = counts.held.iter().map(|held| held.id).collect();

        let mut wrong = Vec::new();
        let all = happened.len() as u64;
        if counts.recorded != all {
            wrong.push(format!("{} recorded of {all}", counts.recorded));
        }
        if counts.queued != 0 {
            wrong.push(format!("{} still queued", counts.queued));
        }
        let elsewhere = counts.delivered + counts.queued + held.len() as u64;
        if counts.recorded != elsewhere {
            wrong.push(format!(
                "{} recorded, {elsewhere} accounted for",
                counts.recorded
            ));
        }
        for id in happened {
            if held.contains(id) && *id != unwelcome {
                wrong.push(format!("{id} is held, yet the LRS would take it"));
            }
            match (held.contains(id), answers.get(id)) {
                (false, Some(Has::It)) | (true, Some(Has::Another | Has::Nothing)) => {}
                (true, Some(Has::It)) => wrong.push(format!("{id} is held, yet the LRS has it")),
                (false, Some(Has::Another)) => {
                    wrong.push(format!("the LRS has another statement under {id}"));
                }
                (false, Some(Has::Nothing)) => wrong.push(format!("the LRS does not have {id}")),
                (_, Some(Has::Unsaid(why))) => wrong.push(format!("{id}: {why}")),
                (_, None) => wrong.push(format!("the LRS was not asked for {id}")),
            }
        }
        Self {
            device: device.name(),
            happened: all,
            recorded: counts.recorded,
            delivered: counts.delivered,
            held: counts.held,
            queued: counts.queued,
            lrs_has,
            wrong,
        }
    }

    /// Returns the figures: recorded, delivered, held, queued, and what the LRS has.
    fn figures(&self) -> [u64; 5] {
        let held = self.held.len() as u64;
        [
            self.recorded,
            self.delivered,
            held,
            self.queued,
            self.lrs_has,
        ]
    }
}

/// Result of the demo.
#[derive(Clone, Debug, Serialize)]
pub struct Tally {
    /// Tells whether everything adds up.
    pub exact: bool,
    /// One row for each device.
    pub devices: Vec<Row>,
}

impl Tally {
    /// Adds up the devices' rows.
    pub fn new(devices: Vec<Row>) -> Self {
        Self {
            exact: devices.iter().all(|row| row.wrong.is_empty()),
            devices,
        }
    }

    /// Returns the table, and below it every held statement and everything that is wrong.
    pub fn text(&self) -> String {
        let mut lines = vec![self.table().to_string()];
        for Row { device, held, .. } in &self.devices {
            lines.extend(held.iter().map(|Held { id, reason, words }| {
                format!("held on the {device}: {id} ({reason}): {words}")
            }));
        }
        for Row { device, wrong, .. } in &self.devices {
            lines.extend(
                wrong
                    .iter()
                    .map(|wrong| format!("WRONG on the {device}: {wrong}")),
            );
        }
        let [recorded, delivered, held, queued, lrs_has] = self.together();
        lines.push(if self.exact {
            format!(
                "exact: {recorded} recorded = {delivered} delivered + {held} held + {queued} queued, \
                 and the LRS has {lrs_has}"
            )
        } else {
            "NOT exact: see above".to_owned()
        });
        lines.join("\n")
    }

    fn table(&self) -> Table {
        let line = |name: &str, figures: [u64; 5]| {
            let figures = figures.iter().map(ToString::to_string);
            std::iter::once(name.to_owned())
                .chain(figures)
                .collect::<Vec<_>>()
        };
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header([
            "",
            "recorded",
            "delivered",
            "held",
            "queued",
            "the LRS has",
        ]);
        for row in &self.devices {
            table.add_row(line(row.device, row.figures()));
        }
        table.add_row(line("together", self.together()));
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    fn together(&self) -> [u64; 5] {
        let each = self.devices.iter().map(Row::figures);
        each.fold([0; 5], |sum, row| {
            std::array::from_fn(|at| sum[at] + row[at])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const TWO: Uuid = Uuid::from_u128(2);
    const THREE: Uuid = Uuid::from_u128(3);

    fn held(id: Uuid) -> Held {
        Held {
            id,
            reason: "refused".to_owned(),
            words: "not here".to_owned(),
        }
    }

    /// Three statements happened, and the third is held.
    fn row(recorded: u64, delivered: u64, queued: u64, answers: [Has; 3]) -> Row {
        let counts = Counts {
            recorded,
            delivered,
            queued,
            held: vec![held(THREE)],
        };
        let ids = [ONE, TWO, THREE];
        let answers = ids.into_iter().zip(answers).collect();
        Row::new(Device::Phone, &ids, THREE, counts, &answers)
    }

    #[test]
    fn what_adds_up_is_exact() {
        for third in [Has::Nothing, Has::Another] {
            let row = row(3, 2, 0, [Has::It, Has::It, third]);
            assert_eq!((row.wrong.as_slice(), row.lrs_has), (&[][..], 2));
            let tally = Tally::new(vec![row]);
            assert!(tally.exact);
            let text = tally.text();
            assert!(
                text.contains("exact: 3 recorded = 2 delivered + 1 held + 0 queued"),
                "{text}"
            );
            assert!(text.contains("not here"), "{text}");
        }
    }

    #[test]
    fn only_the_unwelcome_one_may_be_held() {
        let counts = Counts {
            recorded: 1,
            delivered: 0,
            queued: 0,
            held: vec![held(ONE)],
        };
        let answers = HashMap::from([(ONE, Has::Nothing)]);
        let row = Row::new(Device::Phone, &[ONE], TWO, counts, &answers);
        assert_eq!(
            row.wrong,
            [format!("{ONE} is held, yet the LRS would take it")]
        );
    }

    #[test]
    fn every_way_not_to_add_up_is_found() {
        let unsaid = || Has::Unsaid("503".to_owned());
        for (row, why) in [
            (
                row(2, 1, 0, [Has::It, Has::It, Has::Nothing]),
                "2 recorded of 3",
            ),
            (
                row(3, 1, 1, [Has::It, Has::It, Has::Nothing]),
                "1 still queued",
            ),
            (
                row(3, 1, 0, [Has::It, Has::It, Has::Nothing]),
                "2 accounted for",
            ),
            (
                row(3, 2, 0, [Has::It, Has::Nothing, Has::Nothing]),
                "does not have",
            ),
            (
                row(3, 2, 0, [Has::It, Has::Another, Has::Nothing]),
                "another statement",
            ),
            (row(3, 2, 0, [Has::It, Has::It, Has::It]), "is held, yet"),
            (row(3, 2, 0, [unsaid(), Has::It, Has::Nothing]), "503"),
            (row(3, 2, 0, [Has::It, Has::It, unsaid()]), "503"),
        ] {
            assert!(
                row.wrong.iter().any(|wrong| wrong.contains(why)),
                "{why}: {row:?}"
            );
            let tally = Tally::new(vec![row]);
            assert!(!tally.exact && tally.text().contains("NOT exact"), "{why}");
        }
    }
}
