//! Keys: BLAKE3 hashes, of bytes or of a value's canonical JSON.

use std::{fmt, io::Read};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A content hash: 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// Hash of bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Key {
        Key(blake3::hash(bytes).to_hex().to_string())
    }

    /// Hash of everything that `reader` yields.
    ///
    /// # Errors
    /// When reading fails.
    pub fn of_reader(reader: impl Read) -> std::io::Result<Key> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(reader)?;
        Ok(Key(hasher.finalize().to_hex().to_string()))
    }

    /// Hash of a value's canonical JSON: maps sorted by key, so the order of fields does not matter.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Key {
        let value = serde_json::to_value(value).expect("plain data always has a JSON form");
        Key::of_bytes(canonical_json(&value).as_bytes())
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits: for people.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// JSON with the keys of every map sorted: equal values give equal bytes.
#[must_use]
pub fn canonical_json(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                Value::Object(entries.into_iter().map(|(k, v)| (k.clone(), sorted(v))).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    sorted(value).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_order_does_not_matter() {
        let a = serde_json::json!({"b": [{"y": 1, "x": 2}], "a": null});
        let b = serde_json::json!({"a": null, "b": [{"x": 2, "y": 1}]});
        assert_eq!(Key::of(&a), Key::of(&b));
        assert_eq!(canonical_json(&a), r#"{"a":null,"b":[{"x":2,"y":1}]}"#);
        assert_ne!(Key::of(&a), Key::of(&serde_json::json!({"a": 0, "b": []})));
    }
}
