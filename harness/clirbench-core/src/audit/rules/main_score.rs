//! MTEB's `main_score` repeats one of the metrics beside it.

use super::{Checks, Sheet};

/// What `main_score` is, in the tasks of mteb that retrieve and whose main score is not nDCG@10.
const OTHERS: [(&str, &str); 6] = [
    ("NeuCLIR2022Retrieval", "ndcg@20"),
    ("NeuCLIR2023Retrieval", "ndcg@20"),
    ("LEMBNeedleRetrieval", "ndcg@1"),
    ("LEMBPasskeyRetrieval", "ndcg@1"),
    ("BrightLongRetrieval", "recall@1"),
    ("LIMITRetrieval", "recall@2"),
];

pub(super) fn check(sheet: &Sheet, checks: &mut Checks<'_>) {
    for group in sheet.groups() {
        let Some(main) = group.get("main_score", None) else { continue };
        let task = group.cell().dataset.as_str();
        let named = OTHERS.iter().find(|(other, _)| *other == task).map_or("ndcg@10", |(_, metric)| metric);
        let metric = group.readings().find(|r| r.figure.measure.to_string() == named);
        if let Some(metric) = metric.filter(|_| task.contains("Retrieval")) {
            checks.hold(
                |units| main.number.span(units).meets(metric.number.span(units)),
                main.position,
                || format!("{}, which is {}", main.figure.shown(metric.number.value, 0), metric.figure.name),
            );
            continue;
        }
        // The main score of another task is not known here, but it has to be there.
        let others: Vec<_> = group.readings().filter(|r| r.position != main.position).collect();
        if !others.is_empty() {
            checks.hold(
                |units| others.iter().any(|r| main.number.span(units).meets(r.number.span(units))),
                main.position,
                || "one of the metrics beside it".to_owned(),
            );
        }
    }
}
