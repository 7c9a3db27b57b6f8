//! Probes of a way on which nothing gets through.

use super::*;

#[test]
fn a_proxy_that_lets_nothing_through_is_bad_and_says_what_to_do() {
    let page = "<html><body>denied</body></html>";
    for (status, words) in [
        (407, "user"),
        (502, "try again later"),
        (503, "try again later"),
        (504, "try again later"),
        (511, "log in"),
    ] {
        for body in [page, "", "denied"] {
            let probe = stage(|_| {}).where_it_says(move |_| Some(Ok(strangers(status, body))));
            assert_eq!(probe.worst(), Finding::Bad, "{status}: {probe:#?}");
            let said = sentence(&probe, Examined::Write);
            assert!(said.contains(words), "{status}: {probe:#?}");
        }
    }
}

#[test]
fn a_proxy_that_refuses_and_breaks_what_is_sent_is_bad() {
    let probe = stage(|_| {}).where_it_says(|request| {
        Some(if request.method == Method::Post {
            Err(TransportError::Broken("reset".to_owned()))
        } else {
            Ok(strangers(503, "denied"))
        })
    });
    assert_eq!(finding(&probe, Examined::Lrs), Finding::Bad, "{probe:#?}");
    assert!(sentence(&probe, Examined::Lrs).contains("try again later"));
}

#[test]
fn each_way_that_fails_says_what_to_do() {
    let tunnel = |why| TransportError::Unreachable(format!("tunnel error: {why}"));
    let tls = |why: &str| TransportError::untrusted(why);
    let all = [
        (tunnel("proxy authorization required"), "USER:PASSWORD@"),
        (tunnel("unsuccessful"), "whoever runs it"),
        (
            tls("received corrupt message of type InvalidContentType"),
            "does not speak TLS",
        ),
        (tls("received fatal alert: ProtocolVersion"), "TLS than 1.2"),
        (
            tls("received fatal alert: HandshakeFailure"),
            "TLS than 1.2",
        ),
        (
            tls("Other(OtherError(UnsupportedCertVersion))"),
            "version 3",
        ),
        (tls("the host's certificate has expired"), "clock, then ask"),
        (tls("the host's certificate was revoked"), "whoever runs"),
    ];
    for (failure, words) in all {
        let subject = if failure.is_tls() {
            Examined::Encryption
        } else {
            Examined::Network
        };
        let probe = stage(|_| {}).where_it_says(move |_| Some(Err(failure.clone())));
        assert_eq!(finding(&probe, subject), Finding::Bad);
        let said = sentence(&probe, subject);
        assert!(said.contains(words), "{said}");
    }
    let unknown = tls("add the certificate of its authority (extra_roots)");
    let probe = stage(|_| {}).where_it_says(move |_| Some(Err(unknown.clone())));
    let said = sentence(&probe, Examined::Encryption);
    assert!(said.ends_with("(extra_roots)"), "{said}");
}
