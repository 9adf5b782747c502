//! JSON lines, row by row: files that need not fit in memory.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Write},
    marker::PhantomData,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{Error, Place, Position},
    json::kind_of,
    source,
};

/// The rows of a file of JSON lines with their line numbers, from 1; blank lines do not count.
/// The path `-` is the standard input.
///
/// Stops after the first error.
pub struct JsonLines<T> {
    path: PathBuf,
    input: Option<Box<dyn BufRead>>,
    bytes: Vec<u8>,
    line: u64,
    /// Whether `bytes` hold a line that no row was made from yet.
    ahead: bool,
    row: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> JsonLines<T> {
    /// Opens a file, or the standard input.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let input: Box<dyn BufRead> = if path == Path::new("-") {
            Box::new(BufReader::new(io::stdin()))
        } else {
            Box::new(BufReader::new(File::open(path).map_err(|e| source::unreadable(path, e))?))
        };
        Ok(JsonLines {
            path: path.to_owned(),
            input: Some(input),
            bytes: Vec::new(),
            line: 0,
            ahead: false,
            row: PhantomData,
        })
    }

    /// The same rows as another type.
    pub(crate) fn of<U>(self) -> JsonLines<U> {
        let JsonLines { path, input, bytes, line, ahead, row: _ } = self;
        JsonLines { path, input, bytes, line, ahead, row: PhantomData }
    }

    /// The bytes of the next row, which stays the next; `None` at the end.
    pub(crate) fn peek(&mut self) -> Result<Option<&[u8]>, Error> {
        self.ahead = self.ahead || self.advance()?;
        Ok(self.ahead.then_some(&self.bytes))
    }

    /// A place in this file.
    pub(crate) fn place(&self, position: Position) -> Place {
        Place::File(self.path.clone(), position)
    }

    /// The next row; unlike the iterator it can be asked for more after a bad one.
    pub(crate) fn read(&mut self) -> Result<Option<(T, u64)>, Error> {
        if !std::mem::take(&mut self.ahead) && !self.advance()? {
            return Ok(None);
        }
        match serde_json::from_slice(&self.bytes) {
            Ok(row) => Ok(Some((row, self.line))),
            Err(e) => {
                let at = Position::Column(self.line, e.column() as u64);
                Err(Error::new(Place::File(self.path.clone(), at), kind_of(&e)))
            }
        }
    }

    /// Reads the next line that is not blank; false at the end.
    fn advance(&mut self) -> Result<bool, Error> {
        let Some(input) = &mut self.input else { return Ok(false) };
        loop {
            self.bytes.clear();
            let read = input.read_until(b'\n', &mut self.bytes);
            if read.map_err(|e| source::unreadable(&self.path, e))? == 0 {
                return Ok(false);
            }
            self.line += 1;
            if self.line == 1 && self.bytes.starts_with("\u{feff}".as_bytes()) {
                self.bytes.drain(.."\u{feff}".len());
            }
            if !self.bytes.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }
}

impl<T: DeserializeOwned> Iterator for JsonLines<T> {
    type Item = Result<(T, u64), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.read();
        if !matches!(row, Ok(Some(_))) {
            self.input = None;
        }
        row.transpose()
    }
}

/// Writes JSON lines: to a file that appears when it is complete, or to the standard output (`-`).
///
/// Dropped before [`finish`](Self::finish), it leaves the file that was there before.
pub struct JsonLinesWriter {
    output: Box<dyn Write>,
    partial: Option<(PathBuf, PathBuf)>,
}

impl JsonLinesWriter {
    /// Opens an output; the folder of a file is created.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        if path == Path::new("-") {
            return Ok(JsonLinesWriter { output: Box::new(BufWriter::new(io::stdout())), partial: None });
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        // A link stays one: what it points at is written.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if fs::metadata(&path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            // A pipe or a device takes rows as they come.
            let output = Box::new(BufWriter::new(File::options().write(true).open(&path)?));
            return Ok(JsonLinesWriter { output, partial: None });
        }
        let name = path.file_name().filter(|_| !path.is_dir()).ok_or(io::ErrorKind::IsADirectory)?;
        let name = format!(".{}.{}.partial", name.to_string_lossy(), std::process::id());
        let partial = path.with_file_name(name);
        // Two outputs of one command must not be one file.
        let file = File::options().write(true).create_new(true).open(&partial)?;
        Ok(JsonLinesWriter { output: Box::new(BufWriter::new(file)), partial: Some((partial, path)) })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// The output refuses it.
    pub fn write(&mut self, row: &impl Serialize) -> io::Result<()> {
        let written = serde_json::to_writer(&mut self.output, row).map_err(io::Error::from);
        let written = written.and_then(|()| self.output.write_all(b"\n"));
        self.heeded(written)
    }

    /// A standard output that nobody reads any more (`| head`) takes the rest in silence.
    fn heeded(&mut self, written: io::Result<()>) -> io::Result<()> {
        match written {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe && self.partial.is_none() => {
                self.output = Box::new(io::sink());
                Ok(())
            }
            other => other,
        }
    }

    /// Makes the file visible under its name.
    ///
    /// # Errors
    /// What was buffered cannot be written, or the file cannot be renamed.
    pub fn finish(mut self) -> io::Result<()> {
        let flushed = self.output.flush();
        self.heeded(flushed)?;
        if let Some((partial, path)) = self.partial.take() {
            fs::rename(partial, path)?;
        }
        Ok(())
    }
}

impl Drop for JsonLinesWriter {
    fn drop(&mut self) {
        if let Some((partial, _)) = self.partial.take() {
            // It was never visible; there is nobody to tell.
            let _ = fs::remove_file(partial);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn rows_come_back_with_their_lines() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/rows.jsonl");
        let mut writer = JsonLinesWriter::create(&path).expect("created");
        for row in ["누구", "b"] {
            writer.write(&row).expect("written");
        }
        assert!(!path.exists());
        writer.finish().expect("renamed");
        assert_eq!(fs::read_to_string(&path).expect("read"), "\"누구\"\n\"b\"\n");
        fs::write(&path, "\u{feff}1\r\n\n  \n2").expect("written");
        let rows: Result<Vec<(Value, u64)>, Error> = JsonLines::open(&path).expect("opened").collect();
        assert_eq!(rows.expect("rows"), [(1.into(), 1), (2.into(), 4)]);
    }

    #[test]
    fn a_writer_that_is_dropped_leaves_what_was_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rows.jsonl");
        fs::write(&path, "old").expect("written");
        let mut writer = JsonLinesWriter::create(&path).expect("created");
        writer.write(&1).expect("written");
        drop(writer);
        assert_eq!(fs::read_to_string(&path).expect("read"), "old");
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
    }

    #[test]
    fn one_file_is_not_written_twice_at_once_and_a_link_stays_a_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let [file, link] = ["rows.jsonl", "link.jsonl"].map(|name| folder.path().join(name));
        fs::write(&file, "old").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("linked");
        let mut writer = JsonLinesWriter::create(&link).expect("created");
        let second = JsonLinesWriter::create(&file).err().map(|e| e.kind());
        assert_eq!(second, Some(io::ErrorKind::AlreadyExists));
        writer.write(&1).expect("written");
        writer.finish().expect("finished");
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&file).expect("read"), "1\n");
        assert_eq!(
            JsonLinesWriter::create(folder.path()).err().map(|e| e.kind()),
            Some(io::ErrorKind::IsADirectory)
        );
        let mut writer = JsonLinesWriter::create(Path::new("/dev/null")).expect("a device");
        writer.write(&1).expect("written");
        writer.finish().expect("finished");
    }

    #[test]
    fn the_first_bad_row_ends_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rows.jsonl");
        fs::write(&path, "1\n{\n3\n").expect("written");
        let mut rows = JsonLines::<Value>::open(&path).expect("opened");
        assert!(rows.next().is_some_and(|row| row.is_ok()));
        let error = rows.next().expect("a row").expect_err("no JSON").to_string();
        assert!(error.contains("rows.jsonl:2:"), "{error}");
        assert!(rows.next().is_none());
        let error = JsonLines::<Value>::open(&folder.path().join("row.jsonl")).err().expect("absent");
        assert!(error.to_string().contains("there is no such file"), "{error}");
    }
}
