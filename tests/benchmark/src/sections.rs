//! What is put beside what: the sections of the table, their contenders and their columns.

use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Name {
    Record,
    Validate,
    Drain,
    Open,
    Memory,
    Idle,
}

/// One row: a job and the row above it that it is held against.
pub struct Contender {
    pub name: String,
    pub args: String,
    pub against: usize,
}

/// A number to show: its title, the member of the job's result, its digits, whether the ratio to
/// the other contender's stands beside it.
pub struct Column(pub &'static str, pub &'static str, pub usize, pub bool);

pub struct Section {
    pub name: Name,
    pub title: String,
    pub columns: &'static [Column],
    pub contenders: Vec<Contender>,
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
    Column("p99.9 µs", "p999_us", 0, false),
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
const NARROW: &[Column] = &[
    SPEED,
    CPU,
    Column("of the line", "of_line", 3, false),
    Column("requests", "requests", 0, false),
    Column("wire/byte", "wire_per_byte", 3, false),
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

/// All sections; a long queue has so many statements.
pub fn all(long: usize, folder: &Path) -> Vec<Section> {
    let mut sections = record();
    sections.push(validate());
    sections.extend(drain());
    sections.push(memory(long));
    sections.extend(open(long, folder));
    sections.push(idle());
    sections
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

/// For each class the floor that refuses an id twice, Pannier with ids of its own and with those of
/// the app, and the floor that refuses none.
fn drain() -> Vec<Section> {
    let section = |title: &str, count: usize, batch: usize, line: &str| {
        let job = |name: &str, args: &str, against| {
            let args = format!("drain --batch {batch} --count {count} {line} {args}");
            Contender::new(name, args, against)
        };
        let mut contenders = vec![job(
            "reqwest from SQLite with ids",
            "--by floor-with-ids",
            0,
        )];
        if line.is_empty() {
            contenders.extend([
                job("Pannier, ids by Pannier", "", 0),
                job("Pannier, ids (v4) by the app", "--shape complete", 0),
                job("reqwest from SQLite, no ids", "--by floor", 0),
                job(
                    "reqwest with ids, survives a kill",
                    "--by floor-with-ids --class kill",
                    4,
                ),
                job(
                    "Pannier, ids by Pannier, survives a kill",
                    "--class kill",
                    4,
                ),
                job(
                    "Pannier, ids (v4) by the app, survives a kill",
                    "--shape complete --class kill",
                    4,
                ),
                job(
                    "reqwest, no ids, survives a kill",
                    "--by floor --class kill",
                    4,
                ),
            ]);
        } else {
            // The rest makes no difference there.
            contenders.extend([
                job("Pannier", "", 0),
                job("Pannier, 2 in flight (against 1)", "--in-flight 2", 1),
                job("Pannier, 4 in flight (against 1)", "--in-flight 4", 1),
            ]);
        }
        Section {
            name: Name::Drain,
            title: format!("drain {title}, batches of {batch}"),
            columns: if line.contains("kbit") { NARROW } else { DRAIN },
            contenders,
        }
    };
    vec![
        section("to loopback", 20_000, 50, ""),
        section("to loopback", 20_000, 200, ""),
        section(
            "at 200 ms a round trip",
            5_000,
            50,
            "--delay-ms 200 --shape complete",
        ),
        section(
            "at 50 ms and 1 Mbit/s",
            1_500,
            50,
            "--delay-ms 50 --kbit 1000 --shape complete",
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
