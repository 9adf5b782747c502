//! The worker: the only process that loads plugins. Runs one job after another and commits results.

use std::{
    fs::File,
    io::{BufRead, Read, Seek, SeekFrom, Write},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use clirbench_host::{Device, HostServices, LogRecord};
use clirbench_store::Store;
use rustix::stdio;

use crate::{
    execute::Hands,
    job::{Failure, Job},
    protocol::{Reply, Request},
};

/// What a worker is started with; none of it changes a result.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// The store's folder.
    pub store: PathBuf,
    /// Threads to use.
    pub threads: usize,
    /// Device for encoders.
    pub device: Device,
    /// The ONNX Runtime library, where one is known.
    pub ort: Option<PathBuf>,
}

/// Where replies go: the standard output that the worker was started with.
#[derive(Clone)]
struct Mouth(Arc<Mutex<File>>);

impl Mouth {
    fn say(&self, reply: &Reply) {
        let mut line = serde_json::to_vec(reply).expect("a reply has a JSON form");
        line.push(b'\n');
        // A closed pipe means that nobody listens any more; the reader of stdin ends the process.
        let _ = self.0.lock().expect("no speaker panics").write_all(&line);
    }
}

/// Serves requests from standard input until it closes.
///
/// # Errors
/// When the store or the standard streams cannot be set up.
pub fn serve(options: &WorkerOptions) -> Result<(), Failure> {
    let (mouth, stray) = take_stdout()?;
    let cancel = Arc::new(AtomicBool::new(false));
    let mut hands = hands(options, &cancel, Some(&mouth))?;
    let (jobs, queue) = mpsc::channel();
    let flag = Arc::clone(&cancel);
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let understood = match serde_json::from_str(&line) {
                Ok(Request::Run(job)) => jobs.send(*job).is_ok(),
                Ok(Request::Cancel) => {
                    flag.store(true, Ordering::Relaxed);
                    true
                }
                Err(_) => false,
            };
            if !understood {
                break;
            }
        }
        // Whoever wanted the results is gone; what is committed is committed.
        std::process::exit(0);
    });
    for job in queue {
        let outcome = run_checked(&mut hands, &job, stray.as_ref());
        mouth.say(&outcome.map_or_else(Reply::Failed, |()| Reply::Done));
    }
    Ok(())
}

/// Runs one job in this process: `clirbench work JOB`.
///
/// # Errors
/// The job's failure.
pub fn run_one(job: &Job, options: &WorkerOptions) -> Result<(), Failure> {
    let (_, stray) = take_stdout()?;
    let mut hands = hands(options, &Arc::new(AtomicBool::new(false)), None)?;
    run_checked(&mut hands, job, stray.as_ref())
}

fn hands(options: &WorkerOptions, cancel: &Arc<AtomicBool>, mouth: Option<&Mouth>) -> Result<Hands, Failure> {
    let store = Store::open(&options.store).map_err(crate::arranged::stored)?;
    let scratch = store.root().join("tmp");
    let mut services = HostServices::new(std::path::absolute(&scratch).unwrap_or(scratch));
    services.threads = options.threads;
    services.device = options.device;
    services.ort.clone_from(&options.ort);
    services.cancel = Arc::clone(cancel);
    if let Some(mouth) = mouth {
        let (logger, reporter) = (mouth.clone(), mouth.clone());
        services.log = Arc::new(move |record: &LogRecord<'_>| {
            let level = record.level.as_str().to_lowercase();
            logger.say(&Reply::Log { level, message: format!("{}: {}", record.plugin, record.message) });
        });
        services.progress = Arc::new(move |done, total| reporter.say(&Reply::Progress { done, total }));
    }
    let mut hands = Hands::new(store, services, Arc::clone(cancel), options.threads);
    if let Some(mouth) = mouth.cloned() {
        hands.on_step = Arc::new(move |report| mouth.say(&Reply::Step(report.clone())));
    }
    Ok(hands)
}

/// Keeps the real standard output for replies and sends whatever else is printed to a scratch file,
/// so that a plugin that prints can neither garble the protocol nor go unnoticed.
fn take_stdout() -> Result<(Mouth, Option<File>), Failure> {
    let fail = |e: std::io::Error| Failure::new(format!("cannot set up the worker's output: {e}"), "");
    let real = std::os::fd::AsFd::as_fd(&std::io::stdout()).try_clone_to_owned().map_err(fail)?;
    let stray = tempfile::tempfile().map_err(fail)?;
    stdio::dup2_stdout(&stray).map_err(|e| fail(e.into()))?;
    Ok((Mouth(Arc::new(Mutex::new(File::from(real)))), Some(stray)))
}

fn run_checked(hands: &mut Hands, job: &Job, stray: Option<&File>) -> Result<(), Failure> {
    let outcome = hands.run(job);
    match stray.map_or(Ok(String::new()), printed) {
        Ok(text) if text.is_empty() => outcome,
        Ok(text) => {
            let line: String = text.lines().next().unwrap_or_default().chars().take(80).collect();
            Err(Failure::new(
                format!("the plugin printed to standard output: {line:?}"),
                "plugins speak through the host's log",
            ))
        }
        Err(_) => outcome,
    }
}

/// What was printed since the last look; at most 4 KiB of it.
fn printed(mut stray: &File) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    stray.seek(SeekFrom::Start(0))?;
    stray.take(4096).read_to_end(&mut bytes)?;
    stray.set_len(0)?;
    stray.seek(SeekFrom::Start(0))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
