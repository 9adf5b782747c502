//! `clir.csv`, `mono.csv`, `mixed.csv`: leaderboards with the numbers as the papers print them.

use crate::error::ReportError;
use crate::leaderboard::{Layout, Leaderboard, Section};
use crate::{Exporter, Options, Results};

pub(crate) struct PaperCsv {
    pub(crate) file: &'static str,
    pub(crate) of: Layout,
}

impl Exporter for PaperCsv {
    fn file_name(&self) -> &'static str {
        self.file
    }

    fn render(&self, results: &Results, _: &Options) -> Result<Vec<u8>, ReportError> {
        // The intervals of averages, which need per-query values, are not printed.
        render(self.file, &(self.of)(&results.scores, &[]))
    }
}

/// A row per model; a missing cell is an empty field.
fn render(file: &'static str, board: &Leaderboard) -> Result<Vec<u8>, ReportError> {
    let encode = |e: csv::Error| ReportError::Encode { file, what: e.to_string() };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut header = vec!["model".to_owned()];
    header.extend(board.sections.iter().flat_map(Section::heads));
    writer.write_record(&header).map_err(encode)?;
    let columns: Vec<_> = board.columns().map(|c| c.printed()).collect();
    for (row, model) in board.models.iter().enumerate() {
        let values = columns.iter().map(|c| c[row].as_ref().map_or("", |p| p.mean.as_str()));
        writer.write_record(std::iter::once(model.as_str()).chain(values)).map_err(encode)?;
    }
    writer.into_inner().map_err(|e| ReportError::Encode { file, what: e.to_string() })
}
