//! `cargo xtask setup`: ONNX Runtime from its Python wheel.
//!
//! The wheel is the one build of ONNX Runtime for Linux that every machine with Python can get, mirrors
//! and proxies included: pip's own configuration decides from where. What comes is pinned by hash.

use std::{
    env, fmt, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use crate::workspace::{Workspace, last_line, output};

const VERSION: &str = "1.31.1";

/// A wheel and the library in it.
struct Pin {
    arch: &'static str,
    /// Platform tag of the wheel.
    platform: &'static str,
    wheel_sha256: &'static str,
    library_sha256: &'static str,
}

/// The library is the same in the wheels of all Python versions, so one of them (CPython 3.12) will do
/// whatever Python runs pip.
const PINS: [Pin; 2] = [
    Pin {
        arch: "x86_64",
        platform: "manylinux_2_28_x86_64",
        wheel_sha256: "1f3dea47f2f0e5117c2404cea7d21fd253ae7836a3bf167a501cdfbb2600d536",
        library_sha256: "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3",
    },
    Pin {
        arch: "aarch64",
        platform: "manylinux_2_28_aarch64",
        wheel_sha256: "0b9a492176886992e0e875f06bc0367e333f5fff11711a2d642e18b02f3009cc",
        library_sha256: "8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467",
    },
];

/// What became of the set-up.
#[derive(Debug)]
pub(crate) enum Setup {
    /// The library is there.
    Ready(PathBuf),
    /// It is not, and why; everything but `encoder-onnx` works without it.
    Skipped(String),
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setup::Ready(library) => write!(f, "ONNX Runtime: {}", library.display()),
            Setup::Skipped(reason) => write!(f, "ONNX Runtime: skipped, {reason}"),
        }
    }
}

impl Setup {
    pub(crate) fn library(&self) -> Option<&Path> {
        match self {
            Setup::Ready(library) => Some(library),
            Setup::Skipped(_) => None,
        }
    }
}

/// Gets ONNX Runtime unless it is there. No network, no pip and no pinned wheel are reasons to go on
/// without it; a wheel or library that is not the pinned one is an error.
pub(crate) fn setup(workspace: &Workspace) -> Result<Setup> {
    if let Some(named) = env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from) {
        ensure!(named.is_file(), "ORT_DYLIB_PATH: there is no {}", named.display());
        return Ok(Setup::Ready(named));
    }
    let glibc = cfg!(all(target_os = "linux", target_env = "gnu"));
    let Some(pin) = PINS.iter().find(|pin| glibc && pin.arch == env::consts::ARCH) else {
        let (os, arch) = (env::consts::OS, env::consts::ARCH);
        let reason =
            format!("no wheel is pinned for {os} {arch}; set ORT_DYLIB_PATH to a library of your own");
        return Ok(Setup::Skipped(reason));
    };
    install(pin, &workspace.root.join(".clirbench"), &|| Command::new("python3"))
}

/// Starts a command line of Python.
type Python<'a> = &'a dyn Fn() -> Command;

fn install(pin: &Pin, home: &Path, python: Python<'_>) -> Result<Setup> {
    let folder = home.join("onnxruntime");
    let name = format!("libonnxruntime.so.{VERSION}");
    let library = folder.join(&name);
    if sha256(&library).is_ok_and(|found| found == pin.library_sha256) {
        return Ok(Setup::Ready(library));
    }
    fs::create_dir_all(home).with_context(|| format!("cannot create {}", home.display()))?;
    // Beside its destination, so that the last step is a rename.
    let scratch = tempfile::tempdir_in(home)?;
    let wheel = match download(pin, scratch.path(), python)? {
        Wheel::Got(wheel) => wheel,
        Wheel::Unavailable(reason) => return Ok(Setup::Skipped(reason)),
    };
    let unpacked = scratch.path().join("unpacked");
    output(python().args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&unpacked))?;
    let new = scratch.path().join("onnxruntime");
    fs::create_dir(&new)?;
    fs::rename(unpacked.join("onnxruntime/capi").join(&name), new.join(&name))
        .with_context(|| format!("{} holds no {name}", wheel.display()))?;
    let found = sha256(&new.join(&name))?;
    let pinned = pin.library_sha256;
    ensure!(found == pinned, "{name} in the wheel has sha256 {found}, not the pinned {pinned}");
    // The folder is replaced as a whole, or another version in it would be found as well.
    if let Err(e) = fs::remove_dir_all(&folder)
        && e.kind() != io::ErrorKind::NotFound
    {
        return Err(e).with_context(|| format!("cannot replace {}", folder.display()));
    }
    fs::rename(&new, &folder).with_context(|| format!("cannot write {}", folder.display()))?;
    Ok(Setup::Ready(library))
}

enum Wheel {
    Got(PathBuf),
    Unavailable(String),
}

fn download(pin: &Pin, folder: &Path, python: Python<'_>) -> Result<Wheel> {
    const AGAIN: &str = "run `cargo xtask setup` again";
    match python().args(["-m", "pip", "--version"]).output() {
        Ok(output) if output.status.success() => {}
        Ok(_) => return Ok(Wheel::Unavailable(format!("python3 has no pip; install it and {AGAIN}"))),
        Err(e) => {
            let reason = format!("python3 does not start ({e}); install it with pip and {AGAIN}");
            return Ok(Wheel::Unavailable(reason));
        }
    }
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, format!("onnxruntime=={VERSION} --hash=sha256:{}\n", pin.wheel_sha256))?;
    eprintln!("getting ONNX Runtime {VERSION} ({}) with pip", pin.platform);
    let mut pip = python();
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--retries", "2"]);
    pip.args(["--no-deps", "--only-binary=:all:", "--require-hashes"]);
    pip.args(["--implementation", "cp", "--python-version", "3.12", "--abi", "cp312"]);
    pip.args(["--platform", pin.platform, "--dest"]).arg(folder).arg("--requirement").arg(&requirements);
    let output = pip.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("DO NOT MATCH THE HASHES") {
            bail!("the onnxruntime {VERSION} that pip got is not the pinned one:\n{said}");
        }
        let reason = last_line(&output.stderr);
        return Ok(Wheel::Unavailable(format!("pip could not get it ({reason}); with a network, {AGAIN}")));
    }
    let files = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let wheel = files.into_iter().find(|path| path.extension().is_some_and(|e| e == "whl"));
    wheel.map(Wheel::Got).context("pip downloaded no wheel")
}

fn sha256(path: &Path) -> io::Result<String> {
    Ok(Sha256::digest(fs::read(path)?).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// sha256 of `library\n` (`printf 'library\n' | sha256sum`).
    const LIBRARY: &str = "b5e0dfe3c2b269568c488e74fdc56495a5729538ebc6ef36488c85a7d7a1730e";

    fn pin(library_sha256: &'static str) -> Pin {
        Pin { arch: "any", platform: "any", wheel_sha256: "0", library_sha256 }
    }

    /// A Python whose pip runs `pip` in the folder that it downloads to, and whose zipfile unpacks
    /// anything to `library\n`.
    fn python(home: &Path, pip: &str) -> impl Fn() -> Command + use<> {
        let script = home.join("python.sh");
        let text = format!(
            r#"case "$2 $3" in
                "pip --version") exit 0 ;;
                "pip download") while [ "$1" != --dest ]; do shift; done; cd "$2"; {pip} ;;
                "zipfile -e") mkdir -p "$5/onnxruntime/capi"
                    echo library > "$5/onnxruntime/capi/libonnxruntime.so.{VERSION}" ;;
            esac"#
        );
        fs::write(&script, text).unwrap();
        move || {
            let mut command = Command::new("sh");
            command.arg(&script);
            command
        }
    }

    fn no_python() -> Command {
        Command::new("there-is-no-such-python")
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.collect();
        names.sort();
        names
    }

    #[test]
    fn the_library_of_the_wheel_replaces_what_was_there() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("onnxruntime");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("libonnxruntime.so.1.0.0"), "old").unwrap();
        let python = python(home.path(), "touch onnxruntime.whl");
        let setup = install(&pin(LIBRARY), home.path(), &python).unwrap();
        assert_eq!(fs::read_to_string(setup.library().unwrap()).unwrap(), "library\n");
        assert_eq!(names(&folder), [format!("libonnxruntime.so.{VERSION}")]);
        assert_eq!(names(home.path()), ["onnxruntime", "python.sh"]);
        // From here on it needs no Python.
        assert!(install(&pin(LIBRARY), home.path(), &no_python).unwrap().library().is_some());
    }

    #[test]
    fn what_cannot_be_had_is_skipped_and_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let setup = install(&pin(LIBRARY), home.path(), &no_python).unwrap();
        assert!(setup.library().is_none() && setup.to_string().contains("python3 does not start"), "{setup}");
        let offline = python(home.path(), "echo Retrying >&2; echo 'ERROR: no network' >&2; exit 1");
        let setup = install(&pin(LIBRARY), home.path(), &offline).unwrap();
        assert!(setup.library().is_none() && setup.to_string().contains("(ERROR: no network)"), "{setup}");
        assert_eq!(names(home.path()), ["python.sh"]);
    }

    #[test]
    fn a_wheel_or_library_that_is_not_the_pinned_one_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        let other = python(home.path(), "echo 'THESE PACKAGES DO NOT MATCH THE HASHES' >&2; exit 1");
        let error = install(&pin(LIBRARY), home.path(), &other).unwrap_err();
        assert!(error.to_string().contains("not the pinned one"), "{error}");
        let python = python(home.path(), "touch onnxruntime.whl");
        let error = install(&pin("1234"), home.path(), &python).unwrap_err();
        assert!(error.to_string().contains("not the pinned 1234"), "{error}");
        assert_eq!(names(home.path()), ["python.sh"]);
    }
}
