//! Wrong usage ends with status 2 before anything is touched.

use super::shown;
use crate::place::Place;

#[test]
fn wrong_usage() {
    for (name, arguments) in [
        ("no_bench_file", &["run"][..]),
        ("no_threads", &["run", "bench.toml", "--threads", "0"]),
        ("unknown_device", &["run", "bench.toml", "--device", "tpu"]),
        ("unknown_command", &["rnu", "bench.toml"]),
        ("prune_what", &["cache", "prune"]),
    ] {
        let place = Place::new();
        let ended = place.end(arguments);
        assert_eq!(ended.code, Some(2), "{name}: {}", ended.stderr);
        assert!(!place.path(".clirbench").exists(), "{name}: a store was made");
        insta::assert_snapshot!(name, shown(&ended, &place));
    }
}
