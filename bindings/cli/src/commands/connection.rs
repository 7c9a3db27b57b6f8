//! Connections that fail, in the command's words: what it is and what to do, by what the transport said.

/// Way to give a proxy the user name and the password that it asks for.
pub const LOG_IN_TO_THE_PROXY: &str = "Put user name and password for it before its host, --proxy http://USER:PASSWORD@HOST:PORT (or so in \
     PANNIER_PROXY), or ask who runs it";

/// Sentence on a connection that fails, with `{lrs}` for the LRS, and one on what to do.
pub type Explained = (&'static str, &'static str);

/// Signs in the words of a failure, and its explanation; the first that fits counts.
const BY_WORDS: [(&[&str], Explained); 12] = [
    (
        &["proxy authorization required"],
        (
            "the proxy before {lrs} asks for a user name and a password",
            LOG_IN_TO_THE_PROXY,
        ),
    ),
    (
        &["tunnel error"],
        (
            "the proxy does not connect to {lrs}",
            "Sync again later; if it stays so, ask who runs the proxy to let it through",
        ),
    ),
    (
        &["extra_roots", "UnknownIssuer"],
        (
            UNTRUSTED,
            "It comes from an authority that is not known here: name that authority's certificate with --ca FILE",
        ),
    ),
    (
        &["one of an authority", "CaUsedAsEndEntity"],
        (
            UNTRUSTED,
            "It is the certificate of an authority itself: the server needs one of its own, issued by it",
        ),
    ),
    (
        &["certificate has expired", "certificate: Expired"],
        (
            UNTRUSTED,
            "It has expired: tell who runs the LRS, and check this machine's clock",
        ),
    ),
    (
        &["not valid yet", "NotValidYet"],
        (UNTRUSTED, "It is not valid yet: check this machine's clock"),
    ),
    (
        &["for another name", "NotValidForName"],
        (UNTRUSTED, "It is for another name: check the address"),
    ),
    (
        &["UnsupportedCertVersion"],
        (
            UNTRUSTED,
            "It is of an old version of X.509: tell who runs the LRS to get one of version 3",
        ),
    ),
    (
        &["InvalidContentType"],
        (
            "what listens in the place of {lrs} does not speak TLS",
            "Check the port in the address, and whether it begins with http:// instead of https://",
        ),
    ),
    (
        &[
            "ProtocolVersion",
            "HandshakeFailure",
            "peer is incompatible",
        ],
        (
            "{lrs} speaks no TLS that is safe",
            "Tell who runs it that TLS 1.2 or 1.3 is needed",
        ),
    ),
    (
        &["the host's certificate", "invalid peer certificate"],
        (
            UNTRUSTED,
            "Tell who runs the LRS, and check the address and this machine's clock",
        ),
    ),
    (
        &["no secure connection"],
        (
            "there is no secure connection to {lrs}",
            "Check the address, and tell who runs the LRS, or a proxy before it",
        ),
    ),
];

const UNTRUSTED: &str = "{lrs} has a certificate that is not trusted";

/// Returns the explanation of a connection that could not be made, where its words tell the reason.
pub fn explained(words: &str) -> Option<Explained> {
    let mut all = BY_WORDS.iter();
    let found = all.find(|(signs, _)| signs.iter().any(|sign| words.contains(sign)));
    found.map(|(_, explained)| *explained)
}

/// Returns a sentence of the library with the command's names for its settings.
pub fn in_our_words(sentence: &str) -> String {
    sentence
        .replace("(extra_roots)", "(--ca FILE)")
        .replace("(`proxy`: ", "(--proxy ")
}
