//! A pretrained model: `CLIRBENCH_MINILM` names the directory of all-MiniLM-L6-v2.

use clirbench_model::Tensors;
use clirbench_plugin::serde_json::json;

use crate::session::Watch;
use crate::workplace::Workplace;

const PAIRS: [[&str; 2]; 4] = [
    ["The tower is 324 metres tall.", "Der Turm ist 324 Meter hoch."],
    ["Each spring the river floods as snow is melting.", "Jeden Fruehling tritt der Fluss ueber die Ufer."],
    [
        "Compilers translate source code into machine code.",
        "Compiler uebersetzen Quelltext in Maschinencode.",
    ],
    ["The capital of Peru is Lima.", "Die Hauptstadt von Peru ist Lima."],
];

/// The four pairs and the model, where it is at hand.
fn place() -> Option<Workplace> {
    let base = std::env::var_os("CLIRBENCH_MINILM")?;
    let mut place = Workplace::new(0.0);
    place.job.base = base.into_string().unwrap();
    place.texts = PAIRS.iter().flatten().map(|text| (*text).to_owned()).collect();
    place.rows = (0..8).collect();
    Some(place)
}

#[test]
fn ten_steps_are_those_of_torch() {
    // sentence-transformers 6.2 on torch 2.15, no dropout, loss = cross_entropy(20 q d^T), AdamW with the
    // settings below, no decay on biases and LayerNorm, clip_grad_norm_(1.0),
    // get_linear_schedule_with_warmup(3, 10): loss and norm of the gradient before each step.
    let expected = [
        (0.13503175973892212, 8.79529094696045),
        (0.13503175973892212, 8.79529094696045),
        (0.01946534588932991, 1.4842685461044312),
        (0.0011964247096329927, 0.08487168699502945),
        (0.0003905881894752383, 0.03421996161341667),
        (0.00016737071564421058, 0.015146498568356037),
        (8.43033121782355e-05, 0.00761959096416831),
        (5.086985038360581e-05, 0.004537712316960096),
        (3.6119054129812866e-05, 0.0031732767820358276),
        (2.9324592105695046e-05, 0.002550209639593959),
    ];
    let Some(place) = place() else {
        println!("skipped: CLIRBENCH_MINILM is not set");
        return;
    };
    let config = json!({
        "learning_rate": 5e-5, "epochs": 10, "warmup_ratio": 0.25, "weight_decay": 0.1, "betas": [0.9, 0.99],
        "dropout": 0.0,
    });
    let mut watch = Watch::info_nce();
    place.fit(&config, &mut watch).unwrap();
    for (report, (loss, norm)) in watch.reports.iter().zip(expected) {
        let close = |a: f64, b: f64| (a / b - 1.0).abs() < 5e-3 || (a - b).abs() < 1e-6;
        assert!(close(report.loss, loss) && close(report.gradient_norm, norm), "{report:?} {loss} {norm}");
        if report.step <= 4 {
            assert!((report.loss / loss - 1.0).abs() < 1e-4, "{report:?} {loss}");
            assert!((report.gradient_norm / norm - 1.0).abs() < 1e-4, "{report:?} {norm}");
        }
    }
    assert_eq!(watch.reports.len(), expected.len());
}

#[test]
fn minilm_learns_and_every_tensor_moves() {
    let Some(place) = place() else {
        println!("skipped: CLIRBENCH_MINILM is not set");
        return;
    };
    let config = json!({
        "learning_rate": 1e-4, "epochs": 8, "warmup_ratio": 0.0, "schedule": "constant", "weight_decay": 0.1,
    });
    let mut watch = Watch::info_nce();
    let report = place.fit(&config, &mut watch).unwrap();
    // 22.7 million parameters, without the pooler's 147,840.
    assert_eq!((report.steps, report.parameters), (8, 22_565_376));
    let losses: Vec<f64> = watch.reports.iter().map(|r| r.loss).collect();
    assert!(losses[7] < 0.2 * losses[0], "{losses:?}");

    let read = |folder: &str| {
        let tensors = Tensors::open(folder.as_ref()).unwrap();
        (tensors.names().map(str::to_owned).collect::<Vec<_>>(), tensors)
    };
    let (names, before) = read(&place.job.base);
    let (trained_names, after) = read(&place.job.out);
    assert_eq!(names, trained_names);
    // Token 29,000 is in no text: its row has only decayed, by 1 - 1e-4 * 0.1 in each step.
    let row = |tensors: &Tensors| {
        let table = tensors.read("embeddings.word_embeddings.weight").unwrap().to_f32().unwrap();
        table[29_000 * 384..29_001 * 384].to_vec()
    };
    let decayed = |x: f32| (0..8).fold(x, |x, _| x * (1.0 - 1e-4f64 * 0.1) as f32);
    assert_eq!(row(&after), row(&before).into_iter().map(decayed).collect::<Vec<_>>());
}
