//! The encoder through its public interface.
#![allow(clippy::unwrap_used, reason = "a test that meets an error should fail")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clirbench_plugin::serde_json::{Value, json};
use clirbench_plugin::{Encoder, Host, Role, TextStats};
use encoder_hashed::Hashed;
use proptest::prelude::*;

const NEEDLES: [&str; 8] = [
    "",
    " \n\t",
    "The tower is 324 metres tall.",
    "탑의 높이는 324미터이다.",
    "这座塔高324米。",
    "يبلغ ارتفاع البرج 324 مترًا.",
    "🎉🎉 👩‍👩‍👧‍👦",
    "ไทยไม่มีช่องว่าง",
];

fn open(config: Value, threads: usize) -> Hashed {
    Hashed::open(&config, Host::detached().with_threads(threads)).unwrap()
}

fn encode(encoder: &mut Hashed, texts: &[&str]) -> (Vec<f32>, Vec<TextStats>) {
    // Whatever was in the buffers must not show through.
    let mut out = vec![f32::NAN; texts.len() * encoder.info().dim];
    let mut stats = vec![TextStats { tokens: 99, unknown: 99, truncated: true }; texts.len()];
    assert_eq!(encoder.encode(Role::Document, texts, &mut out, &mut stats), Ok(texts.len()));
    (out, stats)
}

fn rows(config: Value, texts: &[&str]) -> Vec<Vec<f32>> {
    let mut encoder = open(config, 1);
    let (out, _) = encode(&mut encoder, texts);
    out.chunks(encoder.info().dim).map(<[f32]>::to_vec).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Cosines of the first text with each of the others.
fn nearness(texts: &[&str]) -> Vec<f32> {
    let rows = rows(json!({}), texts);
    rows[1..].iter().map(|row| cosine(&rows[0], row)).collect()
}

#[test]
fn near_duplicates_are_nearer_than_unrelated_texts() {
    let cases = [
        [
            "The river floods every spring when the snow melts.",
            "Each spring the river floods as snow is melting.",
            "Compilers translate source code into machine code.",
        ],
        [
            "눈이 녹으면 봄마다 강이 범람한다.",
            "봄이면 눈이 녹아 강이 범람한다.",
            "컴파일러는 소스 코드를 번역한다.",
        ],
        ["每年春天雪融化时河水泛滥。", "春天积雪融化，河水每年泛滥。", "编译器把源代码翻译成机器码。"],
        [
            "يفيض النهر كل ربيع عندما يذوب الثلج.",
            "كل ربيع يذوب الثلج ويفيض النهر.",
            "المترجم يحول الشيفرة إلى لغة الآلة.",
        ],
        ["แม่น้ำท่วมทุกฤดูใบไม้ผลิ", "ทุกฤดูใบไม้ผลิแม่น้ำจะท่วม", "คอมไพเลอร์แปลรหัสต้นฉบับ"],
        ["🎉🎂🎈", "🎂🎈🎉", "🚗🚕"],
    ];
    for texts in cases {
        let [near, far] = nearness(&texts)[..] else { unreachable!("two cosines") };
        assert!(near > 0.3 && near > far + 0.2, "{}: {near} {far}", texts[0]);
    }
}

#[test]
fn spelling_alone_crosses_languages() {
    let texts = [
        "Barack Obama was born in Honolulu in 1961.",
        "Barack Obama nació en Honolulu en 1961.",
        "La capital es Lima.",
    ];
    let [shared, nothing] = nearness(&texts)[..] else { unreachable!("two cosines") };
    assert!(shared > nothing + 0.3, "{shared} {nothing}");
}

#[test]
fn unrelated_texts_are_near_orthogonal() {
    let [cosine] = nearness(&["quick brown foxes jump", "zzyzx kvlm wptq"])[..] else {
        unreachable!("one cosine")
    };
    // Signed hashing has mean 0 and a standard deviation of about 1 / sqrt(1024).
    assert!(cosine.abs() < 0.15, "{cosine}");
}

#[test]
fn every_text_gets_a_finite_unit_row() {
    let long = "word ".repeat(200_000);
    let unbroken = "字".repeat(200_000);
    let texts = [&NEEDLES[..], &[&long, &unbroken]].concat();
    let mut encoder = open(json!({}), 2);
    let (out, stats) = encode(&mut encoder, &texts);
    for (row, text) in out.chunks(1024).zip(&texts) {
        let length = row.iter().map(|x| f64::from(x * x)).sum::<f64>();
        assert!((length - 1.0).abs() < 1e-5, "{length} {}", &text.chars().take(20).collect::<String>());
    }
    let tokens: Vec<u32> = stats.iter().map(|s| s.tokens).collect();
    assert_eq!(tokens[..3], [0, 0, 6]);
    assert_eq!(tokens[8..], [200_000, 200_000]);
    assert!(stats.iter().all(|s| s.unknown == 0 && !s.truncated));
}

#[test]
fn vectors_are_the_same_on_every_machine() {
    // Worked out apart from this crate: FNV-1a and MurmurHash3's finaliser in Python.
    let rows = rows(json!({"dim": 8, "ngrams": [2, 2], "word_weight": 2.0}), &["to be"]);
    let expected = [1.0, -1.0, -4.0, 0.0, 0.0, -1.0, -1.0, -2.0].map(|x| (x / 24f64.sqrt()) as f32);
    assert_eq!(rows[0], expected);
}

#[test]
fn threads_batches_and_order_change_nothing() {
    let texts: Vec<String> = (0..500).map(|i| format!("{} number {i}", NEEDLES[i % NEEDLES.len()])).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let alone = encode(&mut open(json!({}), 1), &texts);
    for threads in [2, 3, 16] {
        assert_eq!(encode(&mut open(json!({}), threads), &texts), alone);
    }
    let mut encoder = open(json!({}), 2);
    let backwards: Vec<&str> = texts.iter().rev().copied().collect();
    let (out, _) = encode(&mut encoder, &backwards);
    let rows: Vec<f32> = out.chunks(1024).rev().flatten().copied().collect();
    assert_eq!(rows, alone.0);
    let singly: Vec<f32> = texts.iter().flat_map(|text| encode(&mut encoder, &[text]).0).collect();
    assert_eq!(singly, alone.0);
}

#[test]
fn roles_do_not_matter_and_info_says_so() {
    let mut encoder = open(json!({"dim": 32}), 1);
    let info = encoder.info();
    assert!(info.symmetric && info.similarity == "cosine" && info.dim == 32 && info.files.is_empty());
    let [mut query, mut document] = [[0.0; 32]; 2];
    let mut stats = [TextStats::default()];
    encoder.encode(Role::Query, &["a text"], &mut query, &mut stats).unwrap();
    encoder.encode(Role::Document, &["a text"], &mut document, &mut stats).unwrap();
    assert_eq!(query, document);
    assert_eq!(encoder.render(Role::Query, "Ａ TEXT").unwrap(), "a text");
}

#[test]
fn options_change_vectors_and_bad_ones_are_refused() {
    let of = |config| rows(config, &["some words"]).remove(0);
    let default = of(json!({}));
    assert_eq!(of(json!({"dim": 1024, "ngrams": [2, 4], "word_weight": 1.0})), default);
    for other in [json!({"ngrams": [3, 3]}), json!({"word_weight": 0.0}), json!({"dim": 512})] {
        assert_ne!(of(other), default);
    }
    for bad in
        [json!({"dim": 0}), json!({"ngrams": [4, 2]}), json!({"word_weight": -1.0}), json!({"dim": "x"})]
    {
        let error = Hashed::open(&bad, Host::detached()).err().expect("refused");
        assert_eq!(error.kind, "config");
    }
}

#[test]
fn buffers_of_other_sizes_are_refused() {
    let mut encoder = open(json!({"dim": 4}), 1);
    let mut stats = [TextStats::default()];
    let error = encoder.encode(Role::Query, &["a"], &mut [0.0; 5], &mut stats).unwrap_err();
    assert_eq!(error.kind, "input");
    assert_eq!(encoder.encode(Role::Query, &[], &mut [], &mut []), Ok(0));
}

#[test]
fn cancelling_stops_before_the_end() {
    let flag = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&flag);
    // Stops at the first sign of progress, so some texts are done and some are not.
    let host = Host::detached().with_threads(1).with_cancel(flag).with_progress(move |done, total| {
        assert!(0 < done && done < total);
        stop.store(true, Ordering::Relaxed);
    });
    let mut encoder = Hashed::open(&json!({"dim": 4}), host).unwrap();
    let mut out = vec![0.0; 4 * 1000];
    let mut stats = vec![TextStats::default(); 1000];
    let error = encoder.encode(Role::Query, &["a"; 1000], &mut out, &mut stats).unwrap_err();
    assert_eq!(
        (error.kind.as_str(), error.message.as_str()),
        ("cancelled", "stopped after 64 of 1000 texts")
    );
}

proptest! {
    #[test]
    fn any_text_gets_a_unit_row(text in any::<String>(), dim in 1..64usize) {
        let row = &rows(json!({"dim": dim}), &[&text])[0];
        let length = row.iter().map(|x| f64::from(x * x)).sum::<f64>();
        prop_assert!((length - 1.0).abs() < 1e-5);
    }

    #[test]
    fn normalising_twice_changes_nothing(text in any::<String>()) {
        let encoder = open(json!({}), 1);
        let once = encoder.render(Role::Query, &text).unwrap();
        prop_assert_eq!(encoder.render(Role::Query, &once).unwrap(), once);
    }
}
