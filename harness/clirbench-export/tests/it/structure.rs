//! The bytes of exported files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use clirbench_export::ExportOptions;

use crate::onnx::{Graph, read};
use crate::tiny::{Case, Model, cases, elements};

fn exported(case: &Case, external_data: bool) -> (Model, Graph) {
    let model = Model::new(case, "");
    model.export(ExportOptions { external_data, force: false }).expect("exported");
    let graph = read(&fs::read(model.graph()).expect("the graph"));
    (model, graph)
}

#[test]
fn every_value_is_defined_before_it_is_used_and_names_are_unique() {
    for (name, case) in cases() {
        let (_model, graph) = exported(&case, false);
        let mut inputs = vec!["attention_mask", "input_ids"];
        inputs.extend((case.config["model_type"] == "bert").then_some("token_type_ids"));
        let mut sorted = graph.inputs.clone();
        sorted.sort();
        assert_eq!(sorted, inputs, "{name}");
        assert_eq!(graph.outputs, ["last_hidden_state"], "{name}");

        let mut defined = BTreeSet::new();
        let names = graph.initializers.iter().map(|i| &i.name);
        for value in graph.inputs.iter().chain(names) {
            assert!(defined.insert(value.as_str()), "{name}: {value} is defined twice");
        }
        let mut used = BTreeSet::new();
        let mut nodes = BTreeSet::new();
        for node in &graph.nodes {
            assert!(nodes.insert(&node.name), "{name}: two nodes {}", node.name);
            for input in &node.inputs {
                assert!(defined.contains(input.as_str()), "{name}: {} uses {input}", node.name);
                used.insert(input.as_str());
            }
            for output in &node.outputs {
                assert!(defined.insert(output), "{name}: {output} is defined twice");
            }
        }
        used.insert("last_hidden_state");
        let idle: Vec<_> = defined.difference(&used).collect();
        assert!(idle.is_empty(), "{name}: nobody uses {idle:?}");
    }
}

#[test]
fn the_graph_holds_every_weight_of_the_encoder_once_linear_layers_turned() {
    for (name, case) in cases() {
        let (_model, graph) = exported(&case, false);
        let by_name: BTreeMap<&str, _> = graph.initializers.iter().map(|i| (i.name.as_str(), i)).collect();
        for (tensor, shape) in &case.tensors {
            let values = elements(tensor, shape);
            let straight = by_name.get(tensor.as_str());
            let turned = by_name.get(format!("{tensor}.transposed").as_str());
            let (stored, expected) = match (straight, turned) {
                (Some(stored), None) => (stored, values),
                (None, Some(stored)) => {
                    let [rows, columns] = shape[..] else { panic!("{name}: {tensor} of shape {shape:?}") };
                    assert_eq!(stored.dims, [columns, rows], "{name}: {tensor}");
                    let at = |i: usize| values[(i % rows) * columns + i / rows];
                    (stored, (0..rows * columns).map(at).collect())
                }
                other => panic!("{name}: {tensor} is {other:?}"),
            };
            let expected: Vec<u8> = expected.iter().flat_map(|x| x.to_le_bytes()).collect();
            assert!(stored.raw.as_ref() == Some(&expected), "{name}: {tensor}");
        }
        let constants = graph.initializers.iter().filter(|i| i.name.starts_with("constant_")).count();
        assert_eq!(constants + case.tensors.len(), graph.initializers.len(), "{name}");
    }
}

#[test]
fn external_data_hold_the_same_bytes_at_pages() {
    for (name, case) in cases() {
        let (_inline_model, inline) = exported(&case, false);
        let (model, external) = exported(&case, true);
        let data = fs::read(model.path().join("onnx/model.onnx_data")).expect("the data");
        for (a, b) in inline.initializers.iter().zip(&external.initializers) {
            assert_eq!((&a.name, &a.dims), (&b.name, &b.dims), "{name}");
            if b.name.starts_with("constant_") {
                assert_eq!(a.raw, b.raw, "{name}: constants stay in the graph");
                continue;
            }
            let entry: BTreeMap<&str, &str> =
                b.external.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            let number = |key: &str| entry[key].parse::<usize>().expect("a number");
            assert_eq!((entry["location"], number("offset") % 4096), ("model.onnx_data", 0), "{name}");
            let bytes = &data[number("offset")..][..number("length")];
            assert!(b.raw.is_none() && a.raw.as_deref() == Some(bytes), "{name}: {}", a.name);
        }
    }
}

#[test]
fn the_report_counts_what_is_there() {
    let case = &cases()["bert"];
    let model = Model::new(case, "");
    let report = model.export(ExportOptions { external_data: true, force: false }).expect("exported");
    let size = |path: &std::path::Path| fs::metadata(path).expect("written").len();
    let data = report.data.as_ref().expect("external data");
    assert_eq!((report.graph_bytes, report.data_bytes), (size(&report.graph), size(data)));
    let parameters: usize = case.tensors.values().map(|shape| shape.iter().product::<usize>()).sum();
    assert_eq!((report.parameters, report.architecture.as_str()), (parameters as u64, "bert"));
    assert_eq!(report.nodes, read(&fs::read(&report.graph).expect("the graph")).nodes.len());
}
