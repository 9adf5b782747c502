//! Runs a graph in ONNX Runtime.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use ort::environment::Environment;
use ort::session::Session;
use ort::value::Tensor;

/// Token ids and the like: `[texts, tokens]` by name of the input.
pub(crate) type Inputs = BTreeMap<String, Vec<Vec<i64>>>;

/// `last_hidden_state` as `[texts, tokens, hidden]`, or `None` with a printed reason where there is no
/// ONNX Runtime. Inputs that the graph does not have are left out.
pub(crate) fn run(graph: &Path, inputs: &Inputs) -> Option<Vec<Vec<Vec<f32>>>> {
    static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
    let library = crate::path_of("ORT_DYLIB_PATH")?;
    let environment = ENVIRONMENT.get_or_init(|| {
        ort::init_from(&library)
            .expect("ONNX Runtime loads")
            .with_telemetry(false)
            .build()
            .expect("it starts")
    });
    let mut session =
        Session::builder(environment).and_then(|mut b| b.commit_from_file(graph)).expect("a session");
    let names: Vec<String> = session.inputs().iter().map(|input| input.name().to_owned()).collect();
    let feed: Vec<(String, Tensor<i64>)> = names
        .into_iter()
        .map(|name| {
            let rows = &inputs[&name];
            let shape = vec![rows.len(), rows[0].len()];
            (name, Tensor::from_array((shape, rows.concat())).expect("a tensor"))
        })
        .collect();
    let outputs = session.run(feed).expect("it runs");
    let (shape, values) = outputs["last_hidden_state"].try_extract_tensor::<f32>().expect("floats");
    let [texts, tokens, hidden] = shape[..] else { panic!("shape {shape}") };
    assert_eq!(values.len(), (texts * tokens * hidden) as usize);
    let (tokens, hidden) = (tokens as usize, hidden as usize);
    let text = |text: &[f32]| text.chunks_exact(hidden).map(<[f32]>::to_vec).collect();
    Some(values.chunks_exact(tokens * hidden).map(text).collect())
}
