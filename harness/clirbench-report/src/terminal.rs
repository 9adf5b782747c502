//! Plain-text tables for a terminal: aligned by display width, wrapped by columns.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use crate::leaderboard::{Column, Leaderboard};

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Best values in bold (ANSI). Leave it off where NO_COLOR is set or output is no terminal.
    pub colour: bool,
    /// Cells wide; columns that do not fit go into further blocks below. `None`: never wrap.
    pub width: Option<usize>,
    /// Print `±` and the wider side of the 95% interval beside each value.
    pub intervals: bool,
}

impl Default for Style {
    fn default() -> Self {
        Style { colour: false, width: None, intervals: true }
    }
}

/// The leaderboard as text, with a title line; empty where there are no results.
#[must_use]
pub fn render(board: &Leaderboard, style: &Style) -> String {
    let mut out = String::new();
    if board.is_empty() {
        return out;
    }
    let _ = writeln!(out, "{}\n{}", board.title, board.caption);
    for section in &board.sections {
        let columns: Vec<Text> = section.columns.iter().map(|c| Text::new(c, style)).collect();
        let first = board.models.iter().map(|m| m.width()).chain([section.title.width()]).max().unwrap_or(0);
        for block in blocks(&columns, first, style.width) {
            out.push('\n');
            print_block(&mut out, &section.title, &board.models, block, first, style.colour);
        }
    }
    if board.has_gaps() {
        out.push_str("\n-: no result; an average over it is left out too\n");
    }
    out
}

/// A column as text.
struct Text {
    group: String,
    name: String,
    cells: Vec<(String, bool)>,
    width: usize,
}

impl Text {
    fn new(column: &Column, style: &Style) -> Self {
        let printed = column.printed();
        let shown = |p: &Option<crate::leaderboard::Printed>| match p {
            None => "-".to_owned(),
            Some(p) => match p.margin.as_ref().filter(|_| style.intervals) {
                Some(margin) => format!("{} ±{margin}", p.mean),
                None => p.mean.clone(),
            },
        };
        let cells: Vec<_> = printed.iter().map(shown).zip(column.best()).collect();
        let width = cells.iter().map(|(c, _)| c.width()).chain([column.name.width()]).max().unwrap_or(0);
        Text { group: column.group.clone(), name: column.name.clone(), cells, width }
    }
}

const GAP: usize = 2;

/// Splits columns so that each block fits, between groups where a group fits in a block of its
/// own; a block has at least one column.
fn blocks(columns: &[Text], first: usize, width: Option<usize>) -> Vec<&[Text]> {
    let Some(width) = width else { return vec![columns] };
    let mut blocks = Vec::new();
    let (mut start, mut used) = (0, first);
    for (i, column) in columns.iter().enumerate() {
        let group = columns[i..].iter().take_while(|c| c.group == column.group);
        let group: usize = group.map(|c| GAP + c.width).sum();
        let opens_group = i == 0 || columns[i - 1].group != column.group;
        let needed = if opens_group && first + group <= width { group } else { GAP + column.width };
        if i > start && used + needed > width {
            blocks.push(&columns[start..i]);
            (start, used) = (i, first);
        }
        used += GAP + column.width;
    }
    blocks.push(&columns[start..]);
    blocks
}

fn print_block(
    out: &mut String,
    title: &str,
    models: &[String],
    columns: &[Text],
    first: usize,
    colour: bool,
) {
    // A run of columns with one group; the last is widened where the group's name needs it.
    let groups: Vec<&[Text]> = columns.chunk_by(|a, b| a.group == b.group).collect();
    let mut widths: Vec<usize> = Vec::with_capacity(columns.len());
    let mut head = pad(title, first, false);
    for group in groups {
        let columns_wide = group.iter().map(|c| c.width).sum::<usize>() + GAP * (group.len() - 1);
        let wide = columns_wide.max(group[0].group.width());
        widths.extend(group.iter().map(|c| c.width));
        if let Some(last) = widths.last_mut() {
            *last += wide - columns_wide;
        }
        let right = group.len() == 1;
        let _ = write!(head, "{}{}", " ".repeat(GAP), pad(&group[0].group, wide, right));
    }
    push_line(out, &head);
    if columns.iter().any(|c| !c.name.is_empty()) {
        let mut names = " ".repeat(first);
        for (column, &width) in columns.iter().zip(&widths) {
            let _ = write!(names, "{}{}", " ".repeat(GAP), pad(&column.name, width, true));
        }
        push_line(out, &names);
    }
    for (row, model) in models.iter().enumerate() {
        let mut line = pad(model, first, false);
        for (column, &width) in columns.iter().zip(&widths) {
            let (text, best) = &column.cells[row];
            let cell = pad(text, width, true);
            line.push_str(&" ".repeat(GAP));
            if colour && *best {
                let _ = write!(line, "\x1b[1m{cell}\x1b[0m");
            } else {
                line.push_str(&cell);
            }
        }
        push_line(out, &line);
    }
}

/// A head and rows under it, every column as wide as its widest cell; those of `right` to the right.
#[must_use]
pub fn aligned<const N: usize>(head: [&str; N], rows: &[[String; N]], right: &[usize]) -> String {
    let width = |i: usize| rows.iter().map(|r| r[i].width()).chain([head[i].width()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut out = String::new();
    for row in [head.map(str::to_owned)].iter().chain(rows) {
        let cells = row.iter().enumerate().map(|(i, cell)| pad(cell, widths[i], right.contains(&i)));
        let line = cells.collect::<Vec<_>>().join("  ");
        out.extend([line.trim_end(), "\n"]);
    }
    out
}

/// `text` in `width` cells; a Hangul or Han character takes two.
pub(crate) fn pad(text: &str, width: usize, right: bool) -> String {
    let fill = " ".repeat(width.saturating_sub(text.width()));
    if right { fill + text } else { format!("{text}{fill}") }
}

fn push_line(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}
