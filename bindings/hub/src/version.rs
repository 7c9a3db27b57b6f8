//! The version of xAPI that a request speaks (1.0.3 Communication 3.3; 2.0.0 4.1.7).

use axum::http::{HeaderMap, HeaderName};
use pannier_xapi::statement::XapiVersion;

use super::problem::Problem;

/// Version header of every request and answer.
pub const VERSION: HeaderName = HeaderName::from_static("x-experience-api-version");

/// Returns the version in the request's header: any `1.0.x` is read as 1.0.3, any `2.0.x` as 2.0.0.
pub fn negotiate(headers: &HeaderMap) -> Result<XapiVersion, Problem> {
    let Some(value) = headers.get(VERSION) else {
        return Err(Problem::bad_request(
            "the header X-Experience-API-Version is missing; send 2.0.0 or 1.0.3",
        ));
    };
    let value = value.to_str().unwrap_or_default();
    family(value).ok_or_else(|| {
        Problem::bad_request(format!(
            "X-Experience-API-Version {value:?} is not spoken here; send 2.0.0 or 1.0.3"
        ))
    })
}

fn family(value: &str) -> Option<XapiVersion> {
    let mut parts = value.split('.');
    let (major, minor, patch, rest) = (parts.next()?, parts.next()?, parts.next(), parts.next());
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if minor != "0" || !patch.is_none_or(number) || rest.is_some() {
        return None;
    }
    match major {
        "1" => Some(XapiVersion::V1_0_3),
        "2" => Some(XapiVersion::V2_0_0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_of_a_version_are_one_family() {
        for value in ["1.0", "1.0.0", "1.0.3", "1.0.32"] {
            assert_eq!(family(value), Some(XapiVersion::V1_0_3), "{value}");
        }
        for value in ["2.0", "2.0.0", "2.0.1"] {
            assert_eq!(family(value), Some(XapiVersion::V2_0_0), "{value}");
        }
        for value in [
            "", "1", "0.9", "0.95", "1.1.0", "2.1.0", "3.0.0", "1.0.x", "1.0.", "1.0.0.0", " 2.0.0",
        ] {
            assert_eq!(family(value), None, "{value}");
        }
    }
}
