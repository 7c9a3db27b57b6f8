//! What stands between the device and the LRS for a while, and passes.

use pannier::lrs::{Method, Request, Response};

use crate::sim::lrs::answer;

/// The state of things for every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// All is well.
    Fine,
    /// No network.
    Offline,
    /// A captive portal that redirects to its login page.
    PortalRedirects,
    /// A captive portal that shows its login page.
    PortalShows,
    /// A captive portal or a connectivity check that answers 204 to everything.
    PortalNoContent,
    /// A captive portal that says what it is (511).
    PortalSays,
    /// The LRS hangs and never answers.
    Hangs,
    /// A byte a second.
    Trickles,
    /// A gateway gives up before the LRS, which stores (502).
    Gateway502,
    /// The same (504).
    Gateway504,
    /// The LRS is down (500).
    Down,
    /// It is being serviced (503).
    Serviced,
    /// A broken deployment: nothing is found (404).
    Undeployed,
    /// Something in front of it refuses everything (400).
    Refuses,
    /// The same (403).
    Forbids,
    /// It may be read, and refuses whatever is sent (403).
    ReadOnly,
    /// It may be read, and refuses whatever is sent (400).
    ReadOnly400,
}

impl Weather {
    /// All of it but the fine.
    pub const BAD: &'static [Self] = &[
        Self::Offline,
        Self::Offline,
        Self::PortalRedirects,
        Self::PortalShows,
        Self::PortalNoContent,
        Self::PortalSays,
        Self::Hangs,
        Self::Trickles,
        Self::Gateway502,
        Self::Gateway504,
        Self::Down,
        Self::Serviced,
        Self::Undeployed,
        Self::Refuses,
        Self::Forbids,
        Self::ReadOnly,
        Self::ReadOnly400,
    ];

    /// Answers as an LRS does to a bad statement. Where this comes or goes within a session, between
    /// a statement and the next one, nothing tells it from a bad statement.
    pub fn looks_like_a_refusal(self) -> bool {
        matches!(
            self,
            Self::Refuses | Self::Forbids | Self::ReadOnly | Self::ReadOnly400
        )
    }

    /// Its name among the faults.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "weather: fine",
            Self::Offline => "weather: no network",
            Self::PortalRedirects => "weather: portal, 302",
            Self::PortalShows => "weather: portal, 200 and a page",
            Self::PortalNoContent => "weather: portal, 204",
            Self::PortalSays => "weather: portal, 511",
            Self::Hangs => "weather: the LRS hangs",
            Self::Trickles => "weather: a byte a second",
            Self::Gateway502 => "weather: 502 after storing",
            Self::Gateway504 => "weather: 504 after storing",
            Self::Down => "weather: 500 to everything",
            Self::Serviced => "weather: 503, Retry-After",
            Self::Undeployed => "weather: 404 to everything",
            Self::Refuses => "weather: 400 to everything",
            Self::Forbids => "weather: 403 to everything",
            Self::ReadOnly => "weather: 403 to every POST",
            Self::ReadOnly400 => "weather: 400 to every POST",
        }
    }

    /// What answers in the place of the LRS, if something does.
    pub fn answers(self, request: &Request) -> Option<Response> {
        let is_post = request.method == Method::Post;
        let page = |status: u16| Response {
            status,
            headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
            body: b"<html><title>Log in to the WiFi</title></html>".to_vec(),
            cut: false,
        };
        let with = |mut answer: Response, name: &str, value: &str| {
            answer.headers.push((name.to_owned(), value.to_owned()));
            answer
        };
        Some(match self {
            // Its clock was never set.
            Self::PortalRedirects => with(
                with(page(302), "Location", "http://portal.example/login"),
                "Date",
                "Sun, 01 Nov 2026 00:00:10 GMT",
            ),
            Self::PortalShows => with(page(200), "Date", "Fri, 18 Feb 2028 10:00:00 GMT"),
            Self::PortalNoContent => Response {
                status: 204,
                headers: Vec::new(),
                body: Vec::new(),
                cut: false,
            },
            Self::PortalSays => page(511),
            Self::Down => answer(500, "Internal Server Error"),
            Self::Serviced => with(answer(503, "back soon"), "Retry-After", "90"),
            Self::Undeployed => answer(404, "no such application"),
            Self::Refuses => answer(400, "Bad Request"),
            Self::Forbids => answer(403, "Forbidden"),
            Self::ReadOnly if is_post => answer(403, "read only"),
            Self::ReadOnly400 if is_post => answer(400, "read only"),
            _ => return None,
        })
    }
}
