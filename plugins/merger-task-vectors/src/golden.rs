//! `merges.npz`: mergekit's dare with the masks that it drew.

use clirbench_loss::testing::GoldenFolder;
use clirbench_plugin::serde_json::json;

use crate::combine::Combination;
use crate::options::Options;

#[test]
fn dare_is_that_of_mergekit_and_of_the_paper() {
    let Some(folder) = GoldenFolder::find(env!("CARGO_MANIFEST_DIR")) else { return };
    let arrays = folder.arrays("merges.npz");
    let narrow = |name: &str| arrays[name].values.iter().map(|x| *x as f32).collect::<Vec<f32>>();
    let mut seen = 0;
    for (name, case) in folder.cases("merges.json").iter().filter(|(name, _)| name.starts_with("dare_")) {
        let parameters = &case["parameters"];
        let (density, rescale) = (parameters["density"].as_f64().unwrap_or_default(), &parameters["rescale"]);
        let weights: Vec<f64> =
            parameters["weight"].as_array().into_iter().flatten().filter_map(|w| w.as_f64()).collect();
        let method = if name.starts_with("dare_ties") { "dare-ties" } else { "dare-linear" };
        let options = Options::read(&json!({"method": method, "density": density})).expect("options");
        let combination = Combination::new(&options, &weights);
        for tensor in ["w", "b"] {
            let base = narrow(&format!("base/{tensor}"));
            let models = [0, 1].map(|model| narrow(&format!("m{model}/{tensor}")));
            let masks = [0, 1].map(|model| narrow(&format!("{name}/mask_m{model}/{tensor}")));
            let columns: Vec<&[f32]> = models.iter().map(Vec::as_slice).collect();
            let check = |scales: [f64; 2], golden: &str| {
                let wanted = &arrays[golden].values;
                let mut out = vec![f32::NAN; base.len()];
                combination.merge::<f64>(&base, &columns, &masks, &scales, &mut out);
                for (got, wanted) in out.iter().zip(wanted) {
                    assert!((f64::from(*got) - wanted).abs() < 1e-6, "{golden}: {got} {wanted}");
                }
            };
            let l1 = |mask: Option<&Vec<f32>>, model: &[f32]| -> f64 {
                let sizes = model.iter().zip(&base).map(|(x, base)| (f64::from(*x) - f64::from(*base)).abs());
                sizes.enumerate().map(|(i, size)| mask.map_or(size, |mask| size * f64::from(mask[i]))).sum()
            };
            let ratio = |i: usize| match l1(Some(&masks[i]), &models[i]) {
                0.0 => 1.0,
                kept => l1(None, &models[i]) / kept,
            };
            if rescale.as_bool() == Some(true) {
                check([ratio(0), ratio(1)], &format!("{name}/{tensor}"));
                check([1.0 / density; 2], &format!("{name}/paper_1_over_p/{tensor}"));
            } else {
                check([1.0; 2], &format!("{name}/{tensor}"));
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 16);
}
