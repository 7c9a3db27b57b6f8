//! What a hub keeps in a file, and how it stops.

use pannier_hub::{Hub, Options, Storage};
use serde_json::json;

use crate::client::{Lrs, id, statement};

#[test]
fn a_file_outlives_the_hub() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let storage = Storage::File(folder.path().join("hub.db"));
        Lrs::of(
            Hub::start(&Options {
                storage,
                ..Options::new("me", "secret")
            })
            .unwrap(),
        )
    };
    let (one, two) = (id(), id());
    let first = start();
    first.stored(&statement(&one));
    let text = first.get(&[("statementId", &one)]).text();
    first.hub.shutdown().unwrap();

    let second = start();
    assert_eq!(second.get(&[("statementId", &one)]).text(), text);
    second.stored(&json!([statement(&one), statement(&two)]));
    assert_eq!(second.ids(&[]), [two, one]);
}

#[test]
fn a_stopped_hub_is_gone_and_its_port_is_free() {
    let lrs = Lrs::start();
    assert_eq!(
        lrs.get(&[]).status,
        200,
        "so that a connection is kept alive"
    );
    let Lrs { hub, .. } = lrs;
    let addr = hub.addr();
    hub.shutdown().unwrap();
    assert!(std::net::TcpStream::connect(addr).is_err());
    let again = Hub::start(&Options {
        addr,
        ..Options::new("me", "secret")
    })
    .unwrap();
    assert_eq!(again.url(), format!("http://{addr}/xAPI"));
}

#[test]
fn a_taken_address_is_an_error() {
    let hub = Hub::start(&Options::new("me", "secret")).unwrap();
    let taken = Hub::start(&Options {
        addr: hub.addr(),
        ..Options::new("me", "secret")
    });
    assert!(
        taken
            .err()
            .unwrap()
            .to_string()
            .contains(&hub.addr().to_string())
    );
}

#[test]
fn options_do_not_show_the_password() {
    assert!(!format!("{:?}", Options::new("me", "secret")).contains("secret"));
}
