//! Files replaced in one step: a reader sees the old content or the new, never a part.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::error::ReportError;

/// Writes `bytes` to `dir/name` through `dir/.name.partial` and a rename.
///
/// The temporary name is fixed, so what a killed process leaves is overwritten by the next one
/// instead of piling up. A results folder has one writer at a time.
pub(crate) fn replace(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), ReportError> {
    fs::create_dir_all(dir).map_err(|e| ReportError::io("create", dir, e))?;
    let partial = dir.join(format!(".{name}.partial"));
    let path = dir.join(name);
    let write = || {
        let mut file = File::create(&partial)?;
        file.write_all(bytes)?;
        // The rename must not reach the disk before the content does.
        file.sync_all()
    };
    write().map_err(|e| ReportError::io("write", &partial, e))?;
    fs::rename(&partial, &path).map_err(|e| ReportError::io("write", &path, e))
}

/// The whole file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, ReportError> {
    fs::read(path).map_err(|e| ReportError::io("read", path, e))
}

/// The whole file as text; an error where it is not UTF-8.
pub(crate) fn read_text(path: &Path) -> Result<String, ReportError> {
    fs::read_to_string(path).map_err(|e| ReportError::io("read", path, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_left_over_partial_file_is_overwritten_and_gone() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let out = dir.path().join("new/folder");
        fs::create_dir_all(&out).expect("created");
        fs::write(out.join(".a.csv.partial"), "half of a much longer tex").expect("written");
        replace(&out, "a.csv", b"one").expect("written");
        replace(&out, "a.csv", b"two").expect("written");
        let names: Vec<_> =
            fs::read_dir(&out).expect("listed").map(|e| e.expect("entry").file_name()).collect();
        assert_eq!(names, ["a.csv"]);
        assert_eq!(read_text(&out.join("a.csv")).expect("read"), "two");
    }

    #[test]
    fn an_unwritable_place_is_an_error_with_its_path() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::write(dir.path().join("file"), "").expect("written");
        let error = replace(&dir.path().join("file"), "a.csv", b"").expect_err("a file is no folder");
        assert!(error.to_string().starts_with("cannot create "), "{error}");
    }
}
