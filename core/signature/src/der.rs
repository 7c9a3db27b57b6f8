//! Values in DER (X.690), as far as a certificate needs them: one after the other, each a tag and a content.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// Tags `[0]` and `[3]` around another value.
pub(crate) const CONTEXT_0: u8 = 0xa0;
pub(crate) const CONTEXT_3: u8 = 0xa3;

/// Values that follow each other.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a>(pub(crate) &'a [u8]);

impl<'a> Values<'a> {
    /// Returns the tag and the content of the next value.
    pub(crate) fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let [tag, length, rest @ ..] = self.0 else {
            return None;
        };
        let (length, rest) = match *length {
            short if short < 0x80 => (usize::from(short), rest),
            // At most three octets of length: sixteen megabytes are enough for a certificate.
            long @ 0x81..=0x83 => {
                let (length, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                let length = length
                    .iter()
                    .fold(0, |length, octet| length << 8 | usize::from(*octet));
                (length, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }

    /// Returns the content of the next value if it has this tag, and else leaves it.
    pub(crate) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let before = *self;
        match self.next() {
            Some((found, content)) if found == tag => Some(content),
            _ => {
                *self = before;
                None
            }
        }
    }

    /// Returns the values inside the next one if it has this tag.
    pub(crate) fn enter(&mut self, tag: u8) -> Option<Self> {
        self.take(tag).map(Self)
    }
}
