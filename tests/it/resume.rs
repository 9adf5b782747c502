//! Killed at any moment and run again: the same bytes, and at most the shard in flight encoded again.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::ExitStatusExt,
    process::{Child, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    place::{Ended, Place, bundled, model, plugin_arguments},
    results::{Results, assert_same_tables},
    workers,
};

const SHARD: usize = 16;

/// The bundled set in two languages, 27 shards and 8 cells, with an encoder that takes its time and keeps a
/// journal of the texts that it is asked for.
struct Campaign {
    place: Place,
}

impl Campaign {
    fn new(delay_ms: u32) -> Campaign {
        let place = Place::new();
        let journal = place.path("journal");
        let options = format!("delay_ms = {delay_ms}, journal = \"{}\"", journal.display());
        let encoder = model("slow", "hostile-encoder", &options);
        let dataset = bundled(&["en", "ko"]);
        place.write("bench.toml", format!("{encoder}{dataset}[run]\nshard = {SHARD}\n"));
        Campaign { place }
    }

    fn arguments(&self) -> Vec<String> {
        [self.place.run_arguments("bench.toml", "out"), plugin_arguments(&["hostile-encoder"])].concat()
    }

    fn start(&self) -> Child {
        let mut command = self.place.command(self.arguments());
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts")
    }

    /// Runs to the end and reads the results.
    fn finish(&self) -> Results {
        let ended = self.place.end(self.arguments());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        Results::of(self.place.path("out"))
    }

    /// Texts that the encoder was asked for so far.
    fn asked(&self) -> usize {
        fs::read(self.place.path("journal"))
            .map_or(0, |journal| journal.iter().filter(|&&byte| byte == b'\n').count())
    }

    /// Cells in the store.
    fn scored(&self) -> usize {
        fs::read_dir(self.place.path("store/objects/score")).map_or(0, Iterator::count)
    }

    /// Texts in the store: the rows that the manifests of all shards promise.
    fn committed(&self) -> u64 {
        let folders = |path| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        folders(self.place.path("store/objects/embed"))
            .flat_map(folders)
            .map(|shard| {
                let manifest = fs::read(shard.join("manifest.json")).expect("every shard has a manifest");
                let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
                manifest["meta"]["rows"].as_u64().expect("a count")
            })
            .sum()
    }

    /// Starts a run, waits for the moment and does `act` to it; how the run ended.
    fn interrupt(&self, moment: &Moment, act: impl FnOnce(&mut Child)) -> ExitStatus {
        let mut child = self.start();
        let started = Instant::now();
        while !moment.has_come(self, started) {
            if let Some(status) = child.try_wait().expect("our child") {
                return status;
            }
            sleep(Duration::from_millis(1));
        }
        act(&mut child);
        let status = child.wait().expect("our child");
        workers::assert_gone(&self.place.path("store"));
        status
    }
}

/// When a run is interrupted.
#[derive(Debug)]
enum Moment {
    /// So long after its start: while it reads and plans.
    Time(Duration),
    /// So long after its encoder was asked for so many texts.
    Texts(usize, Duration),
    /// When so many cells are in the store.
    Cells(usize),
}

impl Moment {
    fn has_come(&self, campaign: &Campaign, started: Instant) -> bool {
        match self {
            Moment::Time(time) => started.elapsed() >= *time,
            Moment::Cells(cells) => campaign.scored() >= *cells,
            Moment::Texts(texts, later) => {
                let come = campaign.asked() >= *texts;
                if come {
                    sleep(*later);
                }
                come
            }
        }
    }
}

/// SplitMix64 (Steele et al. 2014): the same moments in every run of the test.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

fn undisturbed() -> (BTreeMap<&'static str, String>, u64) {
    let campaign = Campaign::new(0);
    let results = campaign.finish();
    (results.tables(), results.texts("slow", "distinct"))
}

/// What has to hold for a campaign that was interrupted once: what is committed is kept, what the
/// encoder was asked for in vain is one shard at most, and the numbers are those of a run in peace.
fn assert_continues(campaign: &Campaign, tables: &BTreeMap<&'static str, String>, texts: u64, when: &str) {
    let (asked, committed) = (campaign.asked() as u64, campaign.committed());
    assert!(asked - committed <= SHARD as u64, "{when}: {asked} texts asked for, {committed} kept");
    let results = campaign.finish();
    assert_eq!(results.texts("slow", "encoded"), texts - committed, "{when}");
    assert_eq!(campaign.asked() as u64 - asked, texts - committed, "{when}: encoded again");
    assert_same_tables(tables, &results.tables(), when);
    let verified = campaign.place.end(["cache", "verify", "--store", "store"]);
    assert_eq!(verified.code, Some(0), "{when}: {}", verified.stderr);
}

#[test]
fn killed_at_twenty_moments_a_run_continues_to_the_same_bytes() {
    let started = Instant::now();
    let (tables, texts) = undisturbed();
    let mut random = Random(20);
    let moments = (0..20).map(|i| match i % 5 {
        0 => Moment::Time(Duration::from_millis(random.below(150))),
        1 => Moment::Cells(1 + random.below(6) as usize),
        _ => {
            let later = Duration::from_millis(random.below(20));
            Moment::Texts(1 + random.below(texts - 1) as usize, later)
        }
    });
    let mut killed = 0;
    for moment in moments {
        let campaign = Campaign::new(1);
        let status = campaign.interrupt(&moment, |run| run.kill().expect("our child"));
        killed += usize::from(status.signal() == Some(9));
        let when = format!("killed at {moment:?} ({} texts, {} cells)", campaign.asked(), campaign.scored());
        println!("{when}");
        assert_continues(&campaign, &tables, texts, &when);
    }
    // A moment towards the end may come too late; nearly all must not.
    assert!(killed >= 18, "only {killed} of 20 runs were still going when they were to be killed");
    println!("20 kills: {:.1?}", started.elapsed());
}

fn press_ctrl_c(run: &Child) {
    let id = Pid::from_raw(run.id().try_into().expect("a process id")).expect("not 0");
    kill_process(id, Signal::INT).expect("the run is going");
}

#[test]
fn ctrl_c_stops_a_run_that_the_next_one_continues() {
    let (tables, texts) = undisturbed();
    let campaign = Campaign::new(2);
    let moment = Moment::Texts(200, Duration::ZERO);
    let mut said = None;
    let status = campaign.interrupt(&moment, |run| {
        let workers = workers::of(&campaign.place.path("store"));
        assert_ne!(workers, Some(Vec::new()), "the encoder's worker is to be seen");
        press_ctrl_c(run);
        said = run.stderr.take().map(|stderr| std::io::read_to_string(stderr).expect("UTF-8"));
    });
    let said = said.expect("standard error is piped");
    assert_eq!(status.code(), Some(130), "{said}");
    assert!(said.ends_with("stopped; run again to continue\n"), "{said}");
    assert!((200..texts).contains(&(campaign.asked() as u64)), "it did not stop soon");
    assert_continues(&campaign, &tables, texts, "after Ctrl-C");
}

#[test]
fn ctrl_c_stops_a_run_whose_plugin_hangs() {
    let place = Place::new();
    let journal = place.path("journal");
    let options = format!("behave = \"hang\", journal = \"{}\"", journal.display());
    let encoder = model("stuck", "hostile-encoder", &options);
    place.write("bench.toml", format!("{encoder}{}", bundled(&["en", "es"])));
    let arguments =
        [place.run_arguments("bench.toml", "out"), plugin_arguments(&["hostile-encoder"])].concat();
    let child = place.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let child = child.expect("the program starts");
    while !journal.exists() {
        sleep(Duration::from_millis(1));
    }
    let pressed = Instant::now();
    press_ctrl_c(&child);
    let ended = Ended::of(&child.wait_with_output().expect("our child"));
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(pressed.elapsed() < Duration::from_secs(6), "it took {:.1?}", pressed.elapsed());
    workers::assert_gone(&place.path("store"));
}
