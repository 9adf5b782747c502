//! An encoder whose vectors are given: `vectors.json` in its directory maps each text to its vector.
//! So what becomes of known vectors can be held against known results, through everything between.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use clirbench_plugin::serde_json::{self, Value};
use clirbench_plugin::{Encoder, EncoderInfo, Error, Host, Result, Role, TextStats};

const FILE: &str = "vectors.json";

struct Lookup {
    vectors: HashMap<String, Vec<f32>>,
    dim: usize,
    similarity: String,
}

impl Encoder for Lookup {
    fn open(config: &Value, _host: Host) -> Result<Self> {
        let path = Path::new(config["path"].as_str().unwrap_or_default()).join(FILE);
        let unreadable = |e: &dyn std::fmt::Display| Error::model(format!("{}: {e}", path.display()));
        let bytes = fs::read(&path).map_err(|e| unreadable(&e))?;
        let vectors: HashMap<String, Vec<f32>> =
            serde_json::from_slice(&bytes).map_err(|e| unreadable(&e))?;
        let dim = vectors.values().next().map_or(0, Vec::len);
        if dim == 0 || vectors.values().any(|vector| vector.len() != dim) {
            return Err(unreadable(&"vectors need one length, of at least 1"));
        }
        let similarity = config["similarity"].as_str().unwrap_or("cosine").to_owned();
        Ok(Lookup { vectors, dim, similarity })
    }

    fn info(&self) -> EncoderInfo {
        EncoderInfo {
            dim: self.dim,
            symmetric: true,
            similarity: self.similarity.clone(),
            files: vec![FILE.to_owned()],
            ..EncoderInfo::default()
        }
    }

    fn render(&self, _role: Role, text: &str) -> Result<String> {
        Ok(text.to_owned())
    }

    fn encode(&mut self, _: Role, texts: &[&str], out: &mut [f32], stats: &mut [TextStats]) -> Result<usize> {
        for ((text, row), stats) in texts.iter().zip(out.chunks_exact_mut(self.dim)).zip(stats) {
            let vector =
                self.vectors.get(*text).ok_or_else(|| Error::input(format!("no vector for {text:?}")))?;
            row.copy_from_slice(vector);
            *stats = TextStats::default();
        }
        Ok(texts.len())
    }
}

clirbench_plugin::export_plugin! {
    id: "lookup-encoder",
    interfaces: [encoder: Lookup { schema: include_str!("config.schema.json"), }],
}
