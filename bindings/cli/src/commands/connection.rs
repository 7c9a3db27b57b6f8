//! Connections that fail, in the command's words: what it is and what to do, by what the transport said.

use pannier::transport::NoConnection;

/// Way to give a proxy the user name and the password that it asks for.
pub const LOG_IN_TO_THE_PROXY: &str = "Put user name and password for it before its host, --proxy http://USER:PASSWORD@HOST:PORT (or so in \
     PANNIER_PROXY), or ask who runs it";

/// Sentence on a connection that fails, with `{lrs}` for the LRS, and one on what to do.
pub type Explained = (&'static str, &'static str);

const UNTRUSTED: &str = "{lrs} has a certificate that is not trusted";

/// Returns the explanation of a connection that could not be made, where its words tell the reason.
pub fn explained(words: &str) -> Option<Explained> {
    let what_to_do = match NoConnection::told_by(words)? {
        NoConnection::ProxyLogin => {
            return Some((
                "the proxy before {lrs} asks for a user name and a password",
                LOG_IN_TO_THE_PROXY,
            ));
        }
        NoConnection::ProxyRefuses => {
            return Some((
                "the proxy does not connect to {lrs}",
                "Sync again later; if it stays so, ask who runs the proxy to let it through",
            ));
        }
        NoConnection::NotTls => {
            return Some((
                "what listens in the place of {lrs} does not speak TLS",
                "Check the port in the address, and whether it begins with http:// instead of https://",
            ));
        }
        NoConnection::UnsafeTls => {
            return Some((
                "{lrs} speaks no TLS that is safe",
                "Tell who runs it that TLS 1.2 or 1.3 is needed",
            ));
        }
        NoConnection::NoTls => {
            return Some((
                "there is no secure connection to {lrs}",
                "Check the address, and tell who runs the LRS, or a proxy before it",
            ));
        }
        NoConnection::UnknownAuthority => {
            "It comes from an authority that is not known here: name that authority's certificate with --ca FILE"
        }
        NoConnection::AuthorityItself => {
            "It is the certificate of an authority itself: the server needs one of its own, issued by it"
        }
        NoConnection::Expired => {
            "It has expired: tell who runs the LRS, and check this machine's clock"
        }
        NoConnection::NotValidYet => "It is not valid yet: check this machine's clock",
        NoConnection::OtherName => "It is for another name: check the address",
        NoConnection::OldCertificate => {
            "It is of an old version of X.509: tell who runs the LRS to get one of version 3"
        }
        _ => "Tell who runs the LRS, and check the address and this machine's clock",
    };
    Some((UNTRUSTED, what_to_do))
}

/// Returns a sentence of the library with the command's names for its settings.
pub fn in_our_words(sentence: &str) -> String {
    sentence
        .replace("(extra_roots)", "(--ca FILE)")
        .replace("(`proxy`: ", "(--proxy ")
        .replace("(`proxies_from_environment`)", "(--proxy-from-environment)")
        .replace("(`proxy`)", "(--proxy, PANNIER_PROXY)")
}
