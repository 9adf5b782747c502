//! An encoder that is held to its contract.

use std::path::{Component, Path};

use clirbench_abi::encoder::{EncoderBox, EncoderInfo, Role, TextStats};
use clirbench_abi::{RSlice, RSliceMut, RStr};

use crate::{Error, Result};

/// A quiet NaN with a payload that no arithmetic produces: what it still covers was not written.
const UNWRITTEN: u32 = 0x7fc0_c11b;

/// More tokens than any text has: the mark of stats that were not filled.
const UNFILLED: TextStats = TextStats { tokens: u32::MAX, unknown: 0, truncated: false };

/// An opened encoder.
pub struct EncoderHandle {
    plugin: String,
    encoder: EncoderBox,
    info: EncoderInfo,
}

impl EncoderHandle {
    pub(crate) fn new(plugin: &str, encoder: EncoderBox) -> Result<Self> {
        let info = encoder.info().into_result().map_err(|e| Error::from_plugin(plugin, e))?;
        let info: EncoderInfo = serde_json::from_str(&info)
            .map_err(|e| Error::contract(plugin, format!("its info is not that of an encoder: {e}")))?;
        if let Some(breach) = impossible(&info) {
            return Err(Error::contract(plugin, breach));
        }
        Ok(EncoderHandle { plugin: plugin.to_owned(), encoder, info })
    }

    /// What the encoder said about itself when it was opened.
    #[must_use]
    pub fn info(&self) -> &EncoderInfo {
        &self.info
    }

    /// The input that the model really sees for `text`, prompt and special tokens included.
    ///
    /// # Errors
    /// What the plugin returned.
    pub fn render(&self, role: Role, text: &str) -> Result<String> {
        let rendered = self.encoder.render(role, RStr::from(text)).into_result();
        rendered.map(Into::into).map_err(|e| Error::from_plugin(&self.plugin, e))
    }

    /// Encodes `texts` into `out` (row-major, `[texts.len(), dim]`) and fills one `stats` entry
    /// per text. On success every value of `out` was written and is finite.
    ///
    /// # Errors
    /// What the plugin returned, or what it did wrong, with the index of the first text concerned.
    pub fn encode(
        &mut self,
        role: Role,
        texts: &[&str],
        out: &mut [f32],
        stats: &mut [TextStats],
    ) -> Result<()> {
        let (n, dim) = (texts.len(), self.info.dim);
        if Some(out.len()) != n.checked_mul(dim) || stats.len() != n {
            let (out, stats) = (out.len(), stats.len());
            return Err(Error::Usage(format!(
                "{n} texts of dimension {dim} do not fit buffers of {out} values and {stats} stats"
            )));
        }
        out.fill(f32::from_bits(UNWRITTEN));
        stats.fill(UNFILLED);
        let wire: Vec<RStr<'_>> = texts.iter().map(|&text| RStr::from(text)).collect();
        let rows = self
            .encoder
            .encode(
                role,
                RSlice::from_slice(&wire),
                RSliceMut::from_mut_slice(out),
                RSliceMut::from_mut_slice(stats),
            )
            .into_result()
            .map_err(|e| Error::from_plugin(&self.plugin, e))?;
        let breach = if rows == n {
            fault(out, dim, stats)
        } else {
            Some(format!("it wrote {rows} rows for {n} texts"))
        };
        breach.map_or(Ok(()), |breach| Err(Error::contract(&self.plugin, breach)))
    }
}

/// What no encoder can be.
fn impossible(info: &EncoderInfo) -> Option<String> {
    if info.dim == 0 {
        return Some("its vectors have dimension 0".to_owned());
    }
    if !matches!(info.similarity.as_str(), "cosine" | "dot") {
        return Some(format!("its similarity is `{}`, neither `cosine` nor `dot`", info.similarity));
    }
    let inside = |file: &&String| Path::new(file).components().all(|c| matches!(c, Component::Normal(_)));
    let outside = info.files.iter().find(|file| file.is_empty() || !inside(file));
    outside.map(|file| format!("its file `{file}` is not inside the model directory"))
}

/// The first text whose vector or stats are not what they should be.
fn fault(out: &[f32], dim: usize, stats: &[TextStats]) -> Option<String> {
    for (i, (row, stats)) in out.chunks_exact(dim).zip(stats).enumerate() {
        if row.iter().all(|value| value.is_finite()) {
            if stats.tokens == UNFILLED.tokens {
                return Some(format!("it filled no stats for text {i}"));
            }
            continue;
        }
        // An unwritten value outranks one that is not finite: it explains more.
        let unwritten = row.iter().position(|value| value.to_bits() == UNWRITTEN);
        let broken = row.iter().position(|value| !value.is_finite());
        return Some(match (unwritten, broken) {
            (Some(at), _) => format!("it did not write value {at} of {dim} for text {i}"),
            (None, at) => {
                let at = at.unwrap_or_default();
                format!("value {at} of {dim} for text {i} is {}", row[at])
            }
        });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> EncoderInfo {
        EncoderInfo { dim: 2, similarity: "cosine".into(), ..Default::default() }
    }

    #[test]
    fn an_encoder_without_dimension_similarity_or_home_is_impossible() {
        assert_eq!(impossible(&info()), None);
        let files = |file: &str| EncoderInfo { files: vec![file.into()], ..info() };
        assert_eq!(impossible(&files("onnx/model.onnx")), None);
        for bad in [
            EncoderInfo { dim: 0, ..info() },
            EncoderInfo { similarity: "l2".into(), ..info() },
            files("../model.onnx"),
            files("/model.onnx"),
            files(""),
        ] {
            assert!(impossible(&bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn the_first_bad_text_is_named() {
        let filled = [TextStats::default(); 2];
        let unwritten = f32::from_bits(UNWRITTEN);
        let of = |out: [f32; 4]| fault(&out, 2, &filled);
        assert_eq!(of([0.0, 1.0, -1.0, f32::MIN_POSITIVE]), None);
        assert_eq!(of([0.0, 1.0, f32::NAN, 0.0]).as_deref(), Some("value 0 of 2 for text 1 is NaN"));
        assert_eq!(of([0.0, f32::INFINITY, 0.0, 0.0]).as_deref(), Some("value 1 of 2 for text 0 is inf"));
        assert_eq!(
            of([0.0, 1.0, f32::NAN, unwritten]).as_deref(),
            Some("it did not write value 1 of 2 for text 1")
        );
        let stats = [TextStats::default(), UNFILLED];
        assert_eq!(fault(&[0.0; 4], 2, &stats).as_deref(), Some("it filled no stats for text 1"));
    }
}
