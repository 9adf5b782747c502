//! From the command line to a [`Setup`]: the bench file, plugins, the store, ONNX Runtime.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use clirbench_host::{Device, Lock, SearchPath, discover};
use clirbench_jobs::{bench::Bench, executor::ExecutorOptions, plan::Setup, recipe::Recipe, sweep::Sweep};
use clirbench_store::Store;

use crate::{
    cli::{BenchArgs, ComputeArgs, Global},
    diagnosis::Diagnosed,
    failure::{Advice, Exit},
    screen::Screen,
};

/// Reads a bench file.
pub(crate) fn read_bench(path: &Path) -> Result<Bench> {
    let text = std::fs::read_to_string(path).with_context(|| {
        Advice::new(
            format!("cannot read the bench file {}", path.display()),
            "give the path of a TOML file; README.md shows one",
        )
    })?;
    Bench::parse(&text).map_err(|error| anyhow!(Diagnosed::new(path, text, error)))
}

/// Reads a recipe.
pub(crate) fn read_recipe(path: &Path) -> Result<Recipe> {
    let text = std::fs::read_to_string(path).with_context(|| {
        Advice::new(
            format!("cannot read the recipe {}", path.display()),
            "give the path of a TOML file; datasets/recipes holds some",
        )
    })?;
    Recipe::parse(&text).map_err(|error| anyhow!(Diagnosed::new(path, text, error)))
}

/// Reads a sweep file.
pub(crate) fn read_sweep(path: &Path) -> Result<Sweep> {
    let text = std::fs::read_to_string(path).with_context(|| {
        Advice::new(
            format!("cannot read the sweep file {}", path.display()),
            "give the path of a TOML file; README.md shows one",
        )
    })?;
    Sweep::parse(&text).map_err(|error| anyhow!(Diagnosed::new(path, text, error)))
}

/// Everything that a run of the bench in `file` is started with.
pub(crate) fn setup(
    bench: Bench,
    file: &Path,
    compute: &ComputeArgs,
    global: &Global,
    run_files: bool,
    screen: &Screen,
) -> Result<Setup> {
    let base = file.parent().unwrap_or(Path::new("")).to_owned();
    let store = Store::open(&global.store)?;
    let plugins = discover(&search_path(global));
    for shadowed in &plugins.shadowed {
        let (used, path) = (shadowed.used.display(), shadowed.path.display());
        screen.say(&format!("plugin {}: {used} is used, {path} is not", shadowed.id));
    }
    for refused in &plugins.refused {
        screen.warn(&format!("{} is not used: {}", refused.path.display(), refused.reason));
    }
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let threads = compute.threads.map_or_else(cores, usize::from);
    let device = compute.device.as_deref().or(bench.run.device.as_deref()).unwrap_or("cpu");
    let device: Device = device.parse().map_err(|e| anyhow!("{e}"))?;
    let program = std::env::current_exe().context("cannot find the running program")?;
    let store_dir = std::path::absolute(store.root()).context("cannot find the store's folder")?;
    let mut arguments = vec!["work".to_owned(), format!("--store={}", store_dir.display())];
    arguments.extend([format!("--threads={threads}"), format!("--device={device}")]);
    arguments.extend(onnxruntime(global).map(|path| format!("--ort={}", path.display())));
    let stall = Duration::from_secs(bench.run.stall_seconds);
    let executor = ExecutorOptions { program, arguments, threads, stall };
    Ok(Setup { bench, base, store, plugins, lock: lock()?, executor, device, run_files })
}

/// The setup of a command that takes a bench file.
pub(crate) fn bench_setup(
    args: &BenchArgs,
    global: &Global,
    run_files: bool,
    screen: &Screen,
) -> Result<Setup> {
    setup(read_bench(&args.bench)?, &args.bench, &args.compute, global, run_files, screen)
}

/// Where plugins are looked for.
pub(crate) fn search_path(global: &Global) -> SearchPath {
    SearchPath::new(&global.plugins, Some(Path::new(".")))
}

/// The project's `plugins.lock`, if there is one.
fn lock() -> Result<Option<Lock>> {
    Ok(Lock::read(Path::new(Lock::FILE)).map_err(Advice::from)?)
}

/// The ONNX Runtime library: named, or installed below `.clirbench/onnxruntime`.
fn onnxruntime(global: &Global) -> Option<PathBuf> {
    if let Some(path) = &global.ort {
        return Some(std::path::absolute(path).unwrap_or_else(|_| path.clone()));
    }
    let program = std::env::current_exe().ok();
    let above = program.iter().flat_map(|p| p.ancestors().skip(1).take(4)).map(Path::to_owned);
    let roots = std::iter::once(PathBuf::from(".")).chain(above);
    let folders = roots.map(|root| root.join(".clirbench/onnxruntime"));
    folders
        .flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten())
        .map(|entry| entry.path())
        .find(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("libonnxruntime.so")))
        .and_then(|path| std::path::absolute(path).ok())
}

/// A flag that Ctrl-C raises; pressed again, the program ends at once.
pub(crate) fn cancel_flag() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let pressed = AtomicUsize::new(0);
    let raised = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        raised.store(true, Ordering::Relaxed);
        if pressed.fetch_add(1, Ordering::Relaxed) > 0 {
            // Workers end when their input closes; the store holds only whole results.
            std::process::exit(Exit::Stopped as i32);
        }
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(flag)
}
