//! Servers that are no LRS, on ports of their own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// Answers whatever is sent first on a connection, and closes it. Returns the host and port.
pub fn stranger(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> String {
    serve(move |mut stream| {
        let mut sent = [0; 8_192];
        // Whoever leaves hears nothing.
        let length = stream.read(&mut sent).unwrap_or(0);
        let _ = stream.write_all(&answer(&sent[..length]));
    })
}

/// Speaks TLS, with a certificate that nobody vouches for. Returns the host and port.
pub fn untrusted() -> String {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let key = own.signing_key.serialize_der().try_into().expect("a key");
    let provider = rustls::crypto::ring::default_provider();
    let config = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("TLS")
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .expect("a certificate with its key");
    let config = Arc::new(config);
    serve(move |mut stream| {
        let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).expect("a connection");
        // Whoever does not trust it leaves.
        let _ = tls.complete_io(&mut stream);
    })
}

fn serve(each: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || listener.incoming().flatten().for_each(each));
    host
}

/// Returns the base URL of an LRS that would be there.
pub fn url(host: &str) -> String {
    format!("http://{host}/xAPI")
}
