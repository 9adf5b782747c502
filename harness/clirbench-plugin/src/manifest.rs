//! Writes the manifest's JSON at compile time, so that it can lie in a section of the library.

use clirbench_abi::{ABI_VERSION, MAGIC, MANIFEST_HEADER, RUSTC, TARGET};

/// What `export_plugin!` knows about the plugin.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct ManifestSource {
    /// Plugin id.
    pub id: &'static str,
    /// Version of the crate.
    pub version: &'static str,
    /// SPDX expression.
    pub licence: &'static str,
    /// One line.
    pub description: &'static str,
    /// The interfaces.
    pub interfaces: &'static [InterfaceSource],
}

/// One interface of a [`ManifestSource`].
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct InterfaceSource {
    /// Interface id.
    pub id: &'static str,
    /// JSON schema as text, put into the manifest as it is.
    pub schema: &'static str,
    /// Glob patterns.
    pub detects: &'static [&'static str],
}

/// The schema of an interface that has no options.
const NO_OPTIONS: &str = r#"{"type":"object","additionalProperties":false}"#;

impl InterfaceSource {
    pub(crate) const fn new(id: &'static str) -> Self {
        InterfaceSource { id, schema: NO_OPTIONS, detects: &[] }
    }

    /// With the schema of its config.
    #[must_use]
    pub const fn with_schema(mut self, schema: &'static str) -> Self {
        self.schema = schema;
        self
    }

    /// With the files that it recognises.
    #[must_use]
    pub const fn with_detects(mut self, patterns: &'static [&'static str]) -> Self {
        self.detects = patterns;
        self
    }
}

impl ManifestSource {
    /// Length of the record: header and JSON.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a record has a header at least")]
    pub const fn len(&self) -> usize {
        self.write(Writer::<0>::new()).at
    }

    /// The record. `N` is [`ManifestSource::len`].
    #[must_use]
    pub const fn record<const N: usize>(&self) -> [u8; N] {
        let mut bytes = self.write(Writer::<N>::new()).bytes;
        let mut i = 0;
        while i < MAGIC.len() {
            bytes[i] = MAGIC[i];
            i += 1;
        }
        let length = ((N - MANIFEST_HEADER) as u32).to_le_bytes();
        while i < MANIFEST_HEADER {
            bytes[i] = length[i - MAGIC.len()];
            i += 1;
        }
        bytes
    }

    const fn write<const N: usize>(&self, mut w: Writer<N>) -> Writer<N> {
        w.at = MANIFEST_HEADER;
        w.raw("{\"id\":");
        w.string(self.id);
        w.raw(",\"version\":");
        w.string(self.version);
        w.raw(",\"licence\":");
        w.string(self.licence);
        w.raw(",\"description\":");
        w.string(self.description);
        w.raw(",\"interfaces\":[");
        let mut i = 0;
        while i < self.interfaces.len() {
            if i > 0 {
                w.raw(",");
            }
            w.interface(&self.interfaces[i]);
            i += 1;
        }
        w.raw("],\"abi\":");
        w.string(ABI_VERSION);
        w.raw(",\"target\":");
        w.string(TARGET);
        w.raw(",\"rustc\":");
        w.string(RUSTC);
        w.raw("}");
        w
    }
}

/// The JSON of a record, for the code's own word on the manifest.
#[must_use]
pub fn json(record: &'static [u8]) -> String {
    String::from_utf8_lossy(record.get(MANIFEST_HEADER..).unwrap_or_default()).into_owned()
}

/// Bytes written so far; with `N` = 0 it only counts.
struct Writer<const N: usize> {
    bytes: [u8; N],
    at: usize,
}

impl<const N: usize> Writer<N> {
    const fn new() -> Self {
        Writer { bytes: [0; N], at: 0 }
    }

    const fn byte(&mut self, byte: u8) {
        if self.at < N {
            self.bytes[self.at] = byte;
        }
        self.at += 1;
    }

    const fn raw(&mut self, text: &str) {
        let text = text.as_bytes();
        let mut i = 0;
        while i < text.len() {
            self.byte(text[i]);
            i += 1;
        }
    }

    /// A JSON string. Control characters become `\u00XX`; UTF-8 stays as it is.
    const fn string(&mut self, text: &str) {
        self.byte(b'"');
        let text = text.as_bytes();
        let mut i = 0;
        while i < text.len() {
            match text[i] {
                b @ (b'"' | b'\\') => {
                    self.byte(b'\\');
                    self.byte(b);
                }
                b @ 0..=0x1f => {
                    self.raw("\\u00");
                    self.byte(b"0123456789abcdef"[(b >> 4) as usize]);
                    self.byte(b"0123456789abcdef"[(b & 15) as usize]);
                }
                b => self.byte(b),
            }
            i += 1;
        }
        self.byte(b'"');
    }

    const fn interface(&mut self, interface: &InterfaceSource) {
        self.raw("{\"id\":");
        self.string(interface.id);
        self.raw(",\"schema\":");
        self.raw(interface.schema);
        self.raw(",\"detects\":[");
        let mut i = 0;
        while i < interface.detects.len() {
            if i > 0 {
                self.raw(",");
            }
            self.string(interface.detects[i]);
            i += 1;
        }
        self.raw("]}");
    }
}

#[cfg(test)]
mod tests {
    use clirbench_abi::manifest_records;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_record_reads_back_with_every_character() {
        const SOURCE: ManifestSource = ManifestSource {
            id: "encoder-x",
            version: "1.2.3",
            licence: "MIT OR Apache-2.0",
            description: "quotes \" and \\, a\ttab, 한국어",
            interfaces: &[
                InterfaceSource::new("encoder/1")
                    .with_schema(r#"{"type":"string"}"#)
                    .with_detects(&["a/*.x", "b"]),
                InterfaceSource::new("scenario/1"),
            ],
        };
        static RECORD: [u8; SOURCE.len()] = SOURCE.record();
        let records = manifest_records(&RECORD).expect("whole records");
        assert_eq!(records, [super::json(&RECORD).as_bytes()]);
        let manifest: Value = serde_json::from_slice(records[0]).expect("JSON");
        assert!(RUSTC.starts_with("rustc "), "{RUSTC}");
        let expected = json!({
            "id": "encoder-x",
            "version": "1.2.3",
            "licence": "MIT OR Apache-2.0",
            "description": SOURCE.description,
            "interfaces": [
                {"id": "encoder/1", "schema": {"type": "string"}, "detects": ["a/*.x", "b"]},
                {"id": "scenario/1", "schema": {"type": "object", "additionalProperties": false}, "detects": []},
            ],
            "abi": ABI_VERSION,
            "target": TARGET,
            "rustc": RUSTC,
        });
        assert_eq!(manifest, expected);
    }
}
