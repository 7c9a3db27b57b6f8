//! Reasons why a TLS handshake failed, in words that say what to do.

use std::error::Error;

use rustls::CertificateError;

/// Returns the reason, if it is TLS that failed.
pub(super) fn broken(error: &(dyn Error + 'static)) -> Option<String> {
    let mut error = Some(error);
    while let Some(here) = error {
        if let Some(tls) = here.downcast_ref::<rustls::Error>() {
            return Some(say(tls));
        }
        error = match here.downcast_ref::<std::io::Error>() {
            // Its `source` leaves out the very error that it wraps.
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => here.source(),
        };
    }
    None
}

fn say(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(why) = error else {
        return error.to_string();
    };
    match why {
        CertificateError::UnknownIssuer => {
            "nobody whom this device trusts vouches for the host's certificate; add the certificate \
             of its authority (extra_roots), and be sure that it is the right host"
                .to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the host's certificate has expired, or this device's clock is ahead".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the host's certificate is not valid yet, or this device's clock is behind".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the host's certificate is for another name; check the host in the endpoint".to_owned()
        }
        CertificateError::Revoked => "the host's certificate was revoked".to_owned(),
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "the host's certificate is one of an authority, which no host may show; it needs one of \
             its own"
                .to_owned()
        }
        other => format!("the host's certificate cannot be trusted ({other})"),
    }
}
