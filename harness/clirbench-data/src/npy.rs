//! Vectors that were computed elsewhere: NumPy's `.npy` files.

use std::{
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use half::{f16, slice::HalfFloatSliceExt};

use crate::{
    error::{Error, Kind, Place, Position},
    source,
};

/// A matrix in an `.npy` file, shape `[rows, dim]`, f32 or f16, row-major and little-endian; read
/// from the file piece by piece, never held.
#[derive(Debug)]
pub struct Npy {
    file: File,
    rows: usize,
    dim: usize,
    half: bool,
    /// Where the values begin.
    start: u64,
}

const MAGIC: &[u8] = b"\x93NUMPY";

impl Npy {
    /// Opens a file and checks that it holds such a matrix, whole.
    ///
    /// # Errors
    /// A file that cannot be read, or that holds something else.
    pub fn open(path: &Path) -> Result<Npy, Error> {
        let file = File::open(path).map_err(|e| source::unreadable(path, e))?;
        let (header, start) = header(&file).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
                unlike(path, "it has no .npy header")
            }
            _ => source::unreadable(path, e),
        })?;
        let half = match field(&header, "descr") {
            Some("'<f4'") => false,
            Some("'<f2'") => true,
            other => {
                return Err(unlike(path, &format!("its type is {}", other.unwrap_or("not stated"))));
            }
        };
        if field(&header, "fortran_order") != Some("False") {
            return Err(unlike(path, "its values are in column order"));
        }
        let shape = field(&header, "shape").unwrap_or_default();
        let sizes: Vec<usize> = shape.split(',').filter_map(|size| size.trim().parse().ok()).collect();
        let &[rows, dim] = &sizes[..] else {
            return Err(unlike(path, &format!("its shape is ({shape})")));
        };
        let size = file.metadata().map_err(|e| source::unreadable(path, e))?.len();
        let bytes = rows.checked_mul(dim).and_then(|values| values.checked_mul(if half { 2 } else { 4 }));
        if bytes.and_then(|bytes| start.checked_add(bytes as u64)) != Some(size) {
            return Err(unlike(path, &format!("it has {size} bytes, which are not {rows} x {dim} values")));
        }
        Ok(Npy { file, rows, dim, half, start })
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Length of a row.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Copies `rows` into `out`, row-major, `rows.len() * dim` values.
    ///
    /// # Errors
    /// When the file cannot be read there.
    pub fn read(&self, rows: Range<usize>, out: &mut [f32]) -> io::Result<()> {
        let size = if self.half { 2 } else { 4 };
        let mut bytes = vec![0; out.len() * size];
        self.file.read_exact_at(&mut bytes, self.start + (rows.start * self.dim * size) as u64)?;
        if self.half {
            let halves: Vec<f16> = bytes.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b)).collect();
            halves.convert_to_f32_slice(out);
        } else {
            for (value, &b) in out.iter_mut().zip(bytes.as_chunks().0) {
                *value = f32::from_le_bytes(b);
            }
        }
        Ok(())
    }
}

/// The header's text, a Python dictionary, and where it ends.
fn header(file: &File) -> io::Result<(String, u64)> {
    let mut fixed = [0; 12];
    file.read_exact_at(&mut fixed, 0)?;
    if !fixed.starts_with(MAGIC) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // Version 1 has two bytes for the length of the header, later ones four.
    let (start, len) = match fixed[6] {
        1 => (10, u32::from(u16::from_le_bytes([fixed[8], fixed[9]]))),
        _ => (12, u32::from_le_bytes([fixed[8], fixed[9], fixed[10], fixed[11]])),
    };
    if u64::from(len) > file.metadata()?.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut text = vec![0; len as usize];
    file.read_exact_at(&mut text, start)?;
    let text = String::from_utf8(text).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok((text, start + u64::from(len)))
}

/// A value of `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, without parentheses.
fn field<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("'{name}':"))?;
    let rest = rest.trim_start();
    match rest.strip_prefix('(') {
        Some(tuple) => tuple.split_once(')').map(|(inside, _)| inside),
        None => rest.split([',', '}']).next().map(str::trim_end),
    }
}

fn unlike(path: &Path, what: &str) -> Error {
    let kind = Kind::Entry {
        what: format!("these are no vectors: {what}"),
        hint: "write them with `numpy.save`, as a C-ordered float32 or float16 array of shape (texts, dim)"
            .to_owned(),
    };
    Error::new(Place::File(PathBuf::from(path), Position::Whole), kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(header: &str, values: &[u8]) -> Vec<u8> {
        let mut bytes = [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
        bytes.extend(values);
        bytes
    }

    fn open(content: &[u8]) -> Result<Npy, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("v.npy");
        std::fs::write(&path, content).expect("written");
        Npy::open(&path).map_err(|e| e.to_string())
    }

    const F32: &str = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }  \n";

    #[test]
    fn rows_are_read_from_where_they_lie() {
        let values: Vec<u8> = (0..6).flat_map(|v| (v as f32 / 4.0).to_le_bytes()).collect();
        let npy32 = open(&npy(F32, &values)).expect("a matrix");
        let mut out = [9.0; 4];
        npy32.read(1..3, &mut out).expect("read");
        assert_eq!((npy32.rows(), npy32.dim(), out), (3, 2, [0.5, 0.75, 1.0, 1.25]));
        let halves: Vec<u8> = (0..6).flat_map(|v| f16::from_f32(v as f32 / 4.0).to_le_bytes()).collect();
        // Version 2, as numpy writes for long headers.
        let header = F32.replace("f4", "f2");
        let length = (header.len() as u32).to_le_bytes();
        let bytes = [MAGIC, &[2, 0], &length, header.as_bytes(), &halves].concat();
        out = [9.0; 4];
        open(&bytes).expect("a matrix").read(0..2, &mut out).expect("read");
        assert_eq!(out, [0.0, 0.25, 0.5, 0.75]);
    }

    #[test]
    fn what_is_no_matrix_of_floats_is_refused() {
        let values = [0; 24];
        for (content, part) in [
            (b"PK\x03\x04 and so on".to_vec(), "no .npy header"),
            (b"\x93NUM".to_vec(), "no .npy header"),
            (npy(&F32.replace("<f4", "<f8"), &values), "its type is '<f8'"),
            (npy(&F32.replace("False", "True"), &values), "in column order"),
            (npy(&F32.replace("(3, 2)", "(6,)"), &values), "its shape is (6,)"),
            (npy(F32, &values[..20]), "not 3 x 2 values"),
            (npy(&F32.replace("(3, 2)", "(4294967296, 4294967296)"), &values), "not 4294967296 x"),
        ] {
            let error = open(&content).expect_err(part);
            assert!(
                error.contains(part) && error.contains("v.npy: ") && error.contains("numpy.save"),
                "{error}"
            );
        }
    }
}
