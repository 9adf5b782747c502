use std::{fs, path::Path};

use clirbench_synth::{ApiKey, Job, Recipe};

use crate::{
    place::{FEW, Place, recipe},
    server::{Answer, Server},
};

/// The variable that holds the key.
const VARIABLE: &str = "CLIRBENCH_TEST_KEY";

/// The tests of this module need a key in the environment, which a test must not change for
/// others: it is passed by running the test executable again.
fn with_key(test: &str, key: &str) -> bool {
    if std::env::var(VARIABLE).is_ok() {
        return true;
    }
    let program = std::env::current_exe().expect("this program");
    let status = std::process::Command::new(program)
        .args(["--exact", test, "--nocapture"])
        .env(VARIABLE, key)
        .status()
        .expect("it starts");
    assert!(status.success());
    false
}

const KEY: &str = "sk-test-0123456789abcdef";

fn keyed(server: &Server, rest: &str) -> Job {
    let text = recipe(server, 6, &format!("api_key_env = \"{VARIABLE}\"\n{rest}{FEW}"));
    Job::new(Recipe::parse(&text).expect("a recipe"), Path::new("")).expect("a job")
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![fs::read(path).expect("read")] })
        .collect()
}

fn holds(bytes: &[u8]) -> bool {
    bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes())
}

#[test]
fn the_key_is_sent_and_is_in_no_file_though_the_server_repeats_it() {
    if !with_key("secrets::the_key_is_sent_and_is_in_no_file_though_the_server_repeats_it", KEY) {
        return;
    }
    // Some replies hold the key, others are errors that do.
    let server = Server::start(|asked| match (asked.times, asked.is_one_in(3), asked.is_one_in(2)) {
        (0, true, _) => Answer::Status(500, vec![], format!("bad: {:?}", asked.authorization)),
        (_, _, true) if !asked.is_again() => Answer::Content(format!("you sent {:?}", asked.authorization)),
        _ => Answer::Fine,
    });
    let place = Place::new();
    let mut troubles = Vec::new();
    let job = keyed(&server, "max_failures = 50\n");
    let key = ApiKey::from_environment(&job.recipe().endpoint).expect("set");
    assert!(!format!("{key:?} {job:?}").contains(KEY));
    let cancel = std::sync::atomic::AtomicBool::new(false);
    job.carry_out(&place.path("out.jsonl"), key, &cancel, &mut |p| troubles.extend(p.trouble.clone()))
        .expect("generated");
    assert!(server.log().iter().all(|asked| asked.authorization == Some(format!("Bearer {KEY}"))));
    assert!(troubles.iter().any(|t| t.contains("[api key]")) && !troubles.iter().any(|t| t.contains(KEY)));
    let files = files(&place.path(""));
    assert!(files.len() >= 3 && !files.iter().any(|file| holds(file)));
    // The journal has what the server said, without the key.
    assert!(files.iter().any(|file| String::from_utf8_lossy(file).contains("[api key]")));
}

#[test]
fn an_error_that_repeats_the_key_is_shown_without_it() {
    if !with_key("secrets::an_error_that_repeats_the_key_is_shown_without_it", KEY) {
        return;
    }
    let server = Server::start(|asked| {
        let said = format!(
            "{{\"error\": {{\"message\": \"Incorrect API key: {}\"}}}}",
            asked.authorization.as_deref().unwrap_or_default()
        );
        Answer::Status(401, vec![], said)
    });
    let place = Place::new();
    let error = place.generate("out.jsonl", &keyed(&server, "")).expect_err("denied");
    assert!(error.message.ends_with("answers 401: Incorrect API key: Bearer [api key]"), "{error}");
    assert!(error.hint.contains(VARIABLE));
    assert!(!files(&place.path("")).iter().any(|file| holds(file)));
}

#[test]
fn a_redirect_does_not_take_the_key_elsewhere() {
    if !with_key("secrets::a_redirect_does_not_take_the_key_elsewhere", KEY) {
        return;
    }
    let elsewhere = Server::start(|_| Answer::Fine);
    let target = format!("{}/chat/completions", elsewhere.base_url);
    let server =
        Server::start(move |_| Answer::Status(307, vec![("Location", target.clone())], String::new()));
    let error = Place::new().generate("out.jsonl", &keyed(&server, "")).expect_err("denied");
    assert!(error.message.contains("answers 307"), "{error}");
    assert!(elsewhere.log().is_empty());
}

#[test]
fn a_variable_that_is_not_set_is_named() {
    let server = Server::start(|_| Answer::Fine);
    let text = recipe(&server, 6, "api_key_env = \"CLIRBENCH_NO_SUCH_KEY\"\n");
    let endpoint = Recipe::parse(&text).expect("a recipe").endpoint;
    let error = ApiKey::from_environment(&endpoint).expect_err("not set");
    assert_eq!(error.message, "the environment variable CLIRBENCH_NO_SUCH_KEY is not set");
}
