//! Requests to an LRS and its answers, as values.
//!
//! Nothing here opens a socket, reads a clock or touches a disk. [`requests`] makes requests, a transport carries them,
//! and [`reading`] reads the answers. What to do about them is decided elsewhere.
//!
//! Sections named "C n" are those of the Communication part of xAPI 1.0.3; "9274 n" are those of
//! IEEE 9274.1.1 (xAPI 2.0.0).

mod answer;
mod ascii;
mod body;
mod cleartext;
mod credentials;
mod endpoint;
mod failure;
pub mod headers;
pub mod multipart;
pub mod reading;
mod request;
pub mod requests;
mod unpack;

pub use answer::Response;
pub use body::{Body, BodyPiece, FilePiece};
pub use cleartext::is_this_device;
pub use credentials::{Authorization, Credentials, InvalidCredentials};
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use failure::TransportError;
pub use reading::{About, Found, NotAnLrs, Posted, Sender, Words};
pub use request::{Method, Request};
pub use unpack::unpack;
