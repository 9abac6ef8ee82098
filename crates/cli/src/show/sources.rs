//! Sources for people: one row per source, where that says more than the revision does.
//!
//! Neighbours: `axon_runtime::source` holds the values; `status` draws the objects above. Not here: why a source is not
//! ready; its message says that.

use axon_runtime::source::SourceStatus;
use jiff::Timestamp;

use super::time::age;
use super::words::{NOTHING, one_line, truth};
use crate::output::table::table;

const HEADING: [&str; 6] = ["SOURCE", "READY", "REASON", "REVISION", "FETCHED", "MESSAGE"];
/// The digits of a revision's hash that tell it from others.
const DIGITS: usize = 12;

/// One row per source, unless there is only one and nothing is wrong with it.
pub(crate) fn sources(sources: &[SourceStatus], now: Timestamp, columns: Option<u16>) -> Option<String> {
    let worth_it = sources.len() > 1 || sources.iter().any(|source| !source.is_ready());
    worth_it.then(|| table(&HEADING, sources.iter().map(|source| row(source, now)).collect(), columns))
}

fn row(source: &SourceStatus, now: Timestamp) -> Vec<String> {
    let condition = &source.condition;
    let message = if source.is_ready() { source.url.clone() } else { condition.message.clone() };
    vec![
        source.name.clone(),
        truth(condition.status).to_owned(),
        format!("{:?}", condition.reason),
        source.revision.as_deref().map_or(NOTHING.to_owned(), short),
        source.last_fetched.map_or(NOTHING.to_owned(), |at| age(now, at)),
        one_line(&message),
    ]
}

/// `main@sha1:` and the first digits.
fn short(revision: &str) -> String {
    match revision.rsplit_once(':') {
        Some((before, hash)) => format!("{before}:{}", hash.chars().take(DIGITS).collect::<String>()),
        None => revision.to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use axon_core::status::Truth;
    use axon_runtime::source::{SourceCondition, SourceConditionType, SourceKind, SourceReason};

    use super::super::status::tests::{START, later};
    use super::*;

    pub(crate) fn source(name: &str, status: Truth) -> SourceStatus {
        let (reason, message) = match status {
            Truth::True => (SourceReason::Succeeded, "what is in force is what the source has"),
            Truth::False | Truth::Unknown => (SourceReason::FetchFailed, "the server answers 500"),
        };
        SourceStatus {
            name: name.to_owned(),
            kind: SourceKind::Git,
            url: "https://git.example.com/fleet".to_owned(),
            reference: Some("branch main".to_owned()),
            revision: Some("main@sha1:450796dd0123456789abcdef0123456789abcdef".to_owned()),
            last_fetched: Some(START),
            condition: SourceCondition {
                kind: SourceConditionType::SourceReady,
                status,
                reason,
                message: message.to_owned(),
                last_transition_time: START,
            },
        }
    }

    #[test]
    fn one_good_source_needs_no_words() {
        assert_eq!(sources(&[], START, None), None);
        assert_eq!(sources(&[source("fleet", Truth::True)], START, None), None);
    }

    #[test]
    fn a_source_that_is_not_ready_says_what_is_in_force_how_old_it_is_and_why() {
        let all = [source("fleet", Truth::False), source("other", Truth::True)];
        let expected = "\
SOURCE  READY  REASON       REVISION                FETCHED  MESSAGE
fleet   False  FetchFailed  main@sha1:450796dd0123  1m35s    the server answers 500
other   True   Succeeded    main@sha1:450796dd0123  1m35s    https://git.example.com/fleet
";
        let drawn = sources(&all, later(95), None).unwrap();
        assert_eq!(anstream::adapter::strip_str(&drawn).to_string(), expected);
        assert!(sources(&all[..1], START, None).is_some());
    }
}
