//! Reads the arrays of an uncompressed `.npz` file.

use std::collections::BTreeMap;
use std::path::Path;

/// f32 matrices by name; panics on anything else, as befits a test.
pub(crate) fn read(path: &Path) -> BTreeMap<String, Vec<Vec<f32>>> {
    let bytes = std::fs::read(path).expect("the golden file");
    let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]) as usize;
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes")) as usize;
    // The central directory knows the sizes; local headers may not.
    let end =
        (0..=bytes.len() - 22).rev().find(|at| &bytes[*at..at + 4] == b"PK\x05\x06").expect("a zip file");
    let (entries, mut at) = (u16_at(end + 10), u32_at(end + 16));
    let mut arrays = BTreeMap::new();
    for _ in 0..entries {
        assert_eq!(u16_at(at + 10), 0, "members are stored, not compressed");
        let (size, name_length, local) = (u32_at(at + 24), u16_at(at + 28), u32_at(at + 42));
        let name = std::str::from_utf8(&bytes[at + 46..][..name_length]).expect("a name");
        let start = local + 30 + u16_at(local + 26) + u16_at(local + 28);
        arrays.insert(name.trim_end_matches(".npy").to_owned(), matrix(&bytes[start..start + size]));
        at += 46 + name_length + u16_at(at + 30) + u16_at(at + 32);
    }
    arrays
}

fn matrix(npy: &[u8]) -> Vec<Vec<f32>> {
    let header_length = usize::from(u16::from_le_bytes([npy[8], npy[9]]));
    let header = std::str::from_utf8(&npy[10..10 + header_length]).expect("a header");
    assert!(header.contains("'<f4'") && header.contains("'fortran_order': False"), "{header}");
    let shape = header.split("'shape': (").nth(1).and_then(|rest| rest.split(')').next()).expect("a shape");
    let columns: usize = shape.split(',').nth(1).expect("two dimensions").trim().parse().expect("a number");
    let values: Vec<f32> =
        npy[10 + header_length..].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    values.chunks_exact(columns).map(<[f32]>::to_vec).collect()
}
