//! Events for people: one row each, oldest first. Neighbours: `report` brings them from a running operator. Not here: what
//! is worth an event.

use std::collections::BTreeSet;

use super::words::one_line;
use crate::output::table::table;
use crate::report::EventLine;

/// One row per event. Where there are several targets, each row says which.
pub(crate) fn events(events: &[EventLine], columns: Option<u16>) -> String {
    if events.is_empty() {
        return "No events.\n".to_owned();
    }
    let targets: BTreeSet<Option<&str>> = events.iter().map(|event| event.target.as_deref()).collect();
    let mut heading = vec!["LAST SEEN", "TYPE", "REASON", "OBJECT", "COUNT", "MESSAGE"];
    if targets.len() > 1 {
        heading.insert(1, "TARGET");
    }
    let row = |event: &EventLine| {
        let mut row = vec![
            format!("{:.0}", event.at),
            event.kind.clone(),
            event.reason.clone(),
            event.object.clone(),
            event.count.to_string(),
            one_line(&event.message),
        ];
        if targets.len() > 1 {
            row.insert(1, event.target.clone().unwrap_or_default());
        }
        row
    };
    table(&heading, events.iter().map(row).collect(), columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::status::tests::later;

    fn event(target: &str) -> EventLine {
        EventLine {
            target: Some(target.to_owned()),
            kind: "Warning".to_owned(),
            at: later(61),
            object: "NeuronService/llama".to_owned(),
            reason: "CallFailed".to_owned(),
            message: "CreateService answered\nno".to_owned(),
            count: 2,
        }
    }

    fn drawn(all: &[EventLine]) -> String {
        anstream::adapter::strip_str(&events(all, None)).to_string()
    }

    #[test]
    fn an_event_is_a_row_and_says_its_target_where_there_are_several() {
        let expected = "\
LAST SEEN             TYPE     REASON      OBJECT               COUNT  MESSAGE
1970-01-01T00:01:01Z  Warning  CallFailed  NeuronService/llama  2      CreateService answered no
";
        assert_eq!(drawn(&[event("a")]), expected);
        assert!(drawn(&[event("a"), event("b")]).starts_with("LAST SEEN             TARGET  TYPE"));
        assert_eq!(drawn(&[]), "No events.\n");
    }
}
