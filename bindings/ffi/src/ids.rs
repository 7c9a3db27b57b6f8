//! Ids: text at the border, the platform's own UUID in Kotlin and Swift.

pub use pannier::Uuid;

use uniffi::deps::anyhow;

uniffi::custom_type!(Uuid, String, {
    remote,
    lower: |id| id.to_string(),
    try_lift: |text| Ok(Uuid::parse_str(&text).map_err(anyhow::Error::msg)?),
});
