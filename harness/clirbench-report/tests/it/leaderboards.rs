use std::path::Path;

use clirbench_core::results::{QueryValues, ScoreRow};
use clirbench_report::Results;
use clirbench_report::leaderboard::{Column, Leaderboard, clir, mixed, mono, overall};
use clirbench_report::terminal::{Style, render};

use crate::fixture::{run, score};

fn column<'a>(board: &'a Leaderboard, group: &str, name: &str) -> &'a Column {
    let mut columns = board.sections.iter().flat_map(|s| &s.columns);
    columns.find(|c| c.group == group && c.name == name).unwrap_or_else(|| panic!("no {group} {name}"))
}

fn means(column: &Column) -> Vec<Option<f64>> {
    column.values.iter().map(|v| v.map(|v| v.mean)).collect()
}

#[test]
fn averages_by_hand() {
    let scores = run().scores;
    let board = clir(&scores, &[]);
    // kdc 0.25 and xquad 0.375; kdc 0.5 and xquad 0.375.
    assert_eq!(means(column(&board, "AVG", "en-ko")), [Some(0.3125), Some(0.4375)]);
    // `hashed` lacks xquad ko-en, which the other model has: no average, no OVR.
    assert_eq!(means(column(&board, "xquad", "ko-en")), [None, Some(0.4375)]);
    assert_eq!(means(column(&board, "AVG", "ko-en")), [None, Some(0.40625)]);
    assert_eq!(means(column(&board, "OVR", "")), [None, Some((0.4375 + 0.40625) / 2.0)]);
    // Mono has one dataset.
    assert_eq!(means(column(&mono(&scores, &[]), "OVR", "")), [Some(0.609375), Some(0.609375)]);
    let all = overall(&scores, &[]);
    let four = (0.4375 + 0.40625 + 0.375 + 0.84375) / 4.0;
    assert_eq!(means(column(&all, "OVR", "")), [None, Some(four)]);
    assert_eq!(means(column(&all, "Mono AVG", "ko-ko")), [Some(0.59375), Some(0.84375)]);
}

#[test]
fn parallel_queries_are_resampled_together_and_datasets_apart() {
    // ko-en is the mirror image of en-ko, query by query: their mean is 0.5 in every resample that
    // draws the queries of both directions together, and only there.
    let cell = |dataset, query, documents| score("m", [dataset, "clir", query, documents], "ndcg@10", 0.5);
    let values = |row: &ScoreRow, values: [f64; 4]| QueryValues {
        cell: row.cell(),
        metric: row.metric.clone(),
        queries: ["q1", "q2", "q3", "q4"].map(str::to_owned).to_vec(),
        values: values.to_vec(),
    };
    let interval = |board: &Leaderboard, group, name| {
        column(board, group, name).values[0].expect("a value").interval.expect("per-query values")
    };
    let scores = [cell("a", "en", "ko"), cell("a", "ko", "en")];
    let per_query = [values(&scores[0], [1.0, 0.0, 0.75, 0.25]), values(&scores[1], [0.0, 1.0, 0.25, 0.75])];
    let board = clir(&scores, &per_query);
    assert_eq!(interval(&board, "OVR", ""), (0.5, 0.5));
    // The average over one dataset is the cell, with the cell's own interval.
    assert_eq!(interval(&board, "AVG", "en-ko"), (0.46875, 0.515625));

    let scores = [cell("a", "en", "ko"), cell("b", "en", "ko")];
    let per_query = [values(&scores[0], [1.0, 0.0, 0.75, 0.25]), values(&scores[1], [0.0, 1.0, 0.25, 0.75])];
    let (low, high) = interval(&clir(&scores, &per_query), "AVG", "en-ko");
    assert!(low < 0.4 && high > 0.6, "{low} {high}");
    // Without per-query values of every cell there is no interval.
    let missing = clir(&scores, &per_query[..1]);
    assert_eq!(column(&missing, "AVG", "en-ko").values[0].expect("a value").interval, None);
}

#[test]
fn a_cell_that_no_model_has_enters_no_average() {
    let mut scores = run().scores;
    scores.retain(|r| (&*r.dataset, &*r.query_lang) != ("xquad", "ko"));
    let board = clir(&scores, &[]);
    assert!(!board.has_gaps());
    assert_eq!(means(column(&board, "AVG", "ko-en")), [Some(0.125), Some(0.375)]);
}

#[test]
fn mixed_pools_have_no_mean_rank_over_pools() {
    let board = mixed(&run().scores, &[]);
    let titles: Vec<_> = board.sections.iter().map(|s| s.title.as_str()).collect();
    assert_eq!(titles, ["multi kdc en+ko", "multi", "multi-1 kdc en+ko", "multi-1"]);
    let names: Vec<_> = board.sections[1].columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["complete@10", "max@r_norm_of_mean"]);
    assert_eq!(means(column(&board, "OVR", "complete@10")), [Some(0.46875), Some(0.71875)]);
}

#[test]
fn scenarios_of_other_plugins_and_large_pools_are_shown() {
    let rows = [
        score("m", ["kdc", "translated", "en", "ko+es"], "recall@5", 0.5),
        score("m", ["kdc", "translated", "en", "ko+es"], "recall@5/best", 0.75),
        score("m", ["kdc", "pool-3", "en", "en+ko+es"], "map", 0.25),
    ];
    let board = mixed(&rows, &[]);
    assert_eq!(means(column(&board, "en", "recall@5")), [Some(0.5)]);
    assert_eq!(means(column(&board, "en", "map")), [Some(0.25)]);
    assert_eq!(board.sections.len(), 2);
}

#[test]
fn both_document_modes_are_two_datasets_and_ties_show_where_they_matter() {
    let place = ["xquad", "clir", "en", "es"];
    let own = |documents: &str, metric: &str, value| ScoreRow {
        documents: documents.to_owned(),
        ..score("m", place, metric, value)
    };
    let rows = [
        own("unique", "ndcg@10", 0.5),
        own("unique", "ndcg@10/best", 0.75),
        own("per-question", "ndcg@10", 0.25),
        own("per-question", "ndcg@10/best", 0.75),
        own("per-question", "ndcg@10/worst", 0.25),
    ];
    let board = clir(&rows, &[]);
    let heads: Vec<_> =
        board.sections[0].columns.iter().map(|c| (c.group.as_str(), c.name.as_str())).collect();
    assert_eq!(
        heads,
        [
            ("xquad (unique)", "en-es"),
            ("xquad (per-question)", "en-es"),
            ("xquad (per-question)", "en-es/best"),
            ("AVG", "en-es"),
            ("OVR", "")
        ]
    );
    assert_eq!(means(column(&board, "AVG", "en-es")), [Some(0.375)]);
}

#[test]
fn on_a_terminal() {
    let Results { scores, per_query, .. } = run();
    let style = Style { width: Some(80), ..Style::default() };
    let boards = [overall, clir, mono, mixed].map(|of| of(&scores, &per_query));
    let text: Vec<_> = boards.iter().map(|b| render(b, &style)).collect();
    insta::assert_snapshot!("terminal.txt", text.join("\n"));
    for line in text.iter().flat_map(|t| t.lines()).filter(|l| !l.contains("nDCG") && !l.contains("Per pool"))
    {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 80, "{line}");
    }
    let narrow = Style { width: Some(10), intervals: false, ..style };
    assert!(render(&boards[1], &narrow).contains("OVR"));
    assert_eq!(render(&clir(&[], &[]), &style), "");
}

#[test]
fn colour_marks_the_best_only_when_asked() {
    let board = mixed(&run().scores, &[]);
    assert!(!render(&board, &Style::default()).contains('\x1b'));
    let style = Style { colour: true, intervals: false, ..Style::default() };
    let text = render(&board, &style);
    // Complete@10: higher is better. Max@R: lower is better. Equal values are both best.
    for best in ["75.00", "14.00", "50.00"] {
        assert!(text.lines().any(|l| l.contains(&format!("{best}\x1b[0m"))), "{best}\n{text}");
    }
    assert!(!text.contains("16.00\x1b[0m"), "{text}");
}

/// Tables 1 and 5 of Jang et al. 2025: from the four datasets' cells of each training set to every printed AVG and OVR.
#[test]
fn published_averages_follow_from_the_published_cells() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/published/jang2025-composition.csv");
    if !path.exists() {
        eprintln!("skipped: ../shared/data/published is absent");
        return;
    }
    let mut reader = csv::Reader::from_path(path).expect("a CSV file");
    let records: Vec<csv::StringRecord> = reader.records().map(|r| r.expect("a record")).collect();
    let model = |r: &csv::StringRecord| format!("{} {}", &r[2], &r[3]);
    let value = |r: &csv::StringRecord| r[9].parse::<f64>().expect("a number");
    let cells: Vec<ScoreRow> = records
        .iter()
        .filter(|r| &r[4] != "average" && &r[4] != "overall")
        .map(|r| score(&model(r), [&r[4], &r[5], &r[6], &r[7]], &r[8], value(r) / 100.0))
        .collect();
    let boards = [clir(&cells, &[]), mono(&cells, &[])];
    let mut compared = 0;
    for r in records.iter().filter(|r| &r[4] == "average" || &r[4] == "overall") {
        let board = &boards[usize::from(&r[5] == "mono")];
        let row = board.models.iter().position(|m| *m == model(r)).expect("the model has cells");
        let found = match &r[4] {
            "average" => column(board, "AVG", &format!("{}-{}", &r[6], &r[7])),
            _ => column(board, "OVR", ""),
        };
        let mean = found.values[row].expect("no gaps").mean;
        // Cells are printed to 0.01: their mean is off by 0.005 at most, and the print by as much again.
        assert!((100.0 * mean - value(r)).abs() < 0.0101, "{}: {mean}", r.as_slice());
        compared += 1;
    }
    assert_eq!(compared, 216);
}
