//! Aligned columns without lines, as `kubectl` and `aws` users know them. Neighbours: `show` fills them. Not here: what
//! the columns mean.

use comfy_table::{ContentArrangement, Table, presets};

use super::paint::{STRONG, paint};

/// Lays out rows under a heading. With a width, the last columns wrap to fit; without, every row is one line.
pub(crate) fn table(heading: &[&str], rows: Vec<Vec<String>>, columns: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some(width) = columns {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
    }
    table.set_header(heading.to_vec());
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let text = table.to_string();
    let mut lines = text.lines().map(str::trim_end);
    let mut out = lines.next().map(|first| paint(STRONG, first)).unwrap_or_default();
    for line in lines {
        out.push('\n');
        out.push_str(line);
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_where_their_text_ends() {
        let rows = vec![vec!["a".to_owned(), "long text".to_owned()], vec!["bcd".to_owned(), String::new()]];
        let drawn = table(&["ONE", "TWO"], rows, None);
        assert_eq!(anstream::adapter::strip_str(&drawn).to_string(), "ONE  TWO\na    long text\nbcd\n");
    }
}
