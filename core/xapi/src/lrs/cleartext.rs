//! Credentials without encryption: refused, except on this device or where the app allows it.

use url::{Host, Url};

use super::endpoint::{Endpoint, InvalidEndpoint};

impl Endpoint {
    /// Tells whether nobody on the way can read what travels: it is encrypted, or does not leave the device
    /// (`localhost` itself and the loopback addresses).
    pub fn is_confidential(&self) -> bool {
        self.is_https() || is_this_device(&self.base)
    }

    /// Refuses to send credentials where they could be read, unless that is allowed. A collector does so itself; call
    /// it before sending requests of your own.
    pub fn check_cleartext(
        &self,
        has_credentials: bool,
        allowed: bool,
    ) -> Result<(), InvalidEndpoint> {
        if has_credentials && !allowed && !self.is_confidential() {
            return Err(InvalidEndpoint::Cleartext);
        }
        Ok(())
    }
}

/// Tells whether a request to this URL stays on this device.
pub fn is_this_device(url: &Url) -> bool {
    match url.host() {
        // Systems ask the network's DNS for names under it, and for the one with a dot at its end.
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}
