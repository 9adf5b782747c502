//! What an opened plugin may and may not do. Abort, crash and hang are the worker's business.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use clirbench_host::{Device, EncoderHandle, Error, HostServices, Result, Role, TextStats, inspect, load};
use serde_json::json;

use crate::{copy, hostile, plugin, services, told};

const TEXTS: [&str; 3] = ["one", "zwei", "세 번째"];

/// Vectors and stats of [`TEXTS`].
fn encoded(encoder: &mut EncoderHandle) -> Result<(Vec<f32>, Vec<TextStats>)> {
    let mut out = vec![0.0; TEXTS.len() * encoder.info().dim];
    let mut stats = vec![TextStats::default(); TEXTS.len()];
    encoder.encode(Role::Document, &TEXTS, &mut out, &mut stats)?;
    Ok((out, stats))
}

fn refusal(behave: &str) -> String {
    told(encoded(&mut hostile(behave).expect("it opens"))).0
}

#[test]
fn vectors_come_back_as_the_plugin_wrote_them() {
    let mut encoder = hostile("ok").expect("it opens");
    assert_eq!(encoder.info().dim, 4);
    assert_eq!(encoder.render(Role::Query, "세").expect("it renders"), "세");
    let (out, stats) = encoded(&mut encoder).expect("it encodes");
    // Value k of a row is the sum of the bytes k, k+4, ... of the text.
    let expected: Vec<f32> = TEXTS
        .iter()
        .flat_map(|text| (0..4).map(|k| text.bytes().skip(k).step_by(4).map(f32::from).sum()))
        .collect();
    assert_eq!(out, expected);
    assert_eq!(out[..4], [f32::from(b'o'), f32::from(b'n'), f32::from(b'e'), 0.0]);
    let tokens: Vec<u32> = stats.iter().map(|s| s.tokens).collect();
    assert_eq!(tokens, [3, 4, 10]);
    // No text, no row.
    encoder.encode(Role::Query, &[], &mut [], &mut []).expect("nothing to do");
}

#[test]
fn a_panic_is_an_error_that_names_its_place() {
    let mut encoder = hostile("panic").expect("it opens");
    let error = encoded(&mut encoder).expect_err("it panics");
    assert!(matches!(&error, Error::Plugin { kind, .. } if kind == "panic"), "{error:?}");
    let (message, hint) = told::<()>(Err(error));
    assert!(
        message.starts_with("plugin `hostile-encoder`: the plugin panicked at ")
            && message.contains("hostile-encoder/src/lib.rs:")
            && message.ends_with(": told to panic on 3 texts"),
        "{message}"
    );
    assert_eq!(hint, "this is a fault of the plugin: report it to its author");

    // What it left behind is not used again.
    assert!(told(encoder.render(Role::Query, "x")).0.contains("an earlier call panicked"));
    assert!(told(encoded(&mut encoder)).0.contains("an earlier call panicked"));
    encoded(&mut hostile("ok").expect("it opens again")).expect("a new encoder works");
}

#[test]
fn a_panic_anywhere_else_is_an_error_too() {
    assert!(told(hostile("panic-open")).0.ends_with(": told to panic while opening"));
    let encoder = hostile("panic-render").expect("it opens");
    assert!(told(encoder.render(Role::Query, "x")).0.ends_with(": told to panic while rendering"));
    drop(hostile("panic-drop").expect("it opens"));
}

#[test]
fn an_error_keeps_its_kind_and_hint() {
    let error = hostile("error-open").err().expect("it fails");
    assert!(matches!(&error, Error::Plugin { kind, .. } if kind == "model"));
    let expected = ("plugin `hostile-encoder`: told to fail".to_owned(), "do not tell it to".to_owned());
    assert_eq!(told::<()>(Err(error)), expected);
}

#[test]
fn output_that_breaks_the_contract_is_refused() {
    let broke = "plugin `hostile-encoder` broke its contract:";
    assert_eq!(refusal("nan"), format!("{broke} value 1 of 4 for text 1 is NaN"));
    assert_eq!(refusal("wrong-rows"), format!("{broke} it wrote 2 rows for 3 texts"));
    assert_eq!(refusal("partial"), format!("{broke} it did not write value 3 of 4 for text 2"));
    assert_eq!(
        told(hostile("no-similarity")).0,
        format!("{broke} its similarity is ``, neither `cosine` nor `dot`")
    );
}

#[test]
fn buffers_that_do_not_fit_are_refused_before_the_call() {
    let mut encoder = hostile("abort").expect("it opens");
    let outcome = encoder.encode(Role::Query, &TEXTS, &mut [0.0; 11], &mut [TextStats::default(); 3]);
    assert_eq!(told(outcome).0, "3 texts of dimension 4 do not fit buffers of 11 values and 3 stats");
}

#[test]
fn a_plugin_sees_the_services() {
    let (records, steps) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let services = HostServices {
        log: {
            let records = records.clone();
            Arc::new(move |r| {
                let record = format!("{} {} {} {}", r.plugin, r.level, r.target, r.message);
                records.lock().expect("no panic with it").push(record);
            })
        },
        progress: {
            let steps = steps.clone();
            Arc::new(move |done, total| steps.lock().expect("no panic with it").push((done, total)))
        },
        threads: 7,
        device: Device::Auto,
        ort: Some("lib/libonnxruntime.so".into()),
        ..HostServices::new("some/where".into())
    };
    // Log records go to the host that opened the library last: other tests open it too.
    let directory = tempfile::tempdir().expect("a directory");
    let own = inspect(&copy("hostile-encoder", directory.path())).expect("a plugin");
    let mut encoder = load(&own, services).and_then(|plugin| plugin.encoder(&json!({}))).expect("it opens");
    assert_eq!(encoder.info().runtime, "auto 7 Some(\"lib/libonnxruntime.so\")");
    assert_eq!(encoder.info().warnings, ["scratch: some/where"]);
    encoded(&mut encoder).expect("it encodes");
    assert_eq!(*steps.lock().expect("no panic"), [(1, 3), (2, 3), (3, 3)]);
    // One record: the debug record is below the level that the host keeps.
    let opened = "hostile-encoder INFO hostile_encoder opened to behave: ok".to_owned();
    assert_eq!(*records.lock().expect("no panic"), [opened]);
}

#[test]
fn a_panic_in_a_callback_stays_in_the_host() {
    let services = HostServices { progress: Arc::new(|_, _| panic!("a faulty progress bar")), ..services() };
    let mut encoder = load(&plugin("hostile-encoder"), services)
        .and_then(|plugin| plugin.encoder(&json!({})))
        .expect("it opens");
    encoded(&mut encoder).expect("the plugin does not notice");
}

#[test]
fn cancelling_ends_a_call() {
    let cancel = Arc::new(AtomicBool::new(false));
    let services = HostServices { cancel: cancel.clone(), ..services() };
    let mut encoder = load(&plugin("hostile-encoder"), services)
        .and_then(|plugin| plugin.encoder(&json!({ "behave": "until-cancelled" })))
        .expect("it opens");
    let start = Instant::now();
    let canceller = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        cancel.store(true, Ordering::Relaxed);
    });
    let error = encoded(&mut encoder).expect_err("it was cancelled");
    canceller.join().expect("it only sets a flag");
    assert!(error.is_cancelled(), "{error:?}");
    assert!(start.elapsed() >= Duration::from_millis(20));
}
