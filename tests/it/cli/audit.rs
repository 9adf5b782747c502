//! `clirbench audit`: what it prints, and that findings set the exit status.

use clirbench_report::published::source;

use super::shown;
use crate::place::{Place, root};

#[test]
fn findings_set_the_exit_status() {
    let place = Place::new();
    let status = |arguments: &[&str]| place.end([&["audit"], arguments].concat()).code;
    assert_eq!(
        status(&["published:jang2025", "published:goworek2025", "published:mteb", "--strict"]),
        Some(0)
    );
    assert_eq!(status(&["published:hong2026"]), Some(5));
    let json = place.end(["audit", "published:hong2026", "--format", "json"]);
    let findings: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(findings["findings"].as_array().map(Vec::len), Some(8));
    assert_eq!(place.end(["--json", "audit", "published:hong2026"]).stdout, json.stdout);
}

/// The program needs no file of the repository for what it carries, and the repository's own results are fine.
#[test]
fn the_leaderboards_of_the_repository_have_no_findings() {
    let place = Place::new();
    let results = root().join("results");
    let ended = place.end(["audit", results.to_str().expect("UTF-8")]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    // The committed tables are those that the program carries; the errata among them are no results.
    let tables = root().join("datasets/published/hong2026-multi.csv");
    assert_eq!(place.end(["audit", tables.to_str().expect("UTF-8")]).code, Some(5));
}

#[test]
fn a_wrong_average_is_pointed_out() {
    let place = Place::new();
    let (_, table) = source("jang2025").expect("known").files[0];
    let row = "jang2025,1,bge-m3,base,overall,,clir,,,ndcg@10,percent,82.91,";
    assert!(table.contains(row));
    place.write("table.csv", table.replace(row, &row.replace("82.91", "82.19")));
    insta::assert_snapshot!("a_wrong_average", shown(&place.end(["audit", "table.csv"]), &place));
    place.write("notes.csv", "a,b\n1,2\n");
    insta::assert_snapshot!("audit_what", shown(&place.end(["audit", "notes.csv"]), &place));
    place.write("cut.json", "{\"task_name\": \"T\", \"scores\": {\"test\": [{\"ndcg_at_10\": 0.");
    insta::assert_snapshot!("audit_a_truncated_file", shown(&place.end(["audit", "cut.json"]), &place));
}
