//! JSON objects taken apart and put together again without touching their values.
//!
//! A value that nobody edits keeps its text: a number of thirty digits comes back with thirty digits, and an
//! escaped character escaped. No number is ever parsed here.

use std::ops::ControlFlow;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Change to one member of an object.
pub enum Edit {
    /// It stays as it is.
    Keep,
    /// It is left out.
    Drop,
    /// Its value is replaced by this JSON text.
    Put(String),
}

/// Members of a JSON object in their order, values as text.
#[derive(Default)]
pub struct Members<'a>(pub Vec<(String, &'a str)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    members.push((key, value.get()));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

impl<'a> Members<'a> {
    /// Takes an object apart.
    pub fn of(json: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str(json)
    }

    /// Returns the text of a member's value.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        let (_, value) = self.0.iter().find(|(name, _)| name == key)?;
        Some(value)
    }

    /// Returns a member's value, if it is a string.
    pub fn text(&self, key: &str) -> Option<String> {
        serde_json::from_str(self.get(key)?).ok()
    }
}

/// Returns the elements of a JSON array as text.
pub fn elements(json: &str) -> serde_json::Result<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(json)?;
    Ok(elements.into_iter().map(RawValue::get).collect())
}

/// Visits the elements of a JSON array, with their positions, until the callback says stop.
pub fn visit<'a>(
    json: &'a str,
    look: impl FnMut(usize, &'a str) -> ControlFlow<()>,
) -> serde_json::Result<()> {
    struct Each<F>(F);
    impl<'de, F: FnMut(usize, &'de str) -> ControlFlow<()>> Visitor<'de> for Each<F> {
        type Value = ();

        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            f.write_str("a JSON array")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut array: A) -> Result<(), A::Error> {
            let mut index = 0;
            while let Some(element) = array.next_element::<&RawValue>()? {
                if (self.0)(index, element.get()).is_break() {
                    // The rest is read, so that invalid JSON is recognised.
                    while array.next_element::<IgnoredAny>()?.is_some() {}
                    break;
                }
                index += 1;
            }
            Ok(())
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_seq(Each(look))?;
    deserializer.end()
}

/// Returns an object of these members.
pub fn object<K: AsRef<str>, V: AsRef<str>>(members: impl IntoIterator<Item = (K, V)>) -> String {
    let members = members
        .into_iter()
        .map(|(key, value)| format!("{}:{}", quote(key.as_ref()), value.as_ref()));
    format!("{{{}}}", join(members))
}

/// Returns an array of these elements.
pub fn array<V: AsRef<str>>(elements: impl IntoIterator<Item = V>) -> String {
    format!("[{}]", join(elements))
}

/// Returns a string as JSON.
pub fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns the object with each member kept, dropped or given another value.
pub fn edit(
    json: &str,
    mut change: impl FnMut(&str, &str) -> serde_json::Result<Edit>,
) -> serde_json::Result<String> {
    let mut kept = Vec::new();
    for (key, value) in Members::of(json)?.0 {
        match change(&key, value)? {
            Edit::Keep => kept.push((key, value.to_owned())),
            Edit::Drop => {}
            Edit::Put(other) => kept.push((key, other)),
        }
    }
    Ok(object(kept))
}

/// Returns the array with each element changed.
pub fn each(
    json: &str,
    change: impl FnMut(&str) -> serde_json::Result<String>,
) -> serde_json::Result<String> {
    let changed: Vec<String> = elements(json)?
        .into_iter()
        .map(change)
        .collect::<Result<_, _>>()?;
    Ok(array(changed))
}

fn join<V: AsRef<str>>(parts: impl IntoIterator<Item = V>) -> String {
    let mut all = String::new();
    for part in parts {
        if !all.is_empty() {
            all.push(',');
        }
        all.push_str(part.as_ref());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_text() {
        let json = r#"{"a":12345678901234567890.10,"b":"\u0041","c":{"d" : [1.0,null]}}"#;
        assert_eq!(edit(json, |_, _| Ok(Edit::Keep)).unwrap(), json);
    }

    #[test]
    fn members_are_dropped_and_replaced() {
        let edited = edit(r#"{"a":1,"b":2,"c":3}"#, |key, _| {
            Ok(match key {
                "a" => Edit::Drop,
                "b" => Edit::Put("[2]".into()),
                _ => Edit::Keep,
            })
        });
        assert_eq!(edited.unwrap(), r#"{"b":[2],"c":3}"#);
    }
}
