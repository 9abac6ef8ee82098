//! Pagination: one way to cut a list and to read the token back. Neighbours: every List operation and the paginated
//! Describe ones. The token holds the first key of the next page and its position; `quirks` says which of them counts when
//! something came or went between two pages.

use serde_json::Value;

use super::{fault::Fault, value::Read};
use crate::quirks::{PageMarks, Quirks};

/// How an account cuts its lists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paging {
    marks: PageMarks,
    /// Most items on a page, whatever was asked for.
    most: Option<i64>,
}

impl Paging {
    pub(crate) fn of(quirks: &Quirks) -> Self {
        Self { marks: quirks.page_marks, most: quirks.short_pages }
    }
}

/// How large a page may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) usual: i64,
    pub(crate) most: i64,
}

/// A page and where the next one begins.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<String>,
    pub(crate) next: Option<String>,
}

/// Why a page cannot be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bad {
    Size,
    Token,
}

/// Cuts keys, which must be in the order they are listed, into the page the request asks for.
pub(crate) fn cut(paging: Paging, keys: Vec<String>, request: &Value, sizes: Sizes) -> Result<Page, Fault> {
    let size = request.number("maxResults").filter(|n| *n != 0);
    page(paging, keys, size, request.text("nextToken"), sizes).map_err(|bad| match bad {
        Bad::Size => Fault::invalid(format!("maxResults must be between 1 and {}.", sizes.most)),
        Bad::Token => Fault::invalid("Invalid token."),
    })
}

/// Like `cut`, for services that name the size and the token, and what is wrong with them, in another way.
pub(crate) fn page(
    paging: Paging,
    keys: Vec<String>,
    size: Option<i64>,
    token: Option<&str>,
    sizes: Sizes,
) -> Result<Page, Bad> {
    let size = size.unwrap_or(sizes.usual);
    if size < 1 || size > sizes.most {
        return Err(Bad::Size);
    }
    let size = paging.most.map_or(size, |most| size.min(most.max(1)));
    let size = usize::try_from(size).unwrap_or(1);
    let first = match token {
        None | Some("") => 0,
        Some(token) => start(paging.marks, &keys, token)?,
    };
    let mut items: Vec<String> = keys.into_iter().skip(first).collect();
    let next = items.get(size).map(|key| write(key, first + size));
    items.truncate(size);
    Ok(Page { items, next })
}

fn start(marks: PageMarks, keys: &[String], token: &str) -> Result<usize, Bad> {
    let invalid = || Bad::Token;
    let text = String::from_utf8(unhex(token).ok_or_else(invalid)?).map_err(|_| invalid())?;
    let (position, key) = text.split_once(':').ok_or_else(invalid)?;
    let position: usize = position.parse().map_err(|_| invalid())?;
    let item = match marks {
        PageMarks::Item => keys.iter().position(|k| k == key),
        PageMarks::Position => None,
    };
    Ok(item.unwrap_or(position.min(keys.len())))
}

fn write(key: &str, position: usize) -> String {
    let digits = format!("{position}:{key}").into_bytes();
    digits.iter().flat_map(|b| [b >> 4, b & 15]).filter_map(|d| char::from_digit(u32::from(d), 16)).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len() / 2).map(|i| text.get(2 * i..2 * i + 2).and_then(|t| u8::from_str_radix(t, 16).ok())).collect()
}
