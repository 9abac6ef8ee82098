//! What a running operator tells about itself, as it goes over HTTP: written from a view, read by `axon status`.
//!
//! Neighbours: `axon_runtime::View` is what it is made of, `board` serves it, `show::status` draws it. Not here: HTTP.

use axon_core::status::Status;
use axon_runtime::View;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The part of the page that `axon status` reads. Whatever else is on the page is for other readers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// The operator's time, which is simulated where AWS is.
    pub now: Timestamp,
    /// Source revision in force.
    pub revision: String,
    /// Status of every object.
    pub statuses: Vec<Status>,
    /// The latest events, oldest first.
    pub events: Vec<EventLine>,
    /// Why the source could not be read the last time.
    #[serde(default)]
    pub source_error: Option<String>,
    /// When AWS was read that the statuses speak of.
    #[serde(default)]
    pub last_sweep: Option<Timestamp>,
}

/// Something that happened to an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventLine {
    /// When it happened last.
    pub at: Timestamp,
    /// Which object, as `Kind/name`.
    pub object: String,
    /// In one PascalCase word.
    pub reason: String,
    /// In one sentence.
    pub message: String,
    /// How often the same was said.
    pub count: u32,
}

/// The whole page: the view, and the operator's time.
pub(crate) fn page(view: &View, now: Timestamp) -> Value {
    let mut page = json!(view);
    if let Some(members) = page.as_object_mut() {
        members.insert("now".to_owned(), json!(now));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::status::tests::{START, starting};

    #[test]
    fn what_is_written_can_be_read() {
        let status = starting();
        let mut view = View { revision: "dir@sha256:0a".to_owned(), ..View::default() };
        view.statuses.insert(status.object.clone(), status.clone());
        view.source_error = Some("gone".to_owned());
        let report: Report = serde_json::from_value(page(&view, START)).unwrap();
        assert_eq!(report.statuses, [status]);
        assert_eq!((report.now, report.source_error.as_deref()), (START, Some("gone")));
    }
}
