//! Clients that others wrote send contents to the hub. `tests/run attachments` installs them and runs this.

use std::process::Command;

use pannier::Uuid;
use pannier_hub::{Hub, Running};
use pannier_tests::contents::{contents_of, options};
use serde_json::Value;

/// Sends a statement with these contents by `@xapi/xapi`, and gives what it says.
fn send(hub: &Running, contents: &[&str]) -> Value {
    let installed = std::env::var("PANNIER_XAPI_JS").expect("PANNIER_XAPI_JS names a folder");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/xapi-js/send.js");
    let mut node = Command::new("node");
    node.args([script, &hub.url()]).args(contents);
    let output = node.env("PANNIER_XAPI_JS", installed).output();
    let output = output.expect("node");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
#[ignore = "left out: run tests/run attachments"]
fn xapi_js_sends_one_content_and_is_told_why_not_two() {
    let hub = Hub::start(&options()).expect("a hub");
    let all: Vec<u8> = (0..=255).collect();
    for (named, octets) in [
        ("text:knot tied in 41 s", &b"knot tied in 41 s"[..]),
        ("bytes", &all),
    ] {
        let said = send(&hub, &[named]);
        let id: Uuid = said["id"]
            .as_str()
            .unwrap_or_default()
            .parse()
            .expect("an id");
        assert_eq!(said["answer"][0], id.to_string(), "{said}");
        assert_eq!(contents_of(&hub, id), Ok(vec![octets.to_vec()]));
    }
    // It writes no line break before the second delimiter.
    let said = send(&hub, &["text:one", "text:two"]);
    let error = said["error"].as_str().unwrap_or_default();
    assert!(error.contains("CRLF must come before"), "{said}");
}
