//! XQuAD en+vi as int8 vectors: every dot product is an integer below 2^24, exact in f32.

use std::{collections::HashMap, fs, path::Path};

use clirbench_core::ranking::Ties;

use super::NEVER;
use crate::{Dense, Pool, Search, Target};

const DIM: usize = 384;
const PARAGRAPHS: u32 = 240;

/// An array of an .npy member: its data, little-endian.
struct Npy {
    dtype: String,
    data: Vec<u8>,
}

impl Npy {
    fn int8(&self) -> Vec<f32> {
        assert_eq!(self.dtype, "|i1");
        self.data.iter().map(|&byte| f32::from(byte as i8)).collect()
    }

    fn integers(&self) -> Vec<u32> {
        let width = match self.dtype.as_str() {
            "<i2" => 2,
            "<i4" => 4,
            other => panic!("dtype {other}"),
        };
        self.data.chunks(width).map(|c| c.iter().rev().fold(0, |n, &byte| n << 8 | u32::from(byte))).collect()
    }
}

/// Members of a zip whose members are stored; sizes are in the local headers.
fn read_npz(path: &Path) -> HashMap<String, Npy> {
    let bytes = fs::read(path).expect("readable");
    let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]) as usize;
    let u32_at = |at: usize| u16_at(at) | u16_at(at + 2) << 16;
    let mut members = HashMap::new();
    let mut at = 0;
    while u32_at(at) == 0x0403_4b50 {
        assert_eq!((u16_at(at + 6) & 8, u16_at(at + 8)), (0, 0), "stored, with sizes in the header");
        let (size, name_len, extra_len) = (u32_at(at + 18), u16_at(at + 26), u16_at(at + 28));
        let name = String::from_utf8(bytes[at + 30..at + 30 + name_len].to_vec()).expect("UTF-8");
        let start = at + 30 + name_len + extra_len;
        // Zip64, as NumPy writes it: the size is the first field of the first extra block.
        let size = if size == 0xffff_ffff { u32_at(at + 30 + name_len + 4) } else { size };
        let npy = &bytes[start..start + size];
        assert_eq!(&npy[..7], b"\x93NUMPY\x01");
        let header_len = u16::from_le_bytes([npy[8], npy[9]]) as usize;
        let header = std::str::from_utf8(&npy[10..10 + header_len]).expect("ASCII");
        let dtype =
            header.split("'descr': '").nth(1).and_then(|rest| rest.split('\'').next()).expect("descr");
        let npy = Npy { dtype: dtype.to_owned(), data: npy[10 + header_len..].to_vec() };
        members.insert(name.trim_end_matches(".npy").to_owned(), npy);
        at = start + size;
    }
    members
}

/// Ranks of each query's relevant documents, ascending; `judged` and `excluded` name paragraph slots
/// (English 0..240, Vietnamese 240..480) of a query's paragraph, and only `slots` are in the pool.
fn ranks(
    npz: &HashMap<String, Npy>,
    query_lang: &str,
    slots: std::ops::Range<u32>,
    judged: &[u32],
    excluded: &[u32],
) -> Vec<u32> {
    let paragraph = npz["paragraph_of_question"].integers();
    let queries = npz[&format!("q_{query_lang}")].int8();
    let documents = [npz["p_en"].int8(), npz["p_vi"].int8()].concat();
    let targets: Vec<Target> = paragraph
        .iter()
        .map(|p| Target {
            judged: judged.iter().map(|lang| (lang * PARAGRAPHS + p - slots.start, 1)).collect(),
            excluded: excluded.iter().map(|lang| lang * PARAGRAPHS + p - slots.start).collect(),
        })
        .collect();
    let search = Search {
        queries: &Dense::new(&queries, paragraph.len(), DIM).expect("whole rows"),
        query_rows: &(0..paragraph.len() as u32).collect::<Vec<_>>(),
        documents: &Dense::new(&documents, 2 * PARAGRAPHS as usize, DIM).expect("whole rows"),
        pool: Pool { rows: &slots.clone().collect::<Vec<_>>(), order: &slots.clone().collect::<Vec<_>>() },
        targets: &targets,
        top_k: slots.len(),
        threads: 2,
        cancel: &NEVER,
    };
    let outcomes = search.run().expect("finite");
    outcomes
        .iter()
        .zip(&targets)
        .flat_map(|(outcome, target)| {
            let ranks: Vec<u32> = outcome.ranking.ranks(Ties::Index).map(|(rank, _)| rank).collect();
            // The full ranking says the same.
            for (rank, standing) in ranks.iter().zip(&outcome.ranking.relevant) {
                let hit = outcome.top[*rank as usize - 1];
                assert_eq!(hit.document, target.judged[standing.judged as usize].0);
            }
            ranks
        })
        .collect()
}

#[test]
fn ranks_of_integer_vectors_are_the_published_ones() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden/clir_int8_en_vi.npz"));
    if !path.exists() {
        eprintln!("skipped: ../shared/golden is absent");
        return;
    }
    let npz = read_npz(path);
    for (lang, same, cross) in [("en", 0, 1), ("vi", 1, 0)] {
        let own = same * PARAGRAPHS..(same + 1) * PARAGRAPHS;
        let other = cross * PARAGRAPHS..(cross + 1) * PARAGRAPHS;
        let cases = [
            ("multi", ranks(&npz, lang, 0..2 * PARAGRAPHS, &[0, 1], &[])),
            ("multi1", ranks(&npz, lang, 0..2 * PARAGRAPHS, &[cross], &[same])),
            ("mono_same", ranks(&npz, lang, own, &[same], &[])),
            ("mono_cross", ranks(&npz, lang, other, &[cross], &[])),
        ];
        for (setting, found) in cases {
            let name = format!("ranks/en+vi/q_{lang}/{setting}/uniq/index");
            assert_eq!(found, npz[&name].integers(), "{name}");
        }
    }
}
