//! Answers as real LRSs, and what stands before them, send them.

use uuid::Uuid;

use super::{About, Found, NotAnLrs, Posted, highest_common, read_about, read_get, read_post};
use crate::lrs::{Endpoint, Response};
use crate::statement::XapiVersion;

const JSON: &str = "application/json; charset=utf-8";
const PAGE: &str = "text/html; charset=utf-8";
const ONE: &str = "6690e6c9-3ef0-4ed3-8b37-7f3964730bee";
const TWO: &str = "0b5a7f3e-88c7-4f4c-9d26-0d4b6a0c3c11";

fn endpoint() -> Endpoint {
    Endpoint::parse("https://lrs.example/xAPI").expect("a good endpoint")
}

fn answer(status: u16, kind: &str, body: &str) -> Response {
    Response {
        status,
        headers: vec![("content-type".to_owned(), kind.to_owned())],
        body: body.as_bytes().to_vec(),
        cut: false,
    }
}

fn id(text: &str) -> Uuid {
    Uuid::parse_str(text).expect("a good id")
}

fn posted(status: u16, kind: &str, body: &str) -> Posted {
    read_post(&answer(status, kind, body), &endpoint())
}

/// Status, words, ids and positions of a refusal.
fn refused(status: u16, kind: &str, body: &str) -> (String, Vec<Uuid>, Vec<usize>) {
    match posted(status, kind, body) {
        Posted::Refused {
            status: read,
            words,
            ids_named,
            indexes,
        } if read == status => (words.to_string(), ids_named, indexes),
        other => panic!("not refused with {status}: {other:?}"),
    }
}

fn stranger(status: u16, kind: &str, body: &str) -> String {
    match posted(status, kind, body) {
        Posted::NotAnLrs(why) => why.to_string(),
        other => panic!("taken for an LRS's: {other:?}"),
    }
}

mod post {
    use super::*;

    #[test]
    fn ids_all_or_only_the_new_ones_in_any_letter_case() {
        let both = format!("[\"{ONE}\",\"{TWO}\"]");
        assert_eq!(
            posted(200, JSON, &both),
            Posted::Ids(vec![id(ONE), id(TWO)])
        );
        let upper = format!("[ \"{}\" ]\n", TWO.to_uppercase());
        assert_eq!(posted(200, JSON, &upper), Posted::Ids(vec![id(TWO)]));
        assert_eq!(posted(200, JSON, "[]"), Posted::Ids(vec![]));
        // No content type at all, and the status another server chose.
        assert_eq!(posted(201, "", &both), Posted::Ids(vec![id(ONE), id(TWO)]));
    }

    #[test]
    fn no_content_from_ralph_and_xapi_rs_for_what_they_have() {
        assert_eq!(posted(204, "", ""), Posted::NoContent);
        assert_eq!(posted(204, JSON, ""), Posted::NoContent);
    }

    #[test]
    fn ralph_reports_partial_success_under_200() {
        let body = format!(
            r#"{{"inserted":2,"rejected":1,"ids":["{ONE}","{TWO}"],"errors":[{{"index":1,"reason":"missing object"}}]}}"#
        );
        let Posted::Partial { stored, refused } = posted(200, JSON, &body) else {
            panic!("not read as a report");
        };
        assert_eq!(stored, [id(ONE), id(TWO)]);
        assert_eq!(refused.len(), 1);
        assert_eq!((refused[0].0, refused[0].1.as_str()), (1, "missing object"));
    }

    #[test]
    fn ralph_reports_an_all_existing_batch_under_400() {
        let body = r#"{"inserted":0,"rejected":0,"ids":[],"errors":[]}"#;
        let nothing = Posted::Partial {
            stored: vec![],
            refused: vec![],
        };
        assert_eq!(posted(400, JSON, body), nothing);
    }

    #[test]
    fn a_report_is_read_as_far_as_it_goes() {
        let body = r#"{"ids":[],"errors":[{"reason":"no index"},{"index":-1},"text",{"index":0,"reason":{"verb":"bad"}}]}"#;
        let Posted::Partial { refused, .. } = posted(200, JSON, body) else {
            panic!("not read as a report");
        };
        assert_eq!(refused.len(), 1);
        assert_eq!(
            (refused[0].0, refused[0].1.as_str()),
            (0, r#"{"verb":"bad"}"#)
        );
    }

    #[test]
    fn a_success_without_ids_is_no_lrs() {
        for body in [
            "",
            "OK",
            "null",
            "true",
            "{}",
            r#"{"status":"ok"}"#,
            r#"{"errors":[{"index":0}]}"#,
            r#"{"ids":["x"],"errors":[]}"#,
            r#"{"ids":[],"errors":"none"}"#,
            r#"["ok"]"#,
            "[1]",
            &format!("\"{ONE}\""),
            &format!("[\"{ONE}\""),
            &format!("[\"{{{ONE}}}\"]"),
            &format!("[\"{}\"]", ONE.replace('-', "")),
            &format!("[\"{ONE}\",null]"),
        ] {
            assert_eq!(
                stranger(200, JSON, body),
                "a success without a list of ids",
                "{body}"
            );
        }
        for status in [202, 203, 206] {
            let ids = format!("[\"{ONE}\"]");
            assert!(stranger(status, JSON, &ids).contains("no LRS"), "{status}");
        }
    }

    #[test]
    fn a_page_is_no_lrs_and_its_title_is_kept() {
        let page = "<!DOCTYPE html><html><head><title>Welcome to Hotel WiFi</title></head></html>";
        assert_eq!(
            stranger(200, PAGE, page),
            "a web page (Welcome to Hotel WiFi)"
        );
        assert_eq!(
            stranger(200, JSON, page),
            "a web page (Welcome to Hotel WiFi)"
        );
        // A 204 that is typed as a page, or that a proxy gave a body.
        assert_eq!(stranger(204, PAGE, ""), "a web page ()");
        assert_eq!(stranger(204, "", "x"), "a 204 with a body");
    }

    #[test]
    fn a_redirect_is_never_success_and_never_shows_its_query() {
        let redirect = |status, to: &str| {
            let mut answer = answer(status, PAGE, "");
            answer.headers.push(("location".to_owned(), to.to_owned()));
            read_post(&answer, &endpoint())
        };
        assert_eq!(
            redirect(302, "http://portal.example/login?mac=00:11&to=lrs"),
            Posted::NotAnLrs(NotAnLrs::Redirect {
                to: "http://portal.example/login".to_owned(),
                same_host: false,
            })
        );
        assert_eq!(
            redirect(301, "/XAPI/statements/"),
            Posted::NotAnLrs(NotAnLrs::Redirect {
                to: "https://lrs.example/XAPI/statements/".to_owned(),
                same_host: true,
            })
        );
        for nowhere in ["", "http://["] {
            // An empty reference leads to where it stands.
            assert!(matches!(redirect(307, nowhere), Posted::NotAnLrs(_)));
        }
        assert_eq!(stranger(304, "", ""), "a redirect to nowhere");
    }

    #[test]
    fn a_network_that_wants_a_login_is_no_lrs() {
        assert_eq!(
            posted(511, PAGE, "<title>Log in</title>"),
            Posted::NotAnLrs(NotAnLrs::LoginFirst)
        );
        assert_eq!(stranger(101, "", ""), "a status outside of HTTP's");
        assert_eq!(stranger(999, "", ""), "a status outside of HTTP's");
    }

    #[test]
    fn ralph_points_at_the_invalid_one_with_422() {
        let body = r#"{"detail":[{"loc":["body",1,"verb"],"msg":"field required","type":"value_error.missing"},{"loc":["body","verb"],"msg":"field required","type":"value_error.missing"}]}"#;
        assert_eq!(refused(422, JSON, body), (body.to_owned(), vec![], vec![1]));
    }

    #[test]
    fn learning_locker_points_at_the_invalid_one_with_400() {
        let error = "1f0b2a34-5d6c-4e7f-8a9b-0c1d2e3f4a5b";
        let body = format!(
            r#"{{"errorId":"{error}","warnings":["Missing required value in 'statements.1.verb'"]}}"#
        );
        let (words, ids, indexes) = refused(400, JSON, &body);
        assert_eq!((words, indexes), (body, vec![1]));
        assert_eq!(ids, [id(error)], "it names the error: a hint may mislead");
    }

    #[test]
    fn the_others_say_that_a_batch_is_invalid_and_not_which() {
        for (kind, body) in [
            ("text/plain", "Verb is missing"),
            (
                JSON,
                r#"{"error":"Statement is not valid: 'verb' is missing"}"#,
            ),
        ] {
            assert_eq!(refused(400, kind, body), (body.to_owned(), vec![], vec![]));
        }
    }

    #[test]
    fn a_conflict_may_name_its_statement() {
        let adl =
            format!("A statement with ID {ONE} already existed, but the contents are different");
        let (words, ids, _) = refused(409, "text/html", &adl);
        assert_eq!((words, ids), (adl, vec![id(ONE)]));
        let ralph = r#"{"detail":"Differing statements already exist with the same ID"}"#;
        assert_eq!(
            refused(409, JSON, ralph),
            (ralph.to_owned(), vec![], vec![])
        );
    }

    #[test]
    fn every_other_status_that_says_no_is_read_alike() {
        for status in [
            400, 401, 403, 404, 405, 408, 410, 412, 413, 415, 425, 429, 500, 501, 502, 503, 504,
            599,
        ] {
            let (words, ids, indexes) = refused(status, "text/plain", "no\r\n");
            assert_eq!((words.as_str(), ids, indexes), ("no", vec![], vec![]));
        }
    }

    #[test]
    fn rocket_answers_413_with_a_page() {
        let page = "<!DOCTYPE html><html><head><title>413 Payload Too Large</title></head></html>";
        assert_eq!(refused(413, PAGE, page).0, "413 Payload Too Large");
    }

    #[test]
    fn debug_shows_no_words() {
        let refused = posted(400, JSON, r#"{"input":{"actor":"ada"}}"#);
        let partial = posted(
            200,
            JSON,
            r#"{"ids":[],"errors":[{"index":0,"reason":"ada"}]}"#,
        );
        let shown = format!("{refused:?} {partial:?}");
        assert!(!shown.contains("ada"), "{shown}");
    }
}

mod get {
    use super::*;

    fn found(status: u16, kind: &str, body: &str) -> Found {
        read_get(&answer(status, kind, body), &endpoint(), id(ONE))
    }

    #[test]
    fn a_statement_keeps_its_bytes() {
        let statement = format!(
            r#"{{ "id" : "{}", "result":{{"score":{{"raw":12345678901234567890.10}}}} }}"#,
            ONE.to_uppercase()
        );
        let copy = Found::Copy(statement.clone().into_bytes());
        assert_eq!(found(200, JSON, &format!("\n{statement}\n")), copy);
        // Ralph wraps the one statement as a list.
        let list = format!(r#"{{"statements": [{statement}], "more": ""}}"#);
        assert_eq!(found(200, JSON, &list), copy);
        let two = format!(r#"{{"statements":[{{"id":"{TWO}"}},{statement}]}}"#);
        assert_eq!(found(200, JSON, &two), copy);
    }

    #[test]
    fn missing_comes_as_404_null_and_an_empty_list() {
        assert_eq!(found(404, "text/plain", "Not found"), Found::Missing);
        assert_eq!(found(404, JSON, ""), Found::Missing);
        assert_eq!(found(200, JSON, "null"), Found::Missing);
        assert_eq!(found(200, JSON, r#"{"statements":[]}"#), Found::Missing);
    }

    #[test]
    fn anything_else_under_200_proves_nothing() {
        for body in [
            "",
            "{}",
            "[]",
            "true",
            r#"{"id":7}"#,
            r#"{"id":"not an id"}"#,
            &format!(r#"{{"id":"{TWO}"}}"#),
            &format!(r#"{{"statements":[{{"id":"{TWO}"}}]}}"#),
            &format!(r#"{{"statements":{{"id":"{ONE}"}}}}"#),
            &format!(r#"{{"id":"{ONE}""#),
        ] {
            assert!(
                matches!(found(200, JSON, body), Found::NotAnLrs(_)),
                "{body}"
            );
        }
        assert!(matches!(found(204, "", ""), Found::NotAnLrs(_)));
        assert!(matches!(found(302, "", ""), Found::NotAnLrs(_)));
        let page = found(200, PAGE, "<title>WiFi</title>");
        assert!(matches!(page, Found::NotAnLrs(NotAnLrs::Page(_))));
    }

    #[test]
    fn a_refusal_is_told_from_missing() {
        for status in [400, 401, 403, 429, 500, 503] {
            let Found::Refused {
                status: read,
                words,
            } = found(status, "text/plain", "no")
            else {
                panic!("{status} is not read as refused");
            };
            assert_eq!((read, words.as_str()), (status, "no"));
        }
    }

    #[test]
    fn debug_shows_no_statement() {
        let copy = found(200, JSON, &format!(r#"{{"id":"{ONE}","actor":"ada"}}"#));
        assert_eq!(format!("{copy:?}"), "Copy(59 bytes)");
    }
}

mod about {
    use super::*;

    fn about(status: u16, kind: &str, body: &str) -> About {
        read_about(&answer(status, kind, body), &endpoint())
    }

    fn common(body: &str) -> Option<XapiVersion> {
        match about(200, JSON, body) {
            About::Versions(versions) => highest_common(&versions),
            other => panic!("no versions in {body}: {other:?}"),
        }
    }

    #[test]
    fn the_highest_common_version_is_taken() {
        let (old, new) = (Some(XapiVersion::V1_0_3), Some(XapiVersion::V2_0_0));
        for (body, expected) in [
            (r#"{"version":["2.0.0","1.0.3"],"extensions":{}}"#, new),
            (r#"{"version":["1.0.0","1.0.1","1.0.2","1.0.3"]}"#, old),
            (r#"{"version":["2.0.0"]}"#, new),
            (r#"{"version":["2.0.1","1.0"]}"#, new),
            (
                r#"{"version":["0.95","1.1.0","2.1.0","10.0","x",""]}"#,
                None,
            ),
            (r#"{"version":[]}"#, None),
        ] {
            assert_eq!(common(body), expected, "{body}");
        }
    }

    #[test]
    fn many_do_not_say() {
        // Ralph, MiniXapi, and others that look at credentials or version before anything else.
        for status in [400, 401, 403, 404, 405, 410] {
            assert_eq!(about(status, JSON, "{}"), About::Silent, "{status}");
        }
    }

    #[test]
    fn trouble_is_told_from_silence() {
        for status in [408, 425, 429, 500, 502, 503] {
            let read = about(status, "text/plain", "later");
            assert!(
                matches!(read, About::Refused { status: read, .. } if read == status),
                "{status}"
            );
        }
    }

    #[test]
    fn a_portal_lists_no_versions() {
        for (status, kind, body) in [
            (200, PAGE, "<title>WiFi</title>"),
            (200, JSON, "{}"),
            (200, JSON, "[]"),
            (200, JSON, r#"{"version":[1]}"#),
            (204, "", ""),
            (302, "", ""),
            (511, PAGE, ""),
        ] {
            let read = about(status, kind, body);
            assert!(matches!(read, About::NotAnLrs(_)), "{status} {body}");
        }
    }
}
