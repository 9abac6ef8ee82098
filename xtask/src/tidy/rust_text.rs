//! Rust source as text: what is code and what is a comment or a string, where the tests begin, what the attributes say.
//!
//! Neighbours: `rules` and `length` ask it. A reader of tokens, not a parser: good enough for the questions asked here.
//! Must not hold: a rule.

/// The code with every comment and every literal blanked out; lines stay where they are.
pub(crate) fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let opaque = opaque_length(rest, code.chars().next_back()).filter(|length| *length > 0);
        let length = opaque.unwrap_or(first.len_utf8());
        let (piece, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        if opaque.is_some() {
            code.extend(piece.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        } else {
            code.push_str(piece);
        }
        rest = after;
    }
    code
}

/// How many bytes of a comment or a literal start here, if one does.
fn opaque_length(rest: &str, before: Option<char>) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment_length(rest));
    }
    if let Some(body) = rest.strip_prefix('"') {
        return Some(1 + escaped_length(body, '"'));
    }
    if let Some(body) = rest.strip_prefix('\'') {
        return character_length(body).map(|length| 1 + length);
    }
    // An `r` at the end of a word opens nothing.
    if before.is_some_and(is_word) { None } else { raw_string_length(rest) }
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut previous = ' ';
    for (at, c) in rest.char_indices() {
        // The second half of `/*` or `*/` must not serve as the first half of the next.
        match (previous, c) {
            ('/', '*') => (depth, previous) = (depth + 1, ' '),
            ('*', '/') => (depth, previous) = (depth.saturating_sub(1), ' '),
            _ => {
                previous = c;
                continue;
            }
        }
        if depth == 0 {
            return at + c.len_utf8();
        }
    }
    rest.len()
}

/// The length up to and with the closing quote; a backslash hides the character behind it.
fn escaped_length(body: &str, quote: char) -> usize {
    let mut hidden = false;
    for (at, c) in body.char_indices() {
        if c == quote && !hidden {
            return at + c.len_utf8();
        }
        hidden = c == '\\' && !hidden;
    }
    body.len()
}

/// A lifetime is not a literal: a literal holds an escape, or one character and then the quote.
fn character_length(body: &str) -> Option<usize> {
    let mut chars = body.chars();
    let first = chars.next()?;
    if first == '\\' {
        return Some(escaped_length(body, '\''));
    }
    (chars.next()? == '\'').then(|| first.len_utf8() + 1)
}

fn raw_string_length(rest: &str) -> Option<usize> {
    let body = ["br", "cr", "r"].iter().find_map(|prefix| rest.strip_prefix(prefix))?;
    let unfenced = body.trim_start_matches('#');
    let inside = unfenced.strip_prefix('"')?;
    let fence = body.len() - unfenced.len();
    let close = format!("\"{}", "#".repeat(fence));
    let before = rest.len() - inside.len();
    Some(inside.find(&close).map_or(rest.len(), |at| before + at + close.len()))
}

/// The lines before the first inline `#[cfg(test)] mod`; all of them where there is none.
pub(crate) fn production_lines(text: &str) -> usize {
    let code = code_only(text);
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let starts = lines.iter().enumerate().filter(|(_, line)| line.starts_with("#[cfg(test)]"));
    let inline_tests = |at: &usize| {
        let after = lines.iter().skip(*at).map(|line| line.trim_start_matches("#[cfg(test)]").trim());
        let item = after.into_iter().find(|line| !line.is_empty() && !line.starts_with("#["));
        item.is_some_and(|item| module_name(item).is_some() && item.contains('{'))
    };
    starts.map(|(at, _)| at).find(inline_tests).unwrap_or(lines.len())
}

/// The name of the module that a line declares.
pub(crate) fn module_name(line: &str) -> Option<&str> {
    let (visibility, name) = line.split_once("mod ")?;
    let visibility = visibility.trim();
    let declares = visibility.is_empty() || visibility == "pub" || visibility.starts_with("pub(");
    name.split(|c: char| !is_word(c)).next().filter(|name| declares && !name.is_empty())
}

/// Every attribute in code without comments: the line it starts on, and what is between its brackets.
pub(crate) fn attributes(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut rest = code;
    while let Some((before, after)) = rest.split_once('#') {
        line += newlines(before);
        rest = after;
        let Some(body) = after.strip_prefix("![").or_else(|| after.strip_prefix('[')) else { continue };
        let inside = body.get(..balanced_length(body)).unwrap_or(body);
        found.push((line, inside));
    }
    found
}

/// The length up to the bracket that closes one already open.
fn balanced_length(body: &str) -> usize {
    let mut open = 1_usize;
    for (at, c) in body.char_indices() {
        match c {
            '[' => open += 1,
            ']' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return at;
        }
    }
    body.len()
}

/// The lines on which a word-like needle (`Instant::now`, `println!`) stands by itself in code.
pub(crate) fn lines_with(code: &str, needle: &str) -> Vec<usize> {
    let stands = |line: &str| {
        line.match_indices(needle)
            .any(|(at, _)| !line.get(..at).and_then(|before| before.chars().next_back()).is_some_and(is_word))
    };
    code.lines().enumerate().filter(|(_, line)| stands(line)).map(|(at, _)| at + 1).collect()
}

fn newlines(text: &str) -> usize {
    text.matches('\n').count()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_code_is_kept() {
        let cases = [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("x\"y") g"#, "f(      ) g"),
            ("r#\"a\"b\"# c", "         c"),
            ("'a' 'b 'c", "    'b 'c"),
            (r"'\'' x", "     x"),
            ("for\"x\" y", "for    y"),
            ("/**/x", "    x"),
        ];
        for (text, code) in cases {
            assert_eq!(code_only(text), code, "{text}");
        }
    }

    #[test]
    fn tests_begin_at_the_inline_module_only() {
        assert_eq!(production_lines("a\nb\n#[cfg(test)]\nmod tests {\n}\n"), 2);
        assert_eq!(production_lines("#[cfg(test)]\nmod tests;\na\n"), 3);
        assert_eq!(production_lines("#[cfg(test)]\nfn f() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n}\n"), 2);
        assert_eq!(production_lines("// #[cfg(test)] mod tests {\n"), 1);
    }

    #[test]
    fn modules_are_found_however_visible() {
        for line in ["mod name;", "pub mod name {", "pub(crate) mod name;", "pub(in crate::a) mod name;"] {
            assert_eq!(module_name(line), Some("name"), "{line}");
        }
        assert_eq!(module_name("model.name"), None);
        assert_eq!(module_name("pub fn mod_name()"), None);
    }

    #[test]
    fn attributes_may_span_lines() {
        let found = attributes("a\n#![x(\n y[1])]\n#[z]");
        assert_eq!(found, [(2, "x(\n y[1])"), (4, "z")]);
    }

    #[test]
    fn a_needle_stands_by_itself() {
        assert_eq!(lines_with("Instant::now()\nmyInstant::now()\ntime::Instant::now()", "Instant::now"), [1, 3]);
    }
}
