//! An encoder that misbehaves on command: `{"behave": "panic"}` and so on, see the schema.
//!
//! `ok` is the control: the byte sums of a text, as a well-behaved plugin would write them.
//!
//! Whatever it does, it can take its time (`delay_ms`) and leave a `journal`: a line per text, the
//! text as JSON, written before it is encoded. That is what really was asked of the encoder.
#![allow(clippy::print_stdout)] // `stdout` is one of the faults

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use clirbench_plugin::serde_json::Value;
use clirbench_plugin::{Encoder, EncoderInfo, Error, Host, Result, Role, TextStats, log};

const DIM: usize = 4;

struct Hostile {
    behave: String,
    delay: Duration,
    journal: Option<PathBuf>,
    host: Host,
}

impl Hostile {
    fn note(&self, text: &str) -> Result<()> {
        let Some(path) = &self.journal else { return Ok(()) };
        let failed = |e: &dyn std::fmt::Display| Error::model(format!("the journal: {e}"));
        let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(|e| failed(&e))?;
        let line = format!("{}\n", Value::from(text));
        file.write_all(line.as_bytes()).map_err(|e| failed(&e))
    }
}

impl Encoder for Hostile {
    fn open(config: &Value, host: Host) -> Result<Self> {
        let behave = config["behave"].as_str().unwrap_or("ok").to_owned();
        assert!(behave != "panic-open", "told to panic while opening");
        if behave == "error-open" {
            return Err(Error::model("told to fail").hint("do not tell it to"));
        }
        log::info!("opened to behave: {behave}");
        log::debug!("a record below the level that a host asks for by default");
        let delay = Duration::from_millis(config["delay_ms"].as_u64().unwrap_or_default());
        let journal = config["journal"].as_str().map(PathBuf::from);
        Ok(Hostile { behave, delay, journal, host })
    }

    fn info(&self) -> EncoderInfo {
        let host = &self.host;
        EncoderInfo {
            dim: DIM,
            symmetric: true,
            similarity: if self.behave == "no-similarity" { String::new() } else { "cosine".to_owned() },
            runtime: format!("{} {} {:?}", host.device(), host.threads(), host.ort_library()),
            warnings: vec![format!("scratch: {}", host.scratch().display())],
            ..EncoderInfo::default()
        }
    }

    fn render(&self, _role: Role, text: &str) -> Result<String> {
        assert!(self.behave != "panic-render", "told to panic while rendering");
        Ok(text.to_owned())
    }

    fn encode(&mut self, _: Role, texts: &[&str], out: &mut [f32], stats: &mut [TextStats]) -> Result<usize> {
        // `partial` leaves the last value of the last row as it found it.
        let kept = out.last().copied().unwrap_or_default();
        for (i, ((text, row), stats)) in texts.iter().zip(out.chunks_exact_mut(DIM)).zip(stats).enumerate() {
            self.note(text)?;
            sleep(self.delay);
            for (at, value) in row.iter_mut().enumerate() {
                *value = text.bytes().skip(at).step_by(DIM).map(f32::from).sum();
            }
            *stats =
                TextStats { tokens: text.len().try_into().unwrap_or(u32::MAX - 1), ..Default::default() };
            self.host.progress(i + 1, texts.len());
        }
        match self.behave.as_str() {
            "panic" => panic!("told to panic on {} texts", texts.len()),
            "abort" => std::process::abort(),
            "segfault" => segfault(),
            "hang" => loop {
                sleep(Duration::from_secs(1));
            },
            "until-cancelled" => {
                while !self.host.cancelled() {
                    sleep(Duration::from_millis(1));
                }
                return Err(Error::cancelled("told to wait for it"));
            }
            "stdout" => println!("told to print to stdout"),
            "nan" => out[DIM + 1] = f32::NAN,
            "partial" => out[texts.len() * DIM - 1] = kept,
            "wrong-rows" => return Ok(texts.len() - 1),
            "panic-drop" | "ok" => {}
            other => return Err(Error::config(format!("unknown behaviour `{other}`"))),
        }
        Ok(texts.len())
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        assert!(self.behave != "panic-drop", "told to panic while closing");
    }
}

#[allow(unsafe_code)]
fn segfault() {
    // SAFETY: none, on purpose: the process that runs this has to die of it.
    unsafe { std::ptr::null_mut::<u8>().write_volatile(0) }
}

clirbench_plugin::export_plugin! {
    id: "hostile-encoder",
    interfaces: [
        encoder: Hostile {
            schema: include_str!("config.schema.json"),
            detects: ["hostile.txt", "hostile/*.txt"],
        },
    ],
}
