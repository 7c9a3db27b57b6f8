//! The table: contenders in turns, round after round, each beside the one it is held against.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::sections::{self, Column, Name, Section};
use crate::{Failed, jobs};

#[derive(clap::Args)]
pub struct Table {
    /// Rounds; the table shows medians, and the lowest and highest ratio.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only this section; may be given more than once.
    #[arg(long, value_enum)]
    only: Vec<Name>,
    /// Print JSON, with every round.
    #[arg(long)]
    json: bool,
    /// The length of a long queue.
    #[arg(long, default_value_t = 1_000_000)]
    long: usize,
    /// Where the files go: a folder on the disk to be measured.
    #[arg(long)]
    folder: Option<std::path::PathBuf>,
}

impl Table {
    pub fn run(&self) -> Result<(), Failed> {
        let folder = match &self.folder {
            Some(folder) => tempfile::tempdir_in(folder)?,
            None => tempfile::tempdir()?,
        };
        let mut all = Vec::new();
        for section in sections::all(self.long, folder.path()) {
            if !self.only.is_empty() && !self.only.contains(&section.name) {
                continue;
            }
            let mut rounds: Vec<Vec<Value>> = Vec::new();
            for round in 0..self.rounds {
                let mut results = vec![Value::Null; section.contenders.len()];
                for turn in 0..results.len() {
                    // Everybody is first once.
                    let at = (turn + round) % results.len();
                    let job = &section.contenders[at];
                    let args = job.args.replace("{round}", &round.to_string());
                    eprint!(
                        "\r\x1b[K{} {}/{}: {}",
                        section.title,
                        round + 1,
                        self.rounds,
                        job.name
                    );
                    let mut command = Command::new(std::env::current_exe()?);
                    command.args(args.split_whitespace());
                    command.env("TMPDIR", folder.path());
                    results[at] = jobs::output(&mut command)?;
                }
                rounds.push(results);
            }
            eprint!("\r\x1b[K");
            if self.json {
                all.push(section.json(&rounds));
            } else {
                section.print(&rounds);
            }
        }
        if self.json {
            println!("{}", Value::Array(all));
        }
        Ok(())
    }
}

impl Section {
    /// Writing to a `String` cannot fail.
    fn print(&self, rounds: &[Vec<Value>]) {
        println!("\n### {}, {} rounds\n", self.title, rounds.len());
        let mut head = String::from("| contender |");
        for Column(title, _, _, ratio) in self.columns {
            let _ = write!(head, " {title} |");
            if *ratio {
                head.push_str(" × (low–high) |");
            }
        }
        println!("{head}");
        println!("|{}", "---|".repeat(head.matches('|').count() - 1));
        for (at, contender) in self.contenders.iter().enumerate() {
            let mut line = format!("| {} |", contender.name);
            for Column(_, metric, digits, ratio) in self.columns {
                let value = median(rounds.iter().map(|round| number(&round[at], metric)));
                let _ = write!(line, " {} |", grouped(value, *digits));
                if *ratio {
                    let ratios: Vec<f64> = rounds
                        .iter()
                        .map(|round| {
                            number(&round[at], metric) / number(&round[contender.against], metric)
                        })
                        .collect();
                    let low = ratios.iter().copied().fold(f64::INFINITY, f64::min);
                    let high = ratios.iter().copied().fold(0.0, f64::max);
                    let middle = median(ratios.into_iter());
                    let _ = write!(line, " {middle:.2} ({low:.2}–{high:.2}) |");
                }
            }
            println!("{line}");
        }
    }

    fn json(&self, rounds: &[Vec<Value>]) -> Value {
        let contenders: Vec<Value> = self
            .contenders
            .iter()
            .enumerate()
            .map(|(at, contender)| {
                json!({
                    "name": contender.name,
                    "command": format!("bench {}", contender.args),
                    "against": self.contenders[contender.against].name,
                    "rounds": rounds.iter().map(|round| &round[at]).collect::<Vec<_>>(),
                })
            })
            .collect();
        json!({"section": self.title, "contenders": contenders})
    }
}

fn number(result: &Value, metric: &str) -> f64 {
    result[metric].as_f64().unwrap_or_default()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        length if length % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// With a comma between each three digits of the whole part.
fn grouped(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}
