//! Any bytes get a verdict, and what is accepted is JSON that is accepted again and not changed any more.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pannier::statement::{Fill, XapiVersion, prepare};
use serde::de::IgnoredAny;
use uuid::Uuid;

fuzz_target!(|text: &[u8]| {
    let fill = Fill {
        id: Uuid::from_u128(1),
        now_ms: 0,
    };
    for version in [XapiVersion::V1_0_3, XapiVersion::V2_0_0] {
        match prepare(text, version, &fill) {
            Ok(prepared) => {
                serde_json::from_slice::<IgnoredAny>(&prepared.body).expect("JSON");
                let again = prepare(&prepared.body, version, &fill).expect("still valid");
                assert_eq!(again.body, prepared.body);
                assert_eq!(again.timestamp_ms, prepared.timestamp_ms);
            }
            Err(invalid) => assert!(!invalid.faults.is_empty()),
        }
    }
});
