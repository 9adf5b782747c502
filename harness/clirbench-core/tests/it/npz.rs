//! A reader of uncompressed `.npz` files: a zip of stored `.npy` members, little-endian.

use std::{collections::HashMap, path::Path};

/// One array, row-major.
pub(crate) struct Array {
    /// NumPy's type code: `|i1`, `<i2`, `<i4`.
    dtype: String,
    pub(crate) shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Array {
    /// All values; integers of up to four bytes.
    pub(crate) fn integers(&self) -> Vec<i32> {
        let width = match self.dtype.as_str() {
            "|i1" => 1,
            "<i2" => 2,
            "<i4" => 4,
            other => panic!("array of {other} where integers are expected"),
        };
        let sign_extended = |bytes: &[u8]| {
            let mut wide = [0; 4];
            wide[4 - width..].copy_from_slice(bytes);
            i32::from_le_bytes(wide) >> (8 * (4 - width))
        };
        self.bytes.chunks_exact(width).map(sign_extended).collect()
    }
}

/// Arrays by name, without the `.npy`.
pub(crate) fn read(path: &Path) -> HashMap<String, Array> {
    let zip = std::fs::read(path).expect("readable");
    let u16_at = |at: usize| usize::from(u16::from_le_bytes([zip[at], zip[at + 1]]));
    let u32_at = |at: usize| u16_at(at) | u16_at(at + 2) << 16;
    let end = zip.windows(4).rposition(|w| w == b"PK\x05\x06").expect("a zip file");
    let mut entry = u32_at(end + 16);
    let mut arrays = HashMap::new();
    for _ in 0..u16_at(end + 10) {
        assert_eq!(&zip[entry..entry + 4], b"PK\x01\x02", "central directory");
        assert_eq!(u16_at(entry + 10), 0, "stored, not compressed");
        let (size, name_len) = (u32_at(entry + 24), u16_at(entry + 28));
        let name = std::str::from_utf8(&zip[entry + 46..entry + 46 + name_len]).expect("UTF-8 name");
        let local = u32_at(entry + 42);
        let data = local + 30 + u16_at(local + 26) + u16_at(local + 28);
        arrays.insert(name.trim_end_matches(".npy").to_owned(), npy(&zip[data..data + size]));
        entry += 46 + name_len + u16_at(entry + 30) + u16_at(entry + 32);
    }
    arrays
}

fn npy(file: &[u8]) -> Array {
    assert_eq!(&file[..8], b"\x93NUMPY\x01\x00", "format version 1.0");
    let header_end = 10 + usize::from(u16::from_le_bytes([file[8], file[9]]));
    let header = std::str::from_utf8(&file[10..header_end]).expect("ASCII header");
    let after = |key: &str| header.split_once(key).expect("key in header").1;
    assert!(after("'fortran_order': ").starts_with("False"), "{header}");
    let dtype = after("'descr': '").split('\'').next().expect("a type").to_owned();
    let shape = after("'shape': (").split(')').next().expect("a tuple");
    let shape = shape.split(',').map(str::trim).filter(|n| !n.is_empty());
    Array {
        dtype,
        shape: shape.map(|n| n.parse().expect("a length")).collect(),
        bytes: file[header_end..].to_vec(),
    }
}
