//! A reader of uncompressed `.npz` files of f64 or f32: a zip of stored `.npy` members, little-endian.

use std::collections::HashMap;
use std::path::Path;

/// One array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// All elements.
    pub values: Vec<f64>,
}

/// Arrays by name, without the `.npy`.
///
/// # Panics
/// If the file cannot be read, is no zip of stored members, or holds an array that is neither of f64
/// nor of f32, or not in row-major order.
#[must_use]
pub fn read(path: &Path) -> HashMap<String, Array> {
    let zip = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let u16_at = |at: usize| usize::from(u16::from_le_bytes([zip[at], zip[at + 1]]));
    let u32_at = |at: usize| u16_at(at) | u16_at(at + 2) << 16;
    let end = zip.windows(4).rposition(|w| w == b"PK\x05\x06").expect("a zip file has a central directory");
    let mut entry = u32_at(end + 16);
    let mut arrays = HashMap::new();
    for _ in 0..u16_at(end + 10) {
        assert_eq!(&zip[entry..entry + 4], b"PK\x01\x02", "central directory");
        assert_eq!(u16_at(entry + 10), 0, "stored, not compressed");
        let (size, name_len) = (u32_at(entry + 24), u16_at(entry + 28));
        let name = String::from_utf8_lossy(&zip[entry + 46..entry + 46 + name_len]);
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
    let header = String::from_utf8_lossy(&file[10..header_end]);
    assert!(header.contains("'fortran_order': False"), "{header}");
    let (_, shape) = header.split_once("'shape': (").expect("format 1.0 names the shape");
    let shape = shape.split(')').next().into_iter().flat_map(|axes| axes.split(','));
    let shape: Vec<usize> = shape.filter_map(|length| length.trim().parse().ok()).collect();
    let data = &file[header_end..];
    let values: Vec<f64> = if header.contains("'descr': '<f8'") {
        data.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect()
    } else {
        assert!(header.contains("'descr': '<f4'"), "{header}");
        data.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b).into()).collect()
    };
    assert_eq!(values.len(), shape.iter().product::<usize>(), "{header}");
    Array { shape, values }
}
