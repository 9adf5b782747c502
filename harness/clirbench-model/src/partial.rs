//! Files and directories that are invisible until they are whole: they are written under a name of
//! their own and renamed at the end, and removed when anything fails before.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use clirbench_plugin::{Error, Result};

/// What went wrong with a file that is written; a full disk is said in so many words.
pub fn write_error(path: &Path, error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::StorageFull || error.kind() == io::ErrorKind::QuotaExceeded {
        return Error::runtime(format!("no space is left for {}", path.display()))
            .hint("free space or choose another place, and run again; nothing half-written stays");
    }
    Error::runtime(format!("cannot write {}: {error}", path.display()))
        .hint("check that the folder exists and may be written to")
}

/// The name beside `target` under which this process writes it. It is hidden: nobody takes it for a model.
fn temporary(target: &Path) -> Result<PathBuf> {
    let name = target.file_name().ok_or_else(|| {
        Error::config(format!("{} names no file or folder", target.display())).hint("give a path with a name")
    })?;
    Ok(target.with_file_name(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id())))
}

/// A file that appears under its name when it is whole.
#[derive(Debug)]
pub struct PartialFile {
    file: Option<File>,
    temporary: PathBuf,
    target: PathBuf,
}

impl PartialFile {
    /// Starts the file; its folder has to exist.
    ///
    /// # Errors
    /// Kind `runtime` when it cannot be created, `config` when `target` names no file.
    pub fn create(target: &Path) -> Result<Self> {
        let temporary = temporary(target)?;
        let file = File::create(&temporary).map_err(|e| write_error(target, &e))?;
        Ok(PartialFile { file: Some(file), temporary, target: target.to_owned() })
    }

    /// Where the file will be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Writes at a position, beyond the end if need be.
    ///
    /// # Errors
    /// Kind `runtime`, with the file's final name.
    pub fn write_at(&mut self, position: u64, bytes: &[u8]) -> Result<()> {
        let written = self.open().seek(SeekFrom::Start(position)).and_then(|_| self.open().write_all(bytes));
        written.map_err(|e| write_error(&self.target, &e))
    }

    /// Flushes to disk and gives the file its name, in place of one that is there.
    ///
    /// # Errors
    /// Kind `runtime`; the file of that name, if there was one, is then as it was.
    pub fn commit(mut self) -> Result<()> {
        let synced = self.open().sync_all();
        // Closed before it is renamed: some systems insist.
        self.file = None;
        synced
            .and_then(|()| fs::rename(&self.temporary, &self.target))
            .map_err(|e| write_error(&self.target, &e))
    }

    fn open(&mut self) -> &mut File {
        self.file.as_mut().expect("a partial file is open until it is committed, which consumes it")
    }
}

impl Write for PartialFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open().flush()
    }
}

impl Seek for PartialFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.open().seek(to)
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        self.file = None;
        // Nothing to remove once it has its name.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// A directory that appears under its name when it is whole.
#[derive(Debug)]
pub struct PartialDirectory {
    temporary: PathBuf,
    target: PathBuf,
    replaces: bool,
}

impl PartialDirectory {
    /// Starts a directory beside `target`, whose parents are made as needed.
    ///
    /// # Errors
    /// Kind `config` when `target` exists and is not an empty directory, `runtime` when nothing can be
    /// written there.
    pub fn create(target: &Path) -> Result<Self> {
        let taken = fs::read_dir(target).map_or(target.exists(), |mut entries| entries.next().is_some());
        if taken {
            return Err(Error::config(format!("{} already exists", target.display()))
                .hint("remove it or choose another folder"));
        }
        Self::start(target, false)
    }

    /// Starts a directory that takes the place of the one at `target`, if there is one, when it is
    /// committed.
    ///
    /// # Errors
    /// Kind `runtime` when nothing can be written there.
    pub fn replacing(target: &Path) -> Result<Self> {
        Self::start(target, true)
    }

    fn start(target: &Path, replaces: bool) -> Result<Self> {
        let temporary = temporary(target)?;
        // Left by a process of the same number that was killed.
        let _ = fs::remove_dir_all(&temporary);
        fs::create_dir_all(&temporary).map_err(|e| write_error(target, &e))?;
        Ok(PartialDirectory { temporary, target: target.to_owned(), replaces })
    }

    /// Where to write for the time being.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Gives the directory its name.
    ///
    /// # Errors
    /// Kind `runtime` when it cannot be renamed, for example because the name was taken meanwhile.
    pub fn commit(self) -> Result<()> {
        if self.target.is_dir() {
            // Without leave to replace it is empty, as it was when we began: anything else is an error.
            let removed =
                if self.replaces { fs::remove_dir_all(&self.target) } else { fs::remove_dir(&self.target) };
            removed.map_err(|e| write_error(&self.target, &e))?;
        }
        fs::rename(&self.temporary, &self.target).map_err(|e| write_error(&self.target, &e))
    }
}

impl Drop for PartialDirectory {
    fn drop(&mut self) {
        // Nothing to remove once it has its name.
        let _ = fs::remove_dir_all(&self.temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        let mut names: Vec<String> =
            entries.map(|e| e.file_name().into_string().expect("a plain name")).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_seen_when_it_is_whole_and_never_in_part() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("a.bin");
        fs::write(&path, b"old").expect("written");
        let mut file = PartialFile::create(&path).expect("created");
        file.write_at(2, b"cd").expect("written");
        file.write_at(0, b"ab").expect("written");
        assert_eq!(fs::read(&path).expect("the old one"), b"old");
        drop(file);
        assert_eq!(
            (names(dir.path()), fs::read(&path).expect("still")),
            (vec!["a.bin".into()], b"old".into())
        );

        let mut file = PartialFile::create(&path).expect("created");
        file.write_all(b"new").expect("written");
        file.commit().expect("committed");
        assert_eq!((names(dir.path()), fs::read(&path).expect("new")), (vec!["a.bin".into()], b"new".into()));
        let error = PartialFile::create(&dir.path().join("none/a.bin")).expect_err("no folder");
        assert!(error.message.contains("a.bin"), "{}", error.message);
    }

    #[test]
    fn a_directory_is_seen_when_it_is_whole_and_replaces_nothing() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let target = dir.path().join("sub/model");
        let partial = PartialDirectory::create(&target).expect("created");
        fs::write(partial.path().join("config.json"), "{}").expect("written");
        assert!(!target.exists());
        drop(partial);
        assert!(names(&dir.path().join("sub")).is_empty());

        let partial = PartialDirectory::create(&target).expect("created");
        fs::write(partial.path().join("config.json"), "{}").expect("written");
        partial.commit().expect("committed");
        assert_eq!(
            (names(&target), names(&dir.path().join("sub"))),
            (vec!["config.json".into()], vec!["model".into()])
        );
        assert_eq!(PartialDirectory::create(&target).expect_err("taken").kind, "config");
    }

    #[test]
    fn a_full_disk_is_said() {
        // Only where the system has a device that is always full.
        let full = Path::new("/dev/full");
        if !full.exists() {
            println!("skipped: there is no /dev/full");
            return;
        }
        let error = File::options().write(true).open(full).and_then(|mut f| f.write_all(b"x"));
        let error = write_error(Path::new("model.safetensors"), &error.expect_err("full"));
        assert_eq!(error.message, "no space is left for model.safetensors");
    }

    #[test]
    fn a_directory_is_replaced_whole_or_stays() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let target = dir.path().join("model");
        fs::create_dir(&target).expect("created");
        fs::write(target.join("old"), "").expect("written");
        assert!(PartialDirectory::create(&target).is_err(), "it is taken");
        drop(PartialDirectory::replacing(&target).expect("started"));
        assert_eq!((names(dir.path()), names(&target)), (vec!["model".to_owned()], vec!["old".to_owned()]));
        let partial = PartialDirectory::replacing(&target).expect("started");
        fs::write(partial.path().join("new"), "").expect("written");
        partial.commit().expect("committed");
        assert_eq!((names(dir.path()), names(&target)), (vec!["model".to_owned()], vec!["new".to_owned()]));
    }
}
