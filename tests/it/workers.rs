//! Worker processes of a run, found by the store that they were given.

use std::{
    fs,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

/// How long a worker may outlive the program that started it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// Processes whose command line has a place in it; `None` where the system does not show them.
pub(crate) fn of(place: &Path) -> Option<Vec<u32>> {
    let place = place.to_str().expect("UTF-8");
    let mut found = Vec::new();
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let Some(id) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        if line.contains(place) && line.contains("work") {
            found.push(id);
        }
    }
    Some(found)
}

/// Waits until no worker of the place is left; fails after [`PATIENCE`].
pub(crate) fn assert_gone(place: &Path) {
    let since = Instant::now();
    while let Some(left) = of(place).filter(|left| !left.is_empty()) {
        assert!(since.elapsed() < PATIENCE, "workers {left:?} outlive the program that started them");
        sleep(Duration::from_millis(10));
    }
}
