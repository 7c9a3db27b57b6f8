//! Ways on which nothing gets through: `doctor` and `sync` say what it is and what to do.

use crate::process::{Desk, Ended, hub, statement};
use crate::strangers::{stranger, untrusted, url};

/// What both say on the way to this LRS.
fn both(lrs: &str, args: &[&str]) -> [Ended; 2] {
    let mut desk = Desk::new();
    desk.set("PANNIER_LRS_TOKEN", "t");
    desk.recorded(&statement("one"));
    ["doctor", "sync"].map(|command| {
        let args = [&[command, "--allow-cleartext", "--lrs", lrs], args].concat();
        let ended = desk.run(&args);
        assert_eq!(ended.code, 4, "{ended:?}");
        ended
    })
}

#[track_caller]
fn both_say(lrs: &str, args: &[&str], words: [&str; 2]) {
    for (ended, words) in both(lrs, args).iter().zip(words) {
        ended.is(4, words);
    }
}

const DENIED: &str = "Content-Length: 6\r\nConnection: close\r\n\r\ndenied";

#[test]
fn a_proxy_that_asks_for_a_password_is_given_one_in_its_url() {
    let host = stranger(|sent| {
        let knows = String::from_utf8_lossy(sent)
            .to_lowercase()
            // ann:p@ss
            .contains("proxy-authorization: basic yw5uonbac3m=");
        let status = if knows { 503 } else { 407 };
        format!("HTTP/1.1 {status} No\r\n{DENIED}").into_bytes()
    });
    let asks = "--proxy http://USER:PASSWORD@HOST:PORT";
    for scheme in ["http", "https"] {
        let lrs = format!("{scheme}://lrs.invalid/xAPI");
        both_say(&lrs, &["--proxy", &format!("http://{host}")], [asks, asks]);
        let knows = format!("http://ann:p%40ss@{host}");
        for ended in both(&lrs, &["--proxy", &knows]) {
            assert!(!format!("{ended:?}").contains(asks), "{ended:?}");
        }
    }
}

#[test]
fn a_proxy_that_lets_nothing_through_is_told_as_such() {
    let host = stranger(|_| format!("HTTP/1.1 503 No\r\n{DENIED}").into_bytes());
    let proxy = ["--proxy", &format!("http://{host}")];
    both_say(
        "http://lrs.invalid/xAPI",
        &proxy,
        ["nothing would be delivered like this", "Sync again later"],
    );
    both_say(
        "https://lrs.invalid/xAPI",
        &proxy,
        ["ask whoever runs it", "ask who runs the proxy"],
    );
}

#[test]
fn tls_that_fails_says_what_to_do() {
    let lrs = |host: &str| format!("https://{host}/xAPI");
    both_say(&lrs(&untrusted()), &[], ["(--ca FILE)", "with --ca FILE"]);
    let (hub, _) = hub();
    let http = hub.url().replace("http://", "https://");
    both_say(
        &http,
        &[],
        ["does not speak TLS: check the port", "Check the port"],
    );
    // protocol_version and handshake_failure, RFC 8446, section 6.
    for alert in [70, 40] {
        let old = stranger(move |_| vec![21, 3, 1, 0, 2, 2, alert]);
        both_say(&lrs(&old), &[], ["than 1.2 and 1.3", "TLS 1.2 or 1.3"]);
    }
    let all = both(&lrs(&untrusted()), &[]);
    assert!(!format!("{all:?}").contains("extra_roots"), "{all:?}");
}

#[test]
fn what_is_sent_and_not_answered_is_not_said_to_work() {
    let host = stranger(|sent| {
        let version = "X-Experience-API-Version: 2.0.0\r\n";
        let answer = match sent {
            [b'P', ..] => String::new(),
            _ => format!("HTTP/1.1 404 Not Found\r\n{version}{DENIED}"),
        };
        answer.into_bytes()
    });
    let mut desk = Desk::new();
    desk.set("PANNIER_LRS", &url(&host));
    desk.set("PANNIER_LRS_TOKEN", "t");
    desk.run(&["doctor"]).is(1, "it may work or not");
}

#[test]
fn a_proxy_of_the_environment_that_is_none_is_not_gone_around() {
    let (hub, _) = hub();
    let mut desk = Desk::at(&hub);
    desk.set("PANNIER_LRS", &url("lrs.invalid"));
    desk.recorded(&statement("one"));
    desk.set("no_proxy", "");
    for (name, value) in [
        ("HTTPS_PROXY", "http//proxy.example:3128"),
        ("ALL_PROXY", "http://me:s3cret@proxy.example:port"),
    ] {
        for other in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            desk.set(other, "");
            desk.set(&other.to_lowercase(), "");
        }
        desk.set(name, value);
        for command in ["sync", "doctor"] {
            let args = [command, "--allow-cleartext", "--proxy-from-environment"];
            let ended = desk.run(&args);
            ended.is(2, &format!("{name} names no proxy"));
            assert!(!ended.err.contains("s3cret"), "{ended:?}");
        }
    }
}
