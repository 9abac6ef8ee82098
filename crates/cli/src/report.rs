//! What a running operator tells about itself, as it goes over HTTP: written from a view, read by `axon status`.
//!
//! Neighbours: `axon_runtime::View` is what it is made of, `board` serves it, `show::status` draws it. Not here: HTTP.

use std::sync::Arc;

use axon_core::spec::ObjectKey;
use axon_core::status::Status;
use axon_runtime::View;
use axon_runtime::source::SourceStatus;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// One moment of one target.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The target's name.
    pub target: String,
    /// What there is to see of it.
    pub view: Arc<View>,
    /// Its time, which is simulated where AWS is.
    pub now: Timestamp,
}

/// The part of the page that `axon status` reads. Whatever else is on the page is for other readers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// The operator's time, which is simulated where AWS is.
    pub now: Timestamp,
    /// Source revision in force; several, with commas, where targets have different ones.
    pub revision: String,
    /// Status of every object.
    pub statuses: Vec<Placed>,
    /// The latest events, oldest first.
    pub events: Vec<EventLine>,
    /// Why the source could not be read the last time.
    #[serde(default)]
    pub source_error: Option<String>,
    /// How each source is doing.
    #[serde(default)]
    pub sources: Vec<SourceStatus>,
    /// When AWS was read that the statuses speak of.
    #[serde(default)]
    pub last_sweep: Option<Timestamp>,
    /// Why nothing can be done now, where there is one target.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// What could not be read of AWS the last time, where there is one target.
    #[serde(default)]
    pub sweep_errors: Vec<SweepError>,
    /// Each target, where there are several.
    #[serde(default)]
    pub targets: Vec<TargetLine>,
}

/// How a target is doing as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetLine {
    /// The target's name.
    pub target: String,
    /// Why nothing can be done there now.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// What could not be read of AWS there the last time.
    #[serde(default)]
    pub sweep_errors: Vec<SweepError>,
}

/// A call by which AWS could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SweepError {
    /// AWS's name of the operation.
    pub operation: String,
    /// AWS's error code, or a short word for errors below AWS.
    pub code: String,
    /// AWS's message.
    pub message: String,
}

/// Why nothing can be done in a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// In words: cause, evidence, next step.
    pub message: String,
}

impl Report {
    /// The targets in which nothing can be done now, and why. The only target has no name.
    pub(crate) fn troubles(&self) -> impl Iterator<Item = (Option<&str>, &Trouble)> {
        let of_several = self.targets.iter().filter_map(|one| Some((Some(one.target.as_str()), one.trouble.as_ref()?)));
        self.trouble.iter().map(|trouble| (None, trouble)).chain(of_several)
    }

    /// What AWS could not be asked the last time, a line for each target: what is shown of it is older.
    pub(crate) fn unread(&self) -> Vec<String> {
        let line = |target: Option<&str>, errors: &[SweepError]| {
            let SweepError { operation, code, message } = errors.first()?;
            let place = target.map(|target| format!(" in {target}")).unwrap_or_default();
            let more = match errors.len() {
                1 => String::new(),
                all => format!(", and {} more", all - 1),
            };
            Some(format!(
                "AWS could not be read{place} the last time ({operation} answered {code}: {message}{more}); what is shown of it is from before"
            ))
        };
        let of_several = self.targets.iter().filter_map(|one| line(Some(&one.target), &one.sweep_errors));
        line(None, &self.sweep_errors).into_iter().chain(of_several).collect()
    }
}

/// A status and, where an operator works on several targets, which one it is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Placed {
    /// The target's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The status.
    #[serde(flatten)]
    pub status: Status,
}

/// Something that happened to an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventLine {
    /// In which target, where there are several.
    #[serde(default)]
    pub target: Option<String>,
    /// Normal or Warning.
    #[serde(default, rename = "type")]
    pub kind: String,
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

/// The whole page. Of one target it is its view and its time; of several, everything that has a target says which, and
/// the rest of each view is under `targets`.
pub(crate) fn page(seen: &[Seen]) -> Value {
    match seen {
        [one] => {
            let mut page = members(&one.view);
            page.insert("now".to_owned(), json!(one.now));
            Value::Object(page)
        }
        several => page_of(several),
    }
}

fn page_of(several: &[Seen]) -> Value {
    let (mut statuses, mut events, mut targets) = (Vec::new(), Vec::new(), Vec::new());
    for one in several {
        let mut rest = members(&one.view);
        for (member, all) in [("statuses", &mut statuses), ("events", &mut events)] {
            let found = rest.remove(member).and_then(|list| list.as_array().cloned()).unwrap_or_default();
            all.extend(found.into_iter().map(|value| placed(&one.target, value)));
        }
        rest.insert("now".to_owned(), json!(one.now));
        targets.push(placed(&one.target, Value::Object(rest)));
    }
    events.sort_by(|a, b| a.get("at").and_then(Value::as_str).cmp(&b.get("at").and_then(Value::as_str)));
    let mut revisions: Vec<&str> = several.iter().map(|one| one.view.revision.as_str()).collect();
    revisions.sort_unstable();
    revisions.dedup();
    let sweeps: Option<Vec<Timestamp>> = several.iter().map(|one| one.view.last_sweep).collect();
    json!({
        "now": several.iter().map(|one| one.now).max().unwrap_or_default(),
        "revision": revisions.join(", "),
        // All targets read the same sources.
        "sources": several.first().map(|one| &one.view.sources),
        "sourceError": several.iter().find_map(|one| one.view.source_error.clone()),
        "lastSweep": sweeps.and_then(|all| all.into_iter().min()),
        "statuses": statuses,
        "events": events,
        "targets": targets,
    })
}

/// One object of one target.
pub(crate) fn object(seen: &Seen, key: &ObjectKey) -> Value {
    let view = &seen.view;
    let events: Vec<_> = view.events.iter().filter(|event| event.object == *key).collect();
    let waiting: Vec<_> = view.waiting.iter().filter(|waiting| waiting.object == *key).collect();
    json!({
        "now": seen.now,
        "target": seen.target,
        "status": view.statuses.get(key),
        "events": events,
        "waiting": waiting,
    })
}

/// What is being done and what is waited for, in every target.
pub(crate) fn plan(seen: &[Seen]) -> Value {
    let targets = seen.iter().map(|one| {
        let mut members = members(&one.view);
        let mut taken = |member: &str| members.remove(member).unwrap_or_default();
        let reasons = one.view.waiting.iter().map(|waiting| {
            let mut value = json!(waiting);
            if let Some(members) = value.as_object_mut() {
                members.insert("message".to_owned(), json!(waiting.on.to_string()));
            }
            value
        });
        json!({
            "target": one.target,
            "now": one.now,
            "revision": one.view.revision,
            "pass": one.view.pass,
            "phase": one.view.phase,
            "inFlight": taken("inFlight"),
            "waiting": reasons.collect::<Vec<_>>(),
            "violations": one.view.violations,
            "lastOutcomes": taken("stepsDone"),
        })
    });
    json!({"targets": targets.collect::<Vec<_>>()})
}

fn members(view: &View) -> Map<String, Value> {
    json!(view).as_object().cloned().unwrap_or_default()
}

/// The value, with the target as its first member.
fn placed(target: &str, value: Value) -> Value {
    let mut members = Map::new();
    members.insert("target".to_owned(), json!(target));
    if let Value::Object(mut rest) = value {
        members.append(&mut rest);
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use axon_core::plan::{Wait, Waiting};
    use axon_core::status::Truth;

    use super::*;
    use crate::show::sources::tests::source;
    use crate::show::status::tests::{START, later, starting};

    fn view() -> View {
        let status = starting();
        let mut view = View { revision: "dir@sha256:0a".to_owned(), ..View::default() };
        view.waiting.push(Waiting { object: status.object.clone(), on: Wait::Suspended });
        view.statuses.insert(status.object.clone(), status);
        view.source_error = Some("gone".to_owned());
        view.sources = vec![source("fleet", Truth::False)];
        view
    }

    fn seen(target: &str, view: View) -> Seen {
        Seen { target: target.to_owned(), view: Arc::new(view), now: START }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let report: Report = serde_json::from_value(page(&[seen("a", view())])).unwrap();
        assert_eq!(report.statuses, [Placed { target: None, status: starting() }]);
        assert_eq!(report.sources, view().sources);
        assert_eq!((report.now, report.source_error.as_deref()), (START, Some("gone")));
    }

    #[test]
    fn of_several_targets_everything_says_which() {
        let other = View { last_sweep: Some(later(5)), revision: "dir@sha256:0b".to_owned(), ..view() };
        let value = page(&[seen("a", view()), seen("b", other)]);
        let report: Report = serde_json::from_value(value.clone()).unwrap();
        let targets: Vec<_> = report.statuses.iter().map(|placed| placed.target.as_deref()).collect();
        assert_eq!(targets, [Some("a"), Some("b")]);
        assert_eq!(report.revision, "dir@sha256:0a, dir@sha256:0b");
        assert_eq!(report.last_sweep, None, "not before every target is read");
        assert_eq!(value["targets"][1]["lastSweep"], json!(later(5)));
    }

    #[test]
    fn why_nothing_can_be_done_in_a_target_can_be_read() {
        let trouble = axon_runtime::Trouble {
            since: START,
            class: axon_core::cloud::ErrorClass::Denied,
            message: "no credentials".to_owned(),
            panics: 0,
        };
        let lost = View { trouble: Some(trouble), ..View::default() };
        let said = Trouble { since: START, message: "no credentials".to_owned() };
        let report: Report = serde_json::from_value(page(&[seen("a", lost.clone())])).unwrap();
        assert_eq!(report.troubles().collect::<Vec<_>>(), [(None, &said)]);
        let report: Report = serde_json::from_value(page(&[seen("a", view()), seen("b", lost)])).unwrap();
        assert_eq!(report.troubles().collect::<Vec<_>>(), [(Some("b"), &said)]);
    }

    #[test]
    fn what_could_not_be_read_of_aws_is_said_with_the_target() {
        let error = |operation| axon_core::cloud::CloudError {
            class: axon_core::cloud::ErrorClass::Transient,
            operation,
            code: "Connect".to_owned(),
            message: "refused".to_owned(),
            request_id: None,
        };
        let deaf = View { sweep_errors: vec![error("ListClusters"), error("DescribeImages")], ..view() };
        let report: Report = serde_json::from_value(page(&[seen("a", deaf.clone())])).unwrap();
        let [line] = report.unread().try_into().unwrap();
        assert!(line.contains("last time (ListClusters answered Connect: refused, and 1 more)"), "{line}");
        let report: Report = serde_json::from_value(page(&[seen("a", view()), seen("b", deaf)])).unwrap();
        let [line] = report.unread().try_into().unwrap();
        assert!(line.starts_with("AWS could not be read in b the last time"), "{line}");
    }

    #[test]
    fn the_plan_says_what_is_waited_for_in_words() {
        let plan = plan(&[seen("a", view())]);
        let waiting = &plan["targets"][0]["waiting"][0];
        assert_eq!((&waiting["waitsFor"], &waiting["object"]["name"]), (&json!("suspended"), &json!("llama")));
        assert_eq!(waiting["message"], "suspended by the annotation neuron.ecs/suspend");
    }
}
