//! The small parts, by criterion: `cargo bench -p pannier-bench`. What they make together, beside the
//! floors: `tests/bench`.
#![allow(
    missing_docs,
    reason = "criterion's macros make undocumented functions"
)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pannier::lrs::reading::read_post;
use pannier::lrs::{Endpoint, Response, requests};
use pannier::statement::{self, Fill, Prepared};
use pannier::store::{
    Clocks, ContentsLimits, Db, Durability, HistoryPolicy, Holder, Lease, Limits, NextBatch,
    Outcome, Settled, Settlement, UnderWay, UpstreamId,
};
use pannier::{Uuid, XapiVersion};
use pannier_bench::data::{Shape, Statements};
use serde::de::IgnoredAny;

const NOW: i64 = 1_800_000_000_000;
const BATCH: usize = 50;

fn some(shape: Shape) -> Vec<Vec<u8>> {
    Statements::new(7, shape).take(300).collect()
}

/// With ids that grow, as Pannier makes them.
fn prepared() -> Vec<Prepared> {
    let prepare = |(n, text): (usize, Vec<u8>)| {
        let fill = Fill {
            id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + ((n as u128) << 64)),
            now_ms: NOW,
        };
        statement::prepare(&text, XapiVersion::V2_0_0, &fill).expect("a valid statement")
    };
    some(Shape::Bare)
        .into_iter()
        .enumerate()
        .map(prepare)
        .collect()
}

fn statements(criterion: &mut Criterion) {
    let texts = some(Shape::Bare);
    let mut group = criterion.benchmark_group("300 statements");
    group.throughput(Throughput::Elements(texts.len() as u64));
    group.bench_function("syntax alone, by serde_json", |bench| {
        bench.iter(|| {
            for text in &texts {
                serde_json::from_slice::<IgnoredAny>(black_box(text)).expect("JSON");
            }
        });
    });
    for version in [XapiVersion::V1_0_3, XapiVersion::V2_0_0] {
        group.bench_function(format!("check by {version}"), |bench| {
            bench.iter(|| {
                for text in &texts {
                    statement::check(black_box(text), version).expect("a valid statement");
                }
            });
        });
    }
    group.bench_function("prepare", |bench| {
        let fill = Fill {
            id: Uuid::nil(),
            now_ms: NOW,
        };
        bench.iter(|| {
            for text in &texts {
                let prepared = statement::prepare(black_box(text), XapiVersion::V2_0_0, &fill);
                black_box(prepared.expect("a valid statement"));
            }
        });
    });
    let copies = some(Shape::Complete);
    group.bench_function("compare with the LRS's copy", |bench| {
        bench.iter(|| {
            for text in &copies {
                black_box(statement::compare(black_box(text), black_box(text)));
            }
        });
    });
    group.finish();
}

fn requests_and_answers(criterion: &mut Criterion) {
    let endpoint = Endpoint::parse("http://lrs.test/xAPI").expect("a good endpoint");
    let batch: Vec<_> = prepared().into_iter().take(BATCH).collect();
    let bodies: Vec<&[u8]> = batch.iter().map(|one| one.body.as_slice()).collect();
    let ids: Vec<_> = batch.iter().map(|one| one.id).collect();
    let answer = Response {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: serde_json::to_vec(&ids).expect("JSON"),
        cut: false,
    };
    let mut group = criterion.benchmark_group("a batch of 50");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("make the request", |bench| {
        bench.iter(|| requests::post(&endpoint, None, XapiVersion::V2_0_0, black_box(&bodies)));
    });
    group.bench_function("read the answer", |bench| {
        bench.iter(|| black_box(read_post(black_box(&answer), &endpoint)));
    });
    group.finish();
}

fn store(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let statements = prepared();
    let mut opened = 0;
    let mut fresh = || {
        opened += 1;
        let path = folder.path().join(format!("{opened}.db"));
        Db::open(&path, Durability::ProcessCrash, NOW)
            .expect("opened")
            .db
    };
    let mut group = criterion.benchmark_group("the store, 300 statements");
    group.throughput(Throughput::Elements(statements.len() as u64));
    group.sample_size(20);
    group.bench_function("append, each in a commit of its own", |bench| {
        let each: Vec<_> = statements.iter().map(|one| vec![one.clone()]).collect();
        bench.iter_batched_ref(
            &mut fresh,
            |db| {
                for one in &each {
                    assert!(db.append(&[one], NOW)[0].is_ok());
                }
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("take, settle and purge in batches of 50", |bench| {
        bench.iter_batched_ref(
            || {
                let mut db = fresh();
                assert!(db.append(&[&statements], NOW)[0].is_ok());
                db
            },
            drain,
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn drain(db: &mut Db) {
    const US: Holder = Holder([1; 16]);
    let limits = Limits {
        statements: BATCH,
        bytes: usize::MAX,
        speaks_2_0: true,
        contents: ContentsLimits {
            statements: 50,
            bytes: usize::MAX,
            from: None,
        },
        clocks: Clocks {
            here: NOW.into(),
            lrs: None,
            trust_lrs: false,
        },
        after: 0,
        beside_others: false,
    };
    db.claim(UpstreamId::MAIN, US, false, NOW, NOW + 60_000)
        .expect("the lease");
    loop {
        let NextBatch::Rows { rows, .. } = db
            .next_batch(UpstreamId::MAIN, US, &limits, NOW, NOW + 60_000)
            .expect("taken")
        else {
            unreachable!("nobody else is there")
        };
        if rows.is_empty() {
            break;
        }
        let lease = Lease {
            holder: US,
            generation: 0,
        };
        let under_way = UnderWay {
            since: NOW,
            timeout_ms: 30_000,
        };
        let leaving: Vec<_> = rows.iter().collect();
        db.depart(
            UpstreamId::MAIN,
            lease,
            &leaving,
            under_way,
            None,
            NOW + 60_000,
        )
        .expect("marked");
        let settlement = Settlement {
            settled: rows
                .iter()
                .map(|row| Settled {
                    seq: row.seq,
                    outcome: Outcome::Delivered,
                })
                .collect(),
            learned: None,
            unsent: None,
            steady: None,
        };
        let changed = db
            .settle(UpstreamId::MAIN, &settlement, HistoryPolicy::None, NOW)
            .expect("settled");
        assert_eq!(changed.len(), rows.len());
    }
    while db.purge(HistoryPolicy::None, NOW).expect("purged") {}
}

criterion_group!(parts, statements, requests_and_answers, store);
criterion_main!(parts);
