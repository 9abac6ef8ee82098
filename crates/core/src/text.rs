//! Which letters a person may be shown.
//!
//! `parse` refuses the others in specifications, `diagnostic` and whoever shows a text of somebody else leave them out.

/// Controls, and characters that change the direction of writing or take no room: in a text that people are shown they
/// could make it look like another one.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}
