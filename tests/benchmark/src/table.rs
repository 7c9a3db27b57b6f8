//! The table: contenders in turns, round after round, each beside the one it is held against.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

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

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    Record,
    Validate,
    Drain,
    Open,
    Memory,
    Idle,
}

/// One row: a job and the row above it that it is held against.
struct Contender {
    name: String,
    args: String,
    against: usize,
}

/// A number to show: its title, the member of the job's result, its digits, whether the ratio to
/// the other contender's stands beside it.
struct Column(&'static str, &'static str, usize, bool);

struct Section {
    name: Name,
    title: String,
    columns: &'static [Column],
    contenders: Vec<Contender>,
}

const SPEED: Column = Column("statements/s", "per_second", 0, true);
const CPU: Column = Column("CPU µs", "cpu_us", 1, true);
const P99: Column = Column("p99 µs", "p99_us", 1, true);
const WRITTEN: Column = Column("written/byte", "written_per_byte", 1, false);
const RSS: Column = Column("peak RSS MiB", "rss_mib", 1, false);

const RECORD: &[Column] = &[
    SPEED,
    CPU,
    Column("p50 µs", "p50_us", 1, false),
    P99,
    Column("worst µs", "max_us", 0, false),
    WRITTEN,
    RSS,
];
const VALIDATE: &[Column] = &[SPEED, CPU, RSS];
const DRAIN: &[Column] = &[
    SPEED,
    CPU,
    Column("requests", "requests", 0, false),
    Column("wire/byte", "wire_per_byte", 3, false),
    WRITTEN,
    RSS,
];
const MEMORY: &[Column] = &[
    Column("peak RSS MiB", "rss_mib", 1, true),
    SPEED,
    Column("file before", "peak_file_bytes", 0, false),
    Column("file after", "file_bytes", 0, false),
];
const OPEN: &[Column] = &[
    Column("open to first record µs", "open_us", 0, true),
    Column("status µs", "status_us", 1, true),
    SPEED,
    Column("CPU µs", "cpu_us", 1, true),
    Column("p50 µs", "p50_us", 1, true),
];
const IDLE: &[Column] = &[
    Column("seconds", "seconds", 0, false),
    Column("wake-ups", "wake_ups", 0, false),
    Column("bytes written", "written", 0, false),
    Column("CPU µs in all", "cpu_total_us", 0, false),
];

impl Table {
    pub fn run(&self) -> Result<(), Failed> {
        let folder = match &self.folder {
            Some(folder) => tempfile::tempdir_in(folder)?,
            None => tempfile::tempdir()?,
        };
        let mut all = Vec::new();
        for section in self.sections(folder.path()) {
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

    fn sections(&self, folder: &Path) -> Vec<Section> {
        let mut sections = record();
        sections.push(validate());
        sections.extend(drain());
        sections.push(memory(self.long));
        sections.extend(open(self.long, folder));
        sections.push(idle());
        sections
    }
}

fn record() -> Vec<Section> {
    let section = |class: &str, count: usize| {
        let job = |name: &str, args: &str, against| {
            let args = format!("record --class {class} --count {count} {args}");
            Contender::new(name, args, against)
        };
        Section {
            name: Name::Record,
            title: format!("record, one a call, survives a {}", survives(class)),
            columns: RECORD,
            contenders: vec![
                job("raw SQLite: prepared INSERT, two columns", "--by floor", 0),
                job("raw SQLite with a unique id", "--by floor-with-ids", 0),
                job("Pannier, id and timestamp by Pannier", "", 0),
                job(
                    "Pannier, id (v4) and timestamp by the app",
                    "--shape complete",
                    0,
                ),
                job("Pannier, 8 threads (against 1)", "--threads 8", 2),
                job("Pannier, while syncing (against not)", "--syncing", 2),
            ],
        }
    };
    vec![section("power", 2_000), section("kill", 20_000)]
}

fn validate() -> Section {
    let job =
        |name: &str, args: &str| Contender::new(name, format!("validate --count 60000 {args}"), 0);
    Section {
        name: Name::Validate,
        title: "validate".to_owned(),
        columns: VALIDATE,
        contenders: vec![
            job("serde_json, syntax alone", "--by floor"),
            job("Pannier, rules of 1.0.3", "--rules 1.0.3"),
            job("Pannier, rules of 2.0.0", "--rules 2.0.0"),
            job("Pannier, 2.0.0 and completed", "--complete"),
        ],
    }
}

/// For each class the floor that refuses an id twice, Pannier, and the floor that does not.
fn drain() -> Vec<Section> {
    let section = |title: &str, count: usize, batch: usize, line: &str| {
        let job = |name: &str, args: &str, against| {
            let args =
                format!("drain --shape complete --batch {batch} --count {count} {line} {args}");
            Contender::new(name, args, against)
        };
        let mut contenders = vec![
            job("reqwest from SQLite with ids", "--by floor-with-ids", 0),
            job("Pannier", "", 0),
        ];
        // On a slow line the rest makes no difference.
        if line.is_empty() {
            contenders.extend([
                job("reqwest from SQLite, no ids", "--by floor", 0),
                job(
                    "reqwest with ids, survives a kill",
                    "--by floor-with-ids --class kill",
                    3,
                ),
                job("Pannier, survives a kill", "--class kill", 3),
                job(
                    "reqwest, no ids, survives a kill",
                    "--by floor --class kill",
                    3,
                ),
            ]);
        }
        Section {
            name: Name::Drain,
            title: format!("drain {title}, batches of {batch}"),
            columns: DRAIN,
            contenders,
        }
    };
    vec![
        section("to loopback", 20_000, 50, ""),
        section("to loopback", 20_000, 200, ""),
        section("at 200 ms a round trip", 1_000, 50, "--delay-ms 200"),
        section(
            "at 50 ms and 1 Mbit/s",
            500,
            50,
            "--delay-ms 50 --kbit 1000",
        ),
    ]
}

fn memory(long: usize) -> Section {
    let job = |count| {
        let args = format!("drain --class kill --count {count}");
        Contender::new(&format!("Pannier, {count} queued"), args, 0)
    };
    Section {
        name: Name::Memory,
        title: "memory and file of a sync".to_owned(),
        columns: MEMORY,
        contenders: vec![job(1_000), job(long)],
    }
}

fn open(long: usize, folder: &Path) -> Vec<Section> {
    let section = |class: &str| {
        let job = |queued: usize, file: &str| {
            let db = folder.join(file);
            let args = format!(
                "open --class {class} --queued {queued} --db {}",
                db.display()
            );
            Contender::new(&format!("Pannier, {queued} queued"), args, 0)
        };
        Section {
            name: Name::Open,
            title: format!("open and record, survives a {}", survives(class)),
            columns: OPEN,
            contenders: vec![
                job(0, &format!("empty-{class}-{{round}}.db")),
                job(long, "long.db"),
            ],
        }
    };
    vec![section("power"), section("kill")]
}

fn idle() -> Section {
    Section {
        name: Name::Idle,
        title: "idle".to_owned(),
        columns: IDLE,
        contenders: vec![
            Contender::new("nothing to do", "idle".to_owned(), 0),
            Contender::new("LRS out of reach", "idle --unreachable".to_owned(), 0),
        ],
    }
}

fn survives(class: &str) -> &'static str {
    match class {
        "power" => "power cut",
        _ => "kill",
    }
}

impl Contender {
    fn new(name: &str, args: String, against: usize) -> Self {
        Self {
            name: name.to_owned(),
            args,
            against,
        }
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
