//! How a manifest lies in the section of a shared object, readable without executing it.

use std::fmt;

/// Name of the section of the shared object that holds the manifest (per object format, since
/// Mach-O wants `__name` and PE images cut names at eight bytes).
pub const SECTION: &str = if cfg!(target_vendor = "apple") {
    "__clirbench"
} else if cfg!(windows) {
    ".clirben"
} else {
    ".clirbench"
};

/// First bytes of a manifest record: `MAGIC`, the length of the JSON (u32, little-endian), JSON.
pub const MAGIC: [u8; 8] = *b"CLIRPLUG";

/// Bytes in front of the JSON of a record.
pub const MANIFEST_HEADER: usize = MAGIC.len() + 4;

/// The JSON texts of every record in a section; the linker may pad between records with zeros.
///
/// # Errors
/// [`SectionError`] when there is none or when one is cut short.
pub fn manifest_records(section: &[u8]) -> Result<Vec<&[u8]>, SectionError> {
    let mut records = Vec::new();
    let mut rest = section;
    while let Some(start) = rest.iter().position(|&b| b != 0) {
        rest = &rest[start..];
        let header = rest.split_first_chunk::<8>().filter(|(magic, _)| **magic == MAGIC);
        let sized = header.and_then(|(_, rest)| rest.split_first_chunk::<4>());
        let record =
            sized.and_then(|(length, rest)| rest.split_at_checked(u32::from_le_bytes(*length) as usize));
        let Some((json, after)) = record else {
            return Err(SectionError("its manifest section is damaged"));
        };
        records.push(json);
        rest = after;
    }
    if records.is_empty() {
        return Err(SectionError("its manifest section is empty"));
    }
    Ok(records)
}

/// A section that holds no whole record; the text finishes the sentence "PATH is refused: ...".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionError(pub &'static str);

impl fmt::Display for SectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for SectionError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: &[u8]) -> Vec<u8> {
        [&MAGIC[..], &(json.len() as u32).to_le_bytes(), json].concat()
    }

    #[test]
    fn records_are_found_between_padding() {
        let section = [vec![0; 5], record(b"{}"), vec![0; 3], record(b"[1]"), vec![0; 8]].concat();
        assert_eq!(manifest_records(&section), Ok(vec![&b"{}"[..], b"[1]"]));
    }

    #[test]
    fn a_record_cut_short_and_foreign_bytes_are_errors() {
        let whole = record(b"{\"id\":\"x\"}");
        for end in 1..whole.len() {
            assert_eq!(manifest_records(&whole[..end]), Err(SectionError("its manifest section is damaged")));
        }
        assert!(manifest_records(b"something else altogether").is_err());
        assert_eq!(manifest_records(&[0; 16]), Err(SectionError("its manifest section is empty")));
    }
}
