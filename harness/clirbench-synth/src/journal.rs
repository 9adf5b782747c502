//! The journal: every request that was sent and every reply that came, a line of JSON each.
//!
//! A reply is on the disk before anything is done with it, so no end of the process loses one that
//! was paid for. Replies are found by the key of their request; that is how a later run asks
//! nothing twice, and how a changed recipe meets only replies to requests that it still makes.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clirbench_store::Key;
use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    fault::FaultKind,
    ledger::Spending,
    plan::Step,
    reply::Reply,
    request::{Request, Tokens},
};

/// A line.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// Seconds since 1970.
    at: u64,
    /// What request it is about.
    request: Key,
    #[serde(flatten)]
    event: Event,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "event")]
enum Event {
    /// A request goes out; it can cost as much as `bound`.
    Sent { step: String, attempt: u32, bound: Tokens },
    /// Its reply.
    Replied { seconds: f64, reply: Reply },
    /// There was none; `charged` where it may have been charged all the same.
    Failed { seconds: f64, fault: String, charged: bool },
}

/// An open journal; no other process can open it meanwhile.
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    replies: HashMap<Key, Reply>,
    spending: Spending,
    /// What requests that have no end yet can cost.
    open: HashMap<Key, Vec<Tokens>>,
}

/// Name of the journal in the work folder of an output.
const NAME: &str = "journal.jsonl";

/// The folder beside an output that its journal is in.
pub(crate) fn work_folder(out: &Path) -> PathBuf {
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    out.with_file_name(format!("{name}.work"))
}

/// Whether an output has a journal.
pub(crate) fn exists(out: &Path) -> bool {
    work_folder(out).join(NAME).is_file()
}

impl Journal {
    /// Opens the journal of an output, or begins it.
    ///
    /// A last line that a killed process left half written is removed. Requests whose end is
    /// unknown are taken to have cost as much as they could.
    ///
    /// # Errors
    /// It cannot be read or written, another process has it open, or a line in it is damaged.
    pub(crate) fn open(out: &Path) -> Result<Journal, Error> {
        let folder = work_folder(out);
        let path = folder.join(NAME);
        let failed = |e: io::Error| Self::failure(&path, &e);
        fs::create_dir_all(&folder).map_err(failed)?;
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("{} is in use", path.display());
                return Err(Error::new(message, "another `clirbench synth` writes the same output"));
            }
            Err(TryLockError::Error(e)) => return Err(failed(e)),
        }
        // A file is only as durable as its name in the folder.
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut text)).map_err(failed)?;
        let mut journal = Journal {
            path: path.clone(),
            file,
            replies: HashMap::new(),
            spending: Spending::default(),
            open: HashMap::new(),
        };
        let whole = journal.replay(&text)?;
        if whole < text.len() {
            journal.file.set_len(whole as u64).map_err(failed)?;
        }
        for bound in std::mem::take(&mut journal.open).into_values().flatten() {
            journal.spending.unsettled += bound;
        }
        Ok(journal)
    }

    fn failure(path: &Path, error: &io::Error) -> Error {
        let message = format!("the journal {} cannot be used ({error})", path.display());
        Error::new(message, "check the folder of the output, its permissions and the space on its disk")
    }

    /// Takes in the lines; returns how many bytes of them are whole.
    fn replay(&mut self, text: &[u8]) -> Result<usize, Error> {
        let mut whole = 0;
        for (number, line) in text.split_inclusive(|b| *b == b'\n').enumerate() {
            // A line is written at once with its end: without, it is only a part of one.
            if !line.ends_with(b"\n") {
                break;
            }
            let entry: Entry = serde_json::from_slice(line).map_err(|e| {
                let message = format!("{}:{}: the line is damaged ({e})", self.path.display(), number + 1);
                Error::new(message, "restore the file; or move it away, and all replies are asked for again")
            })?;
            self.count(entry);
            whole += line.len();
        }
        Ok(whole)
    }

    fn count(&mut self, entry: Entry) {
        match entry.event {
            Event::Sent { bound, .. } => {
                self.spending.requests += 1;
                self.open.entry(entry.request).or_default().push(bound);
            }
            Event::Replied { seconds, reply } => {
                let bound = self.close(&entry.request);
                self.spending.replied(&reply, bound, seconds);
                // The first stays: what was made of it may have been used already.
                self.replies.entry(entry.request).or_insert(reply);
            }
            Event::Failed { seconds, fault, charged } => {
                let bound = self.close(&entry.request);
                self.spending.failed(fault, charged.then_some(bound), seconds);
            }
        }
    }

    fn close(&mut self, request: &Key) -> Tokens {
        self.open.get_mut(request).and_then(Vec::pop).unwrap_or_default()
    }

    fn write(&mut self, request: &Key, event: Event, durable: bool) -> Result<(), Error> {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let entry = Entry { at, request: request.clone(), event };
        let mut line = serde_json::to_vec(&entry).expect("an entry is JSON");
        line.push(b'\n');
        let before = self.file.metadata().map_err(|e| Self::failure(&self.path, &e))?.len();
        let written = self.file.write_all(&line);
        let written = written.and_then(|()| if durable { self.file.sync_data() } else { Ok(()) });
        if let Err(error) = written {
            // Half a line would damage the next one, which another worker may still write.
            let _ = self.file.set_len(before);
            return Err(Self::failure(&self.path, &error));
        }
        self.count(entry);
        Ok(())
    }

    /// Notes that a request goes out.
    pub(crate) fn sent(&mut self, step: &Step, request: &Request) -> Result<(), Error> {
        let event = Event::Sent { step: step.name.clone(), attempt: request.attempt, bound: request.bound };
        self.write(&request.key, event, false)
    }

    /// Keeps a reply: when this returns, it is on the disk.
    pub(crate) fn replied(&mut self, request: &Key, reply: Reply, took: Duration) -> Result<(), Error> {
        self.write(request, Event::Replied { seconds: took.as_secs_f64(), reply }, true)
    }

    /// Notes that there was no reply.
    pub(crate) fn failed(&mut self, request: &Key, fault: FaultKind, took: Duration) -> Result<(), Error> {
        let charged = fault.may_be_charged();
        let event = Event::Failed { seconds: took.as_secs_f64(), fault: fault.name().to_owned(), charged };
        self.write(request, event, false)
    }

    /// The reply to a request.
    pub(crate) fn reply(&self, request: &Key) -> Option<&Reply> {
        self.replies.get(request)
    }

    /// What all requests so far have cost.
    pub(crate) fn spending(&self) -> &Spending {
        &self.spending
    }

    /// What requests under way can cost.
    pub(crate) fn under_way(&self) -> Tokens {
        let mut sum = Tokens::default();
        self.open.values().flatten().for_each(|bound| sum += *bound);
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::StepKind;

    fn step() -> Step {
        Step { name: "tasks/3/1".to_owned(), kind: StepKind::Tasks { draw: 0 }, needs: vec![] }
    }

    fn request(name: &str) -> Request {
        let bound = Tokens { input: 100, output: 50 };
        Request { key: Key::of_bytes(name.as_bytes()), body: String::new(), attempt: 1, bound }
    }

    fn reply(content: &str) -> Reply {
        Reply::parse(&format!(
            r#"{{"choices": [{{"message": {{"content": {content:?}}}}}], "usage": {{"prompt_tokens": 9, "completion_tokens": 3}}}}"#
        ))
        .expect("a completion")
    }

    fn filled(out: &Path) {
        let mut journal = Journal::open(out).expect("opened");
        for name in ["a", "b", "c"] {
            journal.sent(&step(), &request(name)).expect("written");
        }
        journal.replied(&request("a").key, reply("hello"), Duration::from_secs(1)).expect("written");
        journal.failed(&request("b").key, FaultKind::ServerError, Duration::ZERO).expect("written");
        assert_eq!(journal.under_way(), Tokens { input: 100, output: 50 });
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out.jsonl");
        filled(&out);
        let journal = Journal::open(&out).expect("opened");
        assert_eq!(journal.reply(&request("a").key), Some(&reply("hello")));
        assert_eq!(journal.reply(&request("b").key), None);
        let spending = journal.spending();
        assert_eq!((spending.requests, spending.replies), (3, 1));
        assert_eq!(spending.tokens, Tokens { input: 9, output: 3 });
        // Nobody knows what became of `c`.
        assert_eq!(spending.unsettled, Tokens { input: 100, output: 50 });
        assert_eq!(spending.faults["server-error"], 1);
    }

    #[test]
    fn a_torn_last_line_is_dropped_wherever_it_is_torn() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out.jsonl");
        filled(&out);
        let path = work_folder(&out).join(NAME);
        let text = fs::read(&path).expect("read");
        let last = text[..text.len() - 1].iter().rposition(|b| *b == b'\n').expect("lines") + 1;
        for end in last..text.len() {
            fs::write(&path, &text[..end]).expect("written");
            let mut journal = Journal::open(&out).expect("opened");
            assert_eq!(journal.spending().replies, 1);
            assert!(journal.spending().faults.is_empty());
            journal.failed(&request("b").key, FaultKind::ServerError, Duration::ZERO).expect("written");
            drop(journal);
            assert_eq!(Journal::open(&out).expect("opened").spending().faults["server-error"], 1);
        }
    }

    #[test]
    fn damage_and_a_second_process_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out.jsonl");
        filled(&out);
        let held = Journal::open(&out).expect("opened");
        assert!(Journal::open(&out).err().expect("locked").message.ends_with("is in use"));
        drop(held);
        let path = work_folder(&out).join(NAME);
        let text = fs::read_to_string(&path).expect("read").replacen("attempt", "atempt", 1);
        fs::write(&path, text).expect("written");
        let message = Journal::open(&out).err().expect("damaged").message;
        assert!(message.contains("journal.jsonl:1: the line is damaged"), "{message}");
    }
}
