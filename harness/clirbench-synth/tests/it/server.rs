//! A chat endpoint on this machine, which misbehaves on request.
//!
//! What it writes is made of a hash of what it is asked, so the same request gets the same reply,
//! whenever and how often it is asked.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// A request as the server sees it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Its key.
    pub(crate) key: String,
    /// The `Authorization` header.
    pub(crate) authorization: Option<String>,
    /// The body.
    pub(crate) body: Value,
    /// How often the same request came before.
    pub(crate) times: usize,
    /// When.
    pub(crate) at: Instant,
    /// Whether a whole reply was sent.
    pub(crate) answered: bool,
    /// What the reply says it cost, prompt and completion.
    pub(crate) charged: u64,
}

impl Asked {
    /// The last message.
    pub(crate) fn prompt(&self) -> &str {
        let messages = self.body["messages"].as_array().expect("messages");
        messages.last().and_then(|m| m["content"].as_str()).expect("a prompt")
    }

    /// About one request of `n`, and the same ones in every run.
    pub(crate) fn is_one_in(&self, n: u64) -> bool {
        // A key depends on the port, which is another one every time.
        hash(self.body.to_string()).is_multiple_of(n)
    }

    /// Whether it is to write or translate a triple.
    pub(crate) fn is_about_texts(&self) -> bool {
        self.prompt().contains("hard_negative_document")
    }

    /// Whether an earlier reply was not accepted.
    pub(crate) fn is_again(&self) -> bool {
        self.prompt().contains("An earlier reply")
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// It replies.
    Fine,
    /// It replies, after a time.
    Slow(Duration),
    /// It replies with its JSON in a fence.
    Fenced,
    /// It replies with this in place of the JSON.
    Content(String),
    /// It replies, and says why it stopped writing.
    Finish(&'static str),
    /// It replies in English whatever it was asked for.
    InEnglish,
    /// It replies and says that it cost as much as it may.
    Dear,
    /// It replies without saying what it cost.
    Uncounted,
    /// A status, headers and a body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// A body that is no chat completion.
    Garbage,
    /// Half of a reply, then it closes the connection.
    CutOff,
    /// It closes the connection.
    Close,
    /// A byte of the reply now and then.
    Drip(Duration),
}

/// A server; it ends with the test.
pub(crate) struct Server {
    /// What stands before `/chat/completions`.
    pub(crate) base_url: String,
    log: Arc<Mutex<Vec<Asked>>>,
}

type Behaviour = dyn Fn(&Asked) -> Answer + Send + Sync;

impl Server {
    /// Starts a server that does what `behaviour` says.
    pub(crate) fn start(behaviour: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base_url = format!("http://{}/v1", listener.local_addr().expect("bound"));
        let log: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (shared, behaviour): (_, Arc<Behaviour>) = (Arc::clone(&log), Arc::new(behaviour));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, behaviour) = (Arc::clone(&shared), Arc::clone(&behaviour));
                // A client that goes away ends its connection, nothing else.
                thread::spawn(move || serve(&stream, &log, &*behaviour));
            }
        });
        Server { base_url, log }
    }

    /// Everything that was asked so far, in order.
    pub(crate) fn log(&self) -> Vec<Asked> {
        self.log.lock().expect("no test panics in it").clone()
    }
}

fn serve(stream: &TcpStream, log: &Mutex<Vec<Asked>>, behaviour: &Behaviour) -> Option<()> {
    let mut input = BufReader::new(stream);
    loop {
        let mut length = 0;
        let (mut key, mut authorization) = (String::new(), None);
        let mut line = String::new();
        while input.read_line(&mut line).ok()? > 2 {
            if let Some((name, value)) = line.split_once(": ") {
                let value = value.trim().to_owned();
                match name.to_lowercase().as_str() {
                    "content-length" => length = value.parse().ok()?,
                    "x-client-request-id" => key = value,
                    "authorization" => authorization = Some(value),
                    _ => {}
                }
            }
            line.clear();
        }
        if length == 0 {
            return None;
        }
        let mut body = vec![0; length];
        input.read_exact(&mut body).ok()?;
        let body = serde_json::from_slice(&body).ok()?;
        let (asked, number) = {
            let mut log = log.lock().ok()?;
            let times = log.iter().filter(|earlier| earlier.key == key).count();
            let at = Instant::now();
            let asked = Asked { key, authorization, body, times, at, answered: false, charged: 0 };
            log.push(asked.clone());
            (asked, log.len() - 1)
        };
        let charged = answer(stream, &asked, &behaviour(&asked))?;
        let mut log = log.lock().ok()?;
        (log[number].answered, log[number].charged) = (true, charged);
    }
}

/// Sends what the behaviour says; the tokens of a whole reply, and nothing where the connection ends.
fn answer(mut stream: &TcpStream, asked: &Asked, answer: &Answer) -> Option<u64> {
    let mut content = written(asked.prompt(), false);
    let (mut finish, mut counted, mut dear) = ("stop", true, false);
    match answer {
        Answer::Slow(time) => thread::sleep(*time),
        Answer::Fenced => content = format!("Of course:\n```json\n{content}\n```"),
        Answer::Content(instead) => content.clone_from(instead),
        Answer::Finish(reason) => finish = reason,
        Answer::InEnglish => content = written(asked.prompt(), true),
        Answer::Dear => dear = true,
        Answer::Uncounted => counted = false,
        _ => {}
    }
    let prompt = asked.body["messages"].to_string().len() as u64;
    let mut usage = [prompt / 4, content.len() as u64 / 3];
    if dear {
        let bytes = |m: &Value| m["content"].as_str().map_or(0, str::len) as u64;
        let all: u64 = asked.body["messages"].as_array()?.iter().map(bytes).sum();
        usage = [all, asked.body["max_tokens"].as_u64()?];
    }
    let mut reply = json!({
        "id": format!("chatcmpl-{:016x}", hash(&asked.key)),
        "object": "chat.completion",
        "model": "fake-2026-01",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}],
    });
    if counted {
        reply["usage"] = json!({"prompt_tokens": usage[0], "completion_tokens": usage[1]});
    }
    let reply = reply.to_string();
    let head = |status: &str, length: usize| {
        format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n")
    };
    match answer {
        Answer::Status(status, headers, body) => {
            let headers: String =
                headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let head = head(&format!("{status} Status"), body.len());
            stream.write_all(format!("{head}{headers}\r\n{body}").as_bytes()).ok()?;
            return Some(0);
        }
        Answer::Garbage => {
            let body = "<html>502 upstream</html>";
            stream.write_all(format!("{}\r\n{body}", head("200 OK", body.len())).as_bytes()).ok()?;
            return Some(0);
        }
        Answer::CutOff => {
            let half = reply.floor_char_boundary(reply.len() / 2);
            let text = format!("{}\r\n{}", head("200 OK", reply.len()), &reply[..half]);
            stream.write_all(text.as_bytes()).ok()?;
            return None;
        }
        Answer::Close => return None,
        Answer::Drip(pause) => {
            stream.write_all(format!("{}\r\n", head("200 OK", reply.len())).as_bytes()).ok()?;
            for byte in reply.as_bytes() {
                thread::sleep(*pause);
                stream.write_all(&[*byte]).ok()?;
            }
        }
        _ => stream.write_all(format!("{}\r\n{reply}", head("200 OK", reply.len())).as_bytes()).ok()?,
    }
    Some(usage.iter().sum())
}

fn hash(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// What a model would write: the JSON object that the prompt asks for, of invented words.
fn written(prompt: &str, in_english: bool) -> String {
    // Asked again, a model writes something else.
    let seed = hash(prompt);
    let number = |after: &str| -> usize {
        let (_, rest) = prompt.split_once(after).expect("a number");
        rest.split(' ').next().and_then(|n| n.parse().ok()).expect("a number")
    };
    let list =
        |count: usize| -> Vec<String> { (0..count).map(|n| text("English", hash((seed, n)), 6)).collect() };
    if prompt.contains("{\"subcategories\"") {
        return json!({"subcategories": list(number("Name "))}).to_string();
    }
    if prompt.contains("{\"tasks\"") {
        return json!({"tasks": list(number("Write "))}).to_string();
    }
    let language = ["all of it in ", " into "].iter().find_map(|before| {
        let (_, rest) = prompt.split_once(before)?;
        rest.split([':', ' ', '\n']).next()
    });
    let language = if in_english { "English" } else { language.expect("a language").trim_end_matches(':') };
    json!({
        "user_query": text(language, hash((seed, "query")), 5),
        "positive_document": text(language, hash((seed, "positive")), 30),
        "hard_negative_document": text(language, hash((seed, "negative")), 30),
    })
    .to_string()
}

/// Words of a language: every other one is a function word, as validation expects of passages.
fn text(language: &str, seed: u64, words: u64) -> String {
    let (nouns, between): (&[&'static str], &[&'static str]) = match language {
        "Korean" => (
            &["하늘은", "바다의", "나무를", "사람이", "노래와", "시간에", "마을로", "강물도"],
            &["그리고", "매우"],
        ),
        "Japanese" => {
            (&["空は", "海の", "木を", "人が", "歌と", "時間に", "村へ", "川も"], &["そして", "とても"])
        }
        "German" => (
            &["Himmel", "Meer", "Baum", "Mensch", "Lied", "Stunde", "Dorf", "Fluss"],
            &["und", "der", "ist", "nicht"],
        ),
        _ => (
            &["river", "stone", "engine", "letter", "garden", "signal", "harbour", "winter"],
            &["the", "of", "and", "is"],
        ),
    };
    let pick = |from: &[&'static str], n: u64| from[(hash((seed, n)) % from.len() as u64) as usize];
    let word = |n: u64| if n.is_multiple_of(2) { pick(nouns, n) } else { pick(between, n) };
    (0..words).map(word).collect::<Vec<_>>().join(" ")
}
