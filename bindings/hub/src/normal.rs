//! The only changes the hub makes to a statement (1.0.3 Data 2.2; 2.0.0 4.2.4): those that the standard requires of
//! an LRS, and nothing else.

use pannier_xapi::statement::XapiVersion;

use super::splice::{self, Edit, Members};

/// Sets `authority` and, if missing, `version`; puts context activities into arrays; under 2.0.0 converts
/// timestamps to UTC. Leaves `stored` to the storing, and also the `timestamp` of a statement that came without.
pub fn normalise(
    statement: &str,
    version: XapiVersion,
    untimed: bool,
    authority: &str,
) -> serde_json::Result<String> {
    let body = splice::edit(statement, |key, value| match key {
        "stored" | "authority" => Ok(Edit::Drop),
        "timestamp" if untimed => Ok(Edit::Drop),
        "object" => sub_statement(value, version),
        _ => part(key, value, version),
    })?;
    let mut members = Members::of(&body)?;
    members.0.push(("authority".into(), authority));
    if members.get("version").is_none() {
        let ours = match version {
            XapiVersion::V1_0_3 => r#""1.0.0""#,
            XapiVersion::V2_0_0 => r#""2.0.0""#,
        };
        members.0.push(("version".into(), ours));
    }
    Ok(splice::object(members.0))
}

fn sub_statement(object: &str, version: XapiVersion) -> serde_json::Result<Edit> {
    if Members::of(object)?.text("objectType").as_deref() != Some("SubStatement") {
        return Ok(Edit::Keep);
    }
    Ok(Edit::Put(splice::edit(object, |key, value| {
        part(key, value, version)
    })?))
}

/// Returns the change to a member that statements and `SubStatement`s have in common.
fn part(key: &str, value: &str, version: XapiVersion) -> serde_json::Result<Edit> {
    match key {
        "context" => context(value).map(Edit::Put),
        "timestamp" if version == XapiVersion::V2_0_0 => {
            let text: String = serde_json::from_str(value)?;
            Ok(utc(&text).map_or(Edit::Keep, |utc| Edit::Put(splice::quote(&utc))))
        }
        _ => Ok(Edit::Keep),
    }
}

fn context(context: &str) -> serde_json::Result<String> {
    splice::edit(context, |key, value| match key {
        "contextActivities" => Ok(Edit::Put(splice::edit(value, |_, activities| {
            let single = activities.starts_with('{');
            Ok(if single {
                Edit::Put(splice::array([activities]))
            } else {
                Edit::Keep
            })
        })?)),
        _ => Ok(Edit::Keep),
    })
}

/// Returns the same instant in UTC with the digits of its fraction, if it is written in another zone.
fn utc(timestamp: &str) -> Option<String> {
    let sign = timestamp
        .rfind(['+', '-'])
        .filter(|at| *at > "2026-01-01".len())?;
    let (clock, zone) = timestamp.split_at(sign);
    if zone.bytes().all(|byte| !matches!(byte, b'1'..=b'9')) {
        return None;
    }
    let (whole, fraction) = clock.split_at(clock.find('.').unwrap_or(clock.len()));
    let instant: jiff::Timestamp = format!("{whole}{zone}").parse().ok()?;
    let whole = instant.strftime("%Y-%m-%dT%H:%M:%S");
    Some(format!("{whole}{fraction}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_turned_into_utc() {
        for (given, wanted) in [
            (
                "2026-03-01T01:02:03.456789+02:00",
                Some("2026-02-28T23:02:03.456789Z"),
            ),
            ("2026-03-01T01:02:03-0330", Some("2026-03-01T04:32:03Z")),
            ("2026-03-01T01:02:03.1Z", None),
            ("2026-03-01T01:02:03+00:00", None),
        ] {
            assert_eq!(utc(given).as_deref(), wanted, "{given}");
        }
    }

    #[test]
    fn context_activities_are_put_into_arrays_and_nothing_else_changes() {
        let statement = r#"{"result":{"score":{"raw":12345678901234567890}},"context":{"contextActivities":{"parent":{"id":"a:b"},"other":[{"id":"c:d"}]}},"stored":"x","object":{"objectType":"SubStatement","context":{"contextActivities":{"grouping":{"id":"e:f"}}}},"timestamp":"2026-03-01T01:02:03Z"}"#;
        let normal = normalise(statement, XapiVersion::V1_0_3, true, "{}").unwrap();
        assert_eq!(
            normal,
            r#"{"result":{"score":{"raw":12345678901234567890}},"context":{"contextActivities":{"parent":[{"id":"a:b"}],"other":[{"id":"c:d"}]}},"object":{"objectType":"SubStatement","context":{"contextActivities":{"grouping":[{"id":"e:f"}]}}},"authority":{},"version":"1.0.0"}"#
        );
    }
}
