//! The base URL of an LRS.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use url::{ParseError, Url};

/// The base URL of an LRS, such as `https://lrs.example/xAPI`; resources are found below it.
///
/// A slash at its end makes no difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Base URL, whose path ends in a slash, so that joining a name appends it.
    pub(super) base: Url,
}

/// Reason why a text cannot be an endpoint. Never repeats the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidEndpoint {
    /// Not a URL at all.
    #[error("the endpoint is not a URL; give one such as https://lrs.example/xAPI ({0})")]
    NotAUrl(ParseError),
    /// A host whose name is not ASCII. The library for apps carries no tables of the world's scripts.
    #[error(
        "the host of the endpoint must be ASCII; give its other name, such as xn--mnchen-3ya.example"
    )]
    NotAscii,
    /// A scheme that is not HTTP.
    #[error("the endpoint must begin with https:// or http://")]
    NotHttp,
    /// A user name or password before the host.
    #[error("the endpoint must not hold a user name or password; set them as credentials")]
    HoldsCredentials,
    /// A query or a fragment.
    #[error("the endpoint must end with its path; remove everything from the ? or # on")]
    HoldsQuery,
    /// Credentials that everybody on the way could read.
    #[error(
        "the endpoint begins with http://, and everybody on the way could read the credentials: give its https:// address, or say that the network is closed (`allow_cleartext`)"
    )]
    Cleartext,
    /// The Statement resource in place of the base.
    #[error("the endpoint must be the base URL; remove /statements at its end")]
    IsStatements,
}

impl Endpoint {
    /// Reads a base URL.
    pub fn parse(text: &str) -> Result<Self, InvalidEndpoint> {
        let mut base = Url::parse(text.trim()).map_err(|error| match error {
            ParseError::IdnaError if !text.is_ascii() => InvalidEndpoint::NotAscii,
            error => InvalidEndpoint::NotAUrl(error),
        })?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(InvalidEndpoint::NotHttp);
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(InvalidEndpoint::HoldsCredentials);
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(InvalidEndpoint::HoldsQuery);
        }
        let path = base.path().trim_end_matches('/').to_owned();
        if path.rsplit('/').next() == Some("statements") {
            return Err(InvalidEndpoint::IsStatements);
        }
        base.set_path(&format!("{path}/"));
        Ok(Self { base })
    }

    /// Returns the base URL without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Tells whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Tells whether scheme, host and port are the same: credentials for one are for the other too.
    pub fn shares_origin(&self, other: &Self) -> bool {
        self.base.origin() == other.base.origin()
    }

    /// Returns the URL of a resource, `statements` or `about`.
    pub(super) fn resource(&self, name: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{name}", self.base.path()));
        url
    }

    /// Resolves a `more` link or another reference of an answer, relative or absolute, against
    /// this endpoint (a relative `more` counts from the origin: xAPI 1.0.3 Data 2.5). `None` when
    /// it is no URL or leads to another origin, where the credentials must not be sent.
    pub fn same_origin(&self, reference: &str) -> Option<String> {
        let url = self.base.join(reference).ok()?;
        let bare = url.username().is_empty() && url.password().is_none();
        (url.origin() == self.base.origin() && bare).then(|| url.into())
    }

    /// Tells whether a reference leads to the host of this endpoint, on whatever port and scheme. A redirect
    /// that does means a wrong endpoint; one that does not, a captive portal.
    pub(super) fn same_host(&self, reference: &str) -> bool {
        self.base
            .join(reference)
            .is_ok_and(|url| url.host() == self.base.host())
    }

    /// Returns a reference of an answer as an absolute URL without query, fragment and credentials, for people to read.
    pub(super) fn show(&self, reference: &str) -> Option<String> {
        let mut url = self.base.join(reference).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        Some(url.into())
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint::parse("https://lrs.example/data/xAPI").expect("a good endpoint")
    }

    #[test]
    fn a_slash_at_the_end_makes_no_difference() {
        for text in [
            "https://lrs.example/data/xAPI/",
            " https://LRS.example:443/data/xAPI//\n",
        ] {
            let same = Endpoint::parse(text).expect("a good endpoint");
            assert_eq!(same, endpoint());
            assert_eq!(same.to_string(), "https://lrs.example/data/xAPI");
        }
        assert_eq!(
            endpoint().resource("statements").as_str(),
            "https://lrs.example/data/xAPI/statements"
        );
    }

    #[test]
    fn what_leaves_the_device_unencrypted_is_told_from_what_does_not() {
        for (text, confidential) in [
            ("https://lrs.example/xAPI", true),
            ("http://127.0.0.1:8080/xAPI", true),
            ("http://127.8.9.1/xAPI", true),
            ("http://[::1]:8080/xAPI", true),
            ("http://[::ffff:127.0.0.1]/xAPI", true),
            ("http://LocalHost/xAPI", true),
            ("http://localhost./xAPI", false),
            ("http://lrs.localhost/xAPI", false),
            ("http://lrs.example/xAPI", false),
            ("http://192.168.0.7/xAPI", false),
            ("http://localhost.example/xAPI", false),
            ("http://notlocalhost/xAPI", false),
            ("http://[fe80::1]/xAPI", false),
        ] {
            let endpoint = Endpoint::parse(text).expect("a good endpoint");
            assert_eq!(endpoint.is_confidential(), confidential, "{text}");
        }
    }

    #[test]
    fn an_lrs_may_live_at_the_root() {
        let root = Endpoint::parse("http://127.0.0.1:3000").expect("a good endpoint");
        assert_eq!(root.as_str(), "http://127.0.0.1:3000");
        assert_eq!(
            root.resource("about").as_str(),
            "http://127.0.0.1:3000/about"
        );
    }

    #[test]
    fn a_host_may_have_an_ascii_name_for_one_that_is_not() {
        let text = "https://xn--mnchen-3ya.example/xAPI";
        assert_eq!(
            Endpoint::parse(text).expect("a good endpoint").as_str(),
            text
        );
    }

    #[test]
    fn refuses_what_cannot_be_a_base_and_says_why() {
        for (text, why) in [
            ("lrs.example/xAPI", "not a URL"),
            ("ftp://lrs.example/xAPI", "https://"),
            ("https://münchen.example/xAPI", "xn--"),
            ("file:///xAPI", "https://"),
            (
                "https://ada:secret@lrs.example/xAPI",
                "set them as credentials",
            ),
            ("https://lrs.example/xAPI?tenant=4", "from the ?"),
            ("https://lrs.example/xAPI#top", "from the ?"),
            ("https://lrs.example/xAPI/statements/", "remove /statements"),
        ] {
            let said = Endpoint::parse(text).expect_err(text).to_string();
            assert!(said.contains(why), "{text}: {said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn links_stay_within_the_origin() {
        let here = endpoint();
        for (link, whole) in [
            (
                "/xapi/more?token=1",
                "https://lrs.example/xapi/more?token=1",
            ),
            (
                "https://lrs.example/xAPI/statements?from=2",
                "https://lrs.example/xAPI/statements?from=2",
            ),
            ("https://LRS.example:443/a", "https://lrs.example/a"),
        ] {
            assert_eq!(here.same_origin(link).as_deref(), Some(whole));
        }
        for elsewhere in [
            "http://lrs.example/xAPI",
            "https://lrs.example:444/xAPI",
            "//portal.example/xAPI",
            "https://lrs.example.evil/xAPI",
            "https://ada@lrs.example/xAPI",
            "javascript:alert(1)",
            "https://",
        ] {
            assert_eq!(here.same_origin(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn a_redirect_to_the_same_host_is_told_from_one_to_a_portal() {
        let here = endpoint();
        assert!(here.same_host("http://lrs.example/elsewhere"));
        assert!(here.same_host("/login"));
        assert!(!here.same_host("http://portal.example/?to=lrs.example"));
        assert_eq!(
            here.show("//portal.example/login?session=secret#x")
                .as_deref(),
            Some("https://portal.example/login")
        );
    }
}
