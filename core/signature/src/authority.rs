//! Whether a certificate is one of an authority, which may make others (RFC 5280, 4.2.1.3 and 4.2.1.9).

use crate::der::{BIT_STRING, BOOLEAN, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, Values};

/// OID 2.5.29.19, `basicConstraints`.
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
/// OID 2.5.29.15, `keyUsage`.
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
/// Bit of `keyCertSign` in the first octet of a key usage.
const SIGNS_CERTIFICATES: u8 = 0x04;

/// What a certificate of an authority may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Authority {
    /// Most authorities between it and a signer; `None` where it says none.
    pub(crate) most_between: Option<usize>,
}

impl Authority {
    /// Reads it from a certificate's extensions; `None` where they do not say that it is one. A certificate of version 1 has
    /// none, and whoever has a key can make one.
    pub(crate) fn of(mut extensions: Values<'_>) -> Option<Self> {
        let mut found = None;
        while let Some(mut extension) = extensions.enter(SEQUENCE) {
            let id = extension.take(OBJECT_IDENTIFIER)?;
            let _is_critical = extension.take(BOOLEAN);
            let mut value = Values(extension.take(OCTET_STRING)?);
            match id {
                BASIC_CONSTRAINTS => {
                    let mut constraints = value.enter(SEQUENCE)?;
                    let is_authority = constraints.take(BOOLEAN)? != [0];
                    let most_between = match constraints.take(INTEGER) {
                        // A longer one is longer than any chain that is read.
                        Some([number]) if *number < 0x80 => Some(usize::from(*number)),
                        _ => None,
                    };
                    found = is_authority.then_some(Self { most_between });
                }
                KEY_USAGE => {
                    let bits = value.take(BIT_STRING)?;
                    if bits
                        .get(1)
                        .is_none_or(|bits| bits & SIGNS_CERTIFICATES == 0)
                    {
                        return None;
                    }
                }
                _ => {}
            }
        }
        found
    }
}
