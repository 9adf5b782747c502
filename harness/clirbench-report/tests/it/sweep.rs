//! The files of a sweep, on round numbers.

use clirbench_core::results::Merged;
use clirbench_report::Results;
use clirbench_report::sweep::{Candidate, Selection, Sweep, write};

use crate::fixture::score;

/// nDCG@10 of `en-ko`, `ko-en`, `en-en` and `ko-ko`, in percent, on one dataset.
const MODELS: [(&str, [f64; 4]); 4] = [
    ("base", [80.0, 70.0, 90.0, 86.0]),
    ("tuned", [86.0, 80.0, 84.0, 80.0]),
    ("base+tuned", [85.0, 79.0, 89.0, 85.0]),
    ("base+tuned@0.25", [82.0, 74.0, 88.0, 84.0]),
];

fn results() -> Results {
    let mut scores = Vec::new();
    for (model, values) in MODELS {
        let places = [["clir", "en", "ko"], ["clir", "ko", "en"], ["mono", "en", "en"], ["mono", "ko", "ko"]];
        for ([scenario, query, pool], value) in places.into_iter().zip(values) {
            scores.push(score(model, ["kdc", scenario, query, pool], "ndcg@10", value / 100.0));
        }
    }
    Results { scores, ..Results::default() }
}

fn merges() -> Vec<Merged> {
    let merged = |model: &str, recipe: &str, weights: [f64; 2]| Merged {
        model: model.to_owned(),
        recipe: recipe.to_owned(),
        parents: vec!["base".to_owned(), "tuned".to_owned()],
        weights: weights.to_vec(),
    };
    vec![merged("base+tuned", "uniform", [1.0, 1.0]), merged("base+tuned@0.25", "weighted", [0.75, 0.25])]
}

fn written(selection: Option<&Selection>) -> [String; 3] {
    let dir = tempfile::tempdir().expect("a folder");
    let notes = ["2 checkpoints".to_owned()];
    let (results, merges) = (results(), merges());
    let sweep = Sweep { results: &results, merges: &merges, selection, notes: &notes };
    write(dir.path(), &sweep).expect("written");
    ["merges.csv", "pareto.csv", "sweep.md"]
        .map(|name| std::fs::read_to_string(dir.path().join(name)).expect("readable"))
}

#[test]
fn pairs_are_laid_out_from_the_side_of_both_parents() {
    let [merges, _, page] = written(None);
    let expected = "\
model,method,weights,parents,CLIR AVG en-ko,CLIR AVG ko-en,Mono AVG en-en,Mono AVG ko-ko,OVR
base,,,,80.00,70.00,90.00,86.00,81.50
tuned,,,,86.00,80.00,84.00,80.00,82.50
base+tuned,uniform,1 1,base tuned,85.00,79.00,89.00,85.00,84.50
base+tuned@0.25,weighted,0.75 0.25,base tuned,82.00,74.00,88.00,84.00,82.00
";
    assert_eq!(merges, expected);
    let uniform = "\
| base | alone | 80.00 | 70.00 | 90.00 | 86.00 | 81.50 |
|  | tuned | 85.00 | 79.00 | 89.00 | 85.00 | 84.50 |
| tuned | alone | 86.00 | 80.00 | 84.00 | 80.00 | 82.50 |
|  | base | 85.00 | 79.00 | 89.00 | 85.00 | 84.50 |
";
    assert!(page.contains(uniform), "{page}");
    assert!(page.contains("## Pairwise merges: weighted, weights 0.75 0.25"), "{page}");
}

#[test]
fn the_front_is_what_nothing_beats_in_both() {
    let [_, pareto, page] = written(None);
    let dominated: Vec<(&str, &str)> = pareto
        .lines()
        .skip(1)
        .map(|line| (line.split(',').next().unwrap_or(""), line.rsplit(',').next().unwrap_or("")))
        .collect();
    let expected = [("tuned", ""), ("base+tuned", ""), ("base+tuned@0.25", "base+tuned"), ("base", "")];
    assert_eq!(dominated, expected);
    assert!(page.contains("| base+tuned | 82.00 | 87.00 | **front** |"), "{page}");
    assert!(page.contains("behind base+tuned |"), "{page}");
}

#[test]
fn a_selection_on_the_reported_data_says_so() {
    let selection = |shared: &[&str]| Selection {
        score: "ndcg@10 in clir".to_owned(),
        datasets: vec!["dev".to_owned()],
        shared: shared.iter().map(|&s| s.to_owned()).collect(),
        candidates: vec![
            Candidate { model: "base+tuned".to_owned(), score: 82.0 },
            Candidate { model: "base".to_owned(), score: 75.0 },
        ],
        winners: vec!["base+tuned".to_owned()],
        soup: vec!["tuned".to_owned(), "base".to_owned()],
    };
    let [.., page] = written(Some(&selection(&[])));
    assert!(page.contains("shares no text with the reported data"), "{page}");
    assert!(page.contains("| base+tuned | 82.00 | **winner** |\n| base | 75.00 |  |"), "{page}");
    assert!(page.contains("Greedy soup: tuned, base."), "{page}");
    let [.., page] = written(Some(&selection(&["3 of 60 queries of kdc are in dev too"])));
    assert!(page.contains("not separate") && page.contains("- 3 of 60 queries"), "{page}");
}
