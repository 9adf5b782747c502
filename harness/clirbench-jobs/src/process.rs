//! One worker process: started, spoken to, listened to, and buried with its last words.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::PathBuf,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    job::{Failure, Job},
    protocol::{Reply, Request},
};

/// How workers are started and watched.
#[derive(Clone, Debug)]
pub struct ExecutorOptions {
    /// The program that runs `work` (this one).
    pub program: PathBuf,
    /// Arguments in front of the worker's protocol: `work --store ... --threads ...`.
    pub arguments: Vec<String>,
    /// Threads that a worker may use.
    pub threads: usize,
    /// A worker that says nothing for this long is ended.
    pub stall: Duration,
}

/// What was heard from a worker.
pub(crate) enum Heard {
    Reply(Reply),
    Nothing,
    Ended,
}

pub(crate) struct WorkerProcess {
    child: Child,
    requests: Option<ChildStdin>,
    replies: mpsc::Receiver<Reply>,
    last_words: Arc<Mutex<VecDeque<String>>>,
    listener: Option<JoinHandle<()>>,
}

/// Lines of a worker's standard error that are kept for its post-mortem.
const LAST_WORDS: usize = 20;

impl WorkerProcess {
    pub(crate) fn start(options: &ExecutorOptions) -> Result<WorkerProcess, Failure> {
        let threads = options.threads.to_string();
        let mut child = Command::new(&options.program)
            .args(&options.arguments)
            // Thread pools are per library: the budget has to be there before any plugin is loaded.
            .envs(["RAYON_NUM_THREADS", "OMP_NUM_THREADS"].map(|name| (name, &threads)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C goes to the whole foreground group; workers are told by us instead.
            .process_group(0)
            .spawn()
            .map_err(|e| {
                Failure::new(format!("cannot start a worker ({}): {e}", options.program.display()), "")
            })?;
        let (sender, replies) = mpsc::channel();
        let stdout = child.stdout.take().expect("piped");
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let Ok(reply) = serde_json::from_str(&line) else { continue };
                if sender.send(reply).is_err() {
                    break;
                }
            }
        });
        let last_words = Arc::new(Mutex::new(VecDeque::new()));
        let stderr = child.stderr.take().expect("piped");
        let words = Arc::clone(&last_words);
        let listener = thread::spawn(move || {
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                let mut words = words.lock().expect("no listener panics");
                words.push_back(String::from_utf8_lossy(&line).into_owned());
                if words.len() > LAST_WORDS {
                    words.pop_front();
                }
            }
        });
        let requests = child.stdin.take();
        Ok(WorkerProcess { child, requests, replies, last_words, listener: Some(listener) })
    }

    fn say(&mut self, request: &Request) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        match &mut self.requests {
            Some(pipe) => pipe.write_all(&line).and_then(|()| pipe.flush()),
            None => Ok(()),
        }
    }

    pub(crate) fn send(&mut self, job: &Job) -> Result<(), Failure> {
        self.say(&Request::Run(Box::new(job.clone()))).map_err(|_| self.post_mortem())
    }

    pub(crate) fn cancel(&mut self) {
        // A worker that is gone already needs no telling.
        let _ = self.say(&Request::Cancel);
    }

    pub(crate) fn hear(&self, patience: Duration) -> Heard {
        match self.replies.recv_timeout(patience) {
            Ok(reply) => Heard::Reply(reply),
            Err(mpsc::RecvTimeoutError::Timeout) => Heard::Nothing,
            Err(mpsc::RecvTimeoutError::Disconnected) => Heard::Ended,
        }
    }

    pub(crate) fn kill(&mut self) {
        // Fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Why the worker ended without a reply.
    pub(crate) fn post_mortem(&mut self) -> Failure {
        self.requests = None;
        let status = self.child.wait();
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        let cause = match status {
            Ok(status) => describe(status),
            Err(e) => format!("was lost: {e}"),
        };
        let words = self.last_words.lock().expect("no listener panics");
        let said = words.iter().rev().find(|line| !line.trim().is_empty());
        let said = said.map_or_else(String::new, |line| format!("; it last said: {}", line.trim()));
        Failure::new(
            format!("the worker process {cause}{said}"),
            "the plugin crashed or ran out of memory; other cells are not affected",
        )
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("was ended by signal {signal}{}", signal_name(signal)),
        (None, Some(code)) => format!("ended with exit status {code}"),
        (None, None) => "ended".to_owned(),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (SIGILL: illegal instruction)",
        6 => " (SIGABRT: it aborted)",
        7 => " (SIGBUS: bad memory access)",
        8 => " (SIGFPE: arithmetic error)",
        9 => " (SIGKILL: killed, perhaps for memory)",
        11 => " (SIGSEGV: bad memory access)",
        15 => " (SIGTERM)",
        _ => "",
    }
}
