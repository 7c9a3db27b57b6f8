//! The jobs, each in a process of its own: does one thing by one contender and prints one JSON
//! object with counts and costs.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pannier::statement::{self, Fill};
use pannier::{Collector, Config, SyncPolicy, Uuid, XapiVersion};
use pannier_bench::data::{self, Shape, Statements};
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use crate::Failed;
use crate::cost::{self, Latencies, Meter};
use crate::durability::Class;
use crate::floor::{Ids, Log};
use crate::sink::{Line, Sink};

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// The product.
    Pannier,
    /// The same parts without what the product promises.
    Floor,
    /// The floor with one promise: no id twice.
    FloorWithIds,
}

impl By {
    fn ids(self) -> Ids {
        match self {
            Self::Floor => Ids::None,
            Self::FloorWithIds | Self::Pannier => Ids::Unique,
        }
    }
}

/// Which statements.
#[derive(Clone, Debug, clap::Args)]
pub struct Input {
    /// A file of JSON lines; without one, statements are made up.
    pub file: Option<PathBuf>,
    /// How many to make up.
    #[arg(long, default_value_t = 20_000)]
    pub count: usize,
    /// Whether those have an id and a timestamp.
    #[arg(long, value_enum, default_value = "bare")]
    pub shape: Shape,
}

impl Input {
    fn load(&self) -> Result<Vec<Vec<u8>>, Failed> {
        Ok(data::load(self.file.as_deref(), self.count, self.shape)?)
    }

    /// As JSON lines.
    pub fn print(&self) -> Result<(), Failed> {
        let mut output = std::io::stdout().lock();
        for statement in self.load()? {
            output.write_all(&statement)?;
            output.write_all(b"\n")?;
        }
        Ok(())
    }
}

/// One call of `record` after another.
#[derive(Clone, Debug, clap::Args)]
pub struct Record {
    #[command(flatten)]
    input: Input,
    #[arg(long, value_enum, default_value = "pannier")]
    by: By,
    #[arg(long, value_enum, default_value = "power")]
    class: Class,
    /// So many threads at once.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// While another thread of the same collector delivers.
    #[arg(long)]
    syncing: bool,
}

impl Record {
    pub fn run(&self) -> Result<Map<String, Value>, Failed> {
        let statements = self.input.load()?;
        let bytes = statements.iter().map(Vec::len).sum();
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("queue.db");
        let mut took = Latencies::default();
        let mut costs = match self.by {
            By::Floor | By::FloorWithIds => {
                let log = Log::open(&path, self.class, self.by.ids())?;
                let meter = Meter::start();
                log.record(&statements, &mut took)?;
                meter.stop(statements.len(), bytes)
            }
            By::Pannier => {
                let sink = self
                    .syncing
                    .then(|| Sink::start(Line::default()))
                    .transpose()?;
                let config = config(sink.as_ref(), self.class);
                let collector = Collector::open(&path, config)?;
                let over = AtomicBool::new(false);
                let costs = std::thread::scope(|scope| {
                    if self.syncing {
                        scope.spawn(|| sync_until(&collector, &over));
                    }
                    let meter = Meter::start();
                    let recorders: Vec<_> = (0..self.threads)
                        .map(|first| {
                            let mine = statements.iter().skip(first).step_by(self.threads);
                            scope.spawn(|| record_each(&collector, mine))
                        })
                        .collect();
                    for recorder in recorders {
                        took.extend(recorder.join().map_err(|_| "a recorder panicked")??);
                    }
                    let costs = meter.stop(statements.len(), bytes);
                    over.store(true, Ordering::Relaxed);
                    Ok::<_, Failed>(costs)
                })?;
                drop(collector);
                sink.map(Sink::stop).transpose()?;
                costs
            }
        };
        took.write(&mut costs);
        costs.insert("file_bytes".into(), json!(std::fs::metadata(&path)?.len()));
        Ok(costs)
    }
}

fn record_each<'a>(
    collector: &Collector,
    statements: impl Iterator<Item = &'a Vec<u8>>,
) -> Result<Latencies, pannier::Error> {
    let mut took = Latencies::default();
    for statement in statements {
        took.time(|| collector.record(statement))?;
    }
    Ok(took)
}

fn sync_until(collector: &Collector, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        if let Err(error) = collector.sync() {
            eprintln!("sync: {error}");
            return;
        }
    }
}

fn config(sink: Option<&Sink>, class: Class) -> Config {
    let mut config = Config::default();
    config.endpoint = sink.map(|sink| sink.endpoint.clone());
    config.durability = class.into();
    config
}

/// Checking statements.
#[derive(Clone, Debug, clap::Args)]
pub struct Validate {
    #[command(flatten)]
    input: Input,
    /// The floor reads JSON's syntax alone, by `serde_json`.
    #[arg(long, value_enum, default_value = "pannier")]
    by: By,
    /// The version of the standard: 1.0.3 or 2.0.0.
    #[arg(long, default_value = "2.0.0")]
    rules: XapiVersion,
    /// Also complete them, as `record` does.
    #[arg(long)]
    complete: bool,
}

impl Validate {
    pub fn run(&self) -> Result<Map<String, Value>, Failed> {
        let statements = self.input.load()?;
        let bytes = statements.iter().map(Vec::len).sum();
        let fill = Fill {
            id: Uuid::nil(),
            now_ms: 1_700_000_000_000,
        };
        let meter = Meter::start();
        let mut invalid = 0;
        for statement in &statements {
            let valid = match (self.by, self.complete) {
                (By::Floor | By::FloorWithIds, _) => {
                    serde_json::from_slice::<IgnoredAny>(statement).is_ok()
                }
                (By::Pannier, false) => statement::check(statement, self.rules).is_ok(),
                (By::Pannier, true) => statement::prepare(statement, self.rules, &fill).is_ok(),
            };
            invalid += usize::from(!valid);
        }
        let mut costs = meter.stop(statements.len(), bytes);
        costs.insert("invalid".into(), json!(invalid));
        Ok(costs)
    }
}

/// Delivering a queue.
#[derive(Clone, Debug, clap::Args)]
pub struct Drain {
    #[command(flatten)]
    input: Input,
    #[arg(long, value_enum, default_value = "pannier")]
    by: By,
    #[arg(long, value_enum, default_value = "power")]
    class: Class,
    /// Most statements of a request.
    #[arg(long, default_value_t = 50)]
    batch: u32,
    #[command(flatten)]
    line: Line,
}

impl Drain {
    pub fn run(&self) -> Result<Map<String, Value>, Failed> {
        let folder = tempfile::tempdir()?;
        let db = folder.path().join("queue.db");
        // In another process: what filling cost is not the drain's.
        let filled = Make {
            input: self.input.clone(),
            by: self.by,
            db: db.clone(),
        }
        .elsewhere()?;
        let (count, bytes) = (number(&filled, "count"), number(&filled, "bytes"));
        let sink = Sink::start(self.line)?;
        let mut costs = match self.by {
            By::Floor | By::FloorWithIds => {
                let log = Log::open(&db, self.class, self.by.ids())?;
                let meter = Meter::start();
                log.drain(&sink.endpoint, self.batch)?;
                meter.stop(count, bytes)
            }
            By::Pannier => {
                let mut config = config(Some(&sink), self.class);
                config.max_statements = self.batch;
                config.max_bytes = 1 << 30;
                let collector = Collector::open(&db, config)?;
                let meter = Meter::start();
                let report = collector.sync()?;
                let costs = meter.stop(count, bytes);
                if report.delivered != count as u64 {
                    return Err(format!("not all was delivered: {report:?}").into());
                }
                drop(collector);
                costs
            }
        };
        let through = sink.stop()?;
        costs.insert("file_bytes".into(), json!(std::fs::metadata(&db)?.len()));
        costs.insert("peak_file_bytes".into(), filled["file_bytes"].clone());
        costs.insert(
            "wire_per_byte".into(),
            json!(through["bytes_up"].as_f64().unwrap_or_default() / bytes as f64),
        );
        for name in ["connections", "requests", "statements"] {
            costs.insert(name.into(), through[name].clone());
        }
        Ok(costs)
    }
}

/// Making a queue.
#[derive(Clone, Debug, clap::Args)]
pub struct Make {
    #[command(flatten)]
    input: Input,
    #[arg(long, value_enum, default_value = "pannier")]
    by: By,
    #[arg(long)]
    db: PathBuf,
}

impl Make {
    fn new(db: &Path, count: usize) -> Self {
        let input = Input {
            file: None,
            count,
            shape: Shape::Bare,
        };
        Self {
            input,
            by: By::Pannier,
            db: db.to_path_buf(),
        }
    }

    pub fn run(&self) -> Result<Map<String, Value>, Failed> {
        let (mut count, mut bytes) = (0, 0);
        let input: Box<dyn Iterator<Item = Vec<u8>>> = match &self.input.file {
            Some(_) => Box::new(self.input.load()?.into_iter()),
            None => Box::new(Statements::new(1, self.input.shape).take(self.input.count)),
        };
        let mut input = input.inspect(|statement| {
            count += 1;
            bytes += statement.len();
        });
        match self.by {
            By::Floor | By::FloorWithIds => {
                // What Pannier adds travels with the floor too.
                let fill = Fill {
                    id: Uuid::nil(),
                    now_ms: 1_700_000_000_000,
                };
                let mut n = 0;
                let mut log = Log::open(&self.db, Class::Kill, self.by.ids())?;
                log.fill(input.filter_map(|statement| {
                    n += 1;
                    let fill = Fill {
                        id: Uuid::from_u128(n),
                        ..fill
                    };
                    let prepared = statement::prepare(&statement, XapiVersion::V2_0_0, &fill);
                    prepared.ok().map(|prepared| prepared.body)
                }))?;
            }
            By::Pannier => {
                let collector = Collector::open(&self.db, config(None, Class::Kill))?;
                loop {
                    let some: Vec<_> = input.by_ref().take(1_000).collect();
                    if some.is_empty() {
                        break;
                    }
                    collector.record_all(some)?;
                }
                drop(input);
            }
        }
        let mut made = Map::new();
        made.insert("count".into(), json!(count));
        made.insert("bytes".into(), json!(bytes));
        let size = std::fs::metadata(&self.db)?.len();
        made.insert("file_bytes".into(), json!(size));
        Ok(made)
    }

    /// The same in a process of its own.
    fn elsewhere(&self) -> Result<Value, Failed> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("fill").arg("--db").arg(&self.db);
        command.args(["--count", &self.input.count.to_string()]);
        if self.input.shape == Shape::Complete {
            command.args(["--shape", "complete"]);
        }
        match self.by {
            By::Pannier => {}
            By::Floor => drop(command.args(["--by", "floor"])),
            By::FloorWithIds => drop(command.args(["--by", "floor-with-ids"])),
        }
        command.args(&self.input.file);
        output(&mut command)
    }
}

/// Opening a queue that is there, recording, asking how things stand.
#[derive(Clone, Debug, clap::Args)]
pub struct Open {
    /// The queue's file; filled first where there is none.
    #[arg(long)]
    db: PathBuf,
    /// With so many.
    #[arg(long, default_value_t = 0)]
    queued: usize,
    #[arg(long, value_enum, default_value = "power")]
    class: Class,
    /// How many records after the first.
    #[arg(long, default_value_t = 2_000)]
    records: usize,
}

impl Open {
    pub fn run(&self) -> Result<Map<String, Value>, Failed> {
        if !self.db.exists() {
            Make::new(&self.db, self.queued).elsewhere()?;
        }
        // New ones: a record that is known already costs less.
        let mut statements = Statements::new(fastrand::u64(..), Shape::Bare);
        let first = statements.next().unwrap_or_default();
        let rest: Vec<_> = statements.take(self.records).collect();
        let started = Instant::now();
        let collector = Collector::open(&self.db, config(None, self.class))?;
        collector.record(&first)?;
        let open = started.elapsed();
        let mut asked = Latencies::default();
        for _ in 0..20 {
            asked.time(|| collector.status())?;
        }
        let queued = collector.status()?.ledger.queued;
        let mut status = Map::new();
        asked.write(&mut status);
        let bytes = rest.iter().map(Vec::len).sum();
        let mut took = Latencies::default();
        let meter = Meter::start();
        for statement in &rest {
            took.time(|| collector.record(statement))?;
        }
        let mut costs = meter.stop(rest.len(), bytes);
        took.write(&mut costs);
        costs.insert("queued".into(), json!(queued));
        costs.insert("open_us".into(), json!(open.as_secs_f64() * 1e6));
        costs.insert("status_us".into(), status["p50_us"].clone());
        Ok(costs)
    }
}

/// Doing nothing.
#[derive(Clone, Debug, clap::Args)]
pub struct Idle {
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// With a statement queued and nobody to deliver to.
    #[arg(long)]
    unreachable: bool,
}

impl Idle {
    pub fn run(&self) -> Result<Map<String, Value>, Failed> {
        let folder = tempfile::tempdir()?;
        let sink = Sink::start(Line::default())?;
        let mut config = config(Some(&sink), Class::Power);
        config.sync = SyncPolicy::AUTOMATIC;
        if self.unreachable {
            // Port 9 of this machine: nobody listens.
            config.endpoint = Some("http://127.0.0.1:9/xAPI".to_owned());
        }
        let collector = Collector::open(folder.path().join("queue.db"), config)?;
        collector.record(Statements::new(1, Shape::Bare).next().unwrap_or_default())?;
        collector.sync()?;
        // The connection that was used leaves the pool.
        std::thread::sleep(Duration::from_secs(2));
        let (sleeps, written, cpu) = (cost::sleeps(), cost::written(), cost::cpu());
        std::thread::sleep(Duration::from_secs(self.seconds));
        let mut costs = Map::new();
        // Our own sleep is one.
        let woken = cost::sleeps().saturating_sub(sleeps + 1);
        costs.insert("seconds".into(), json!(self.seconds));
        costs.insert("wake_ups".into(), json!(woken));
        costs.insert("written".into(), json!(cost::written() - written));
        let cpu = cost::cpu().saturating_sub(cpu);
        costs.insert("cpu_total_us".into(), json!(cpu.as_secs_f64() * 1e6));
        drop(collector);
        sink.stop()?;
        Ok(costs)
    }
}

/// Runs a job; what it printed.
pub fn output(command: &mut Command) -> Result<Value, Failed> {
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?} failed").into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn number(value: &Value, name: &str) -> usize {
    value[name].as_u64().unwrap_or_default() as usize
}
