//! Media types, as far as needed to see whether two of them contradict each other.

/// A media type in a form in which two can be compared: `type/subtype` and parameters, both in lower case except
/// for the values, whose quotes are removed.
#[derive(Debug, PartialEq, Eq)]
pub struct MediaType<'a> {
    essence: String,
    parameters: Vec<(String, &'a str)>,
}

impl<'a> MediaType<'a> {
    /// Reads the value of a Content-Type.
    pub fn of(text: &'a str) -> Self {
        let mut pieces = text.split(';');
        let essence = pieces.next().unwrap_or_default().trim();
        let parameters = pieces.filter_map(|piece| {
            let (name, value) = piece.split_once('=')?;
            Some((
                name.trim().to_ascii_lowercase(),
                value.trim().trim_matches('"'),
            ))
        });
        Self {
            essence: essence.to_ascii_lowercase(),
            parameters: parameters.collect(),
        }
    }

    /// Tells whether both can describe the same content: the same type, and no parameter with two values.
    pub fn agrees(&self, other: &Self) -> bool {
        self.essence == other.essence
            && self.parameters.iter().all(|(name, value)| {
                let other = other.parameters.iter().find(|(other, _)| other == name);
                other.is_none_or(|(_, other)| other.eq_ignore_ascii_case(value))
            })
    }

    /// Tells whether it is this type, whatever its parameters.
    pub fn is(&self, essence: &str) -> bool {
        self.essence == essence
    }
}

#[cfg(test)]
mod tests {
    use super::MediaType;

    #[test]
    fn only_a_contradiction_is_one() {
        let agree = |one, other| MediaType::of(one).agrees(&MediaType::of(other));
        assert!(agree("text/plain", "Text/Plain"));
        assert!(agree("text/plain; charset=ascii", "text/plain"));
        assert!(agree(
            "text/plain; charset=\"UTF-8\"",
            "text/plain;Charset=utf-8"
        ));
        assert!(!agree(
            "text/plain; charset=ascii",
            "text/plain; charset=utf-8"
        ));
        assert!(!agree("text/plain", "text/html"));
        assert!(!agree("text/plain", ""));
    }
}
