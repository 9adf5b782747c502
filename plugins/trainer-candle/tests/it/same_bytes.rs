//! Equal jobs give equal bytes.

use clirbench_plugin::Host;
use clirbench_plugin::serde_json::json;

use crate::session::Watch;
use crate::workplace::{Files, Workplace, options_with};

/// With dropout, several chunks and rows of the table that rest for a while.
fn fit(place: &Workplace, threads: usize) -> Files {
    let config = options_with(json!({ "dropout": 0.2, "chunk_tokens": 24, "epochs": 6 }));
    place.fit_on(Host::detached().with_threads(threads), &config, &mut Watch::info_nce()).unwrap();
    place.take_result()
}

#[test]
fn two_fits_with_one_seed_are_the_same_and_another_seed_is_not() {
    let mut place = Workplace::new(0.1);
    let first = fit(&place, 1);
    assert_eq!(fit(&place, 1), first);
    place.job.seed = 43;
    assert_ne!(fit(&place, 1)["model.safetensors"], first["model.safetensors"]);
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let place = Workplace::new(0.1);
    let one = fit(&place, 1);
    for threads in [2, 3] {
        assert_eq!(fit(&place, threads), one, "{threads} threads");
    }
}

#[test]
fn dropout_is_the_configs_unless_the_options_say_otherwise() {
    let fit = |config: f64, option: Option<f64>| {
        let place = Workplace::new(config);
        let config = options_with(json!({ "dropout": option, "epochs": 2 }));
        place.fit(&config, &mut Watch::info_nce()).unwrap();
        place.take_result()["model.safetensors"].clone()
    };
    assert_eq!(fit(0.1, None), fit(0.1, Some(0.1)));
    assert_eq!(fit(0.3, Some(0.1)), fit(0.1, None));
    assert_ne!(fit(0.1, None), fit(0.1, Some(0.0)));
}
