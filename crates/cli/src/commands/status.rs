//! `axon status`: asks a running operator. Neighbours: `fetch` asks, `report` reads, `show::status` draws.

use std::collections::{BTreeMap, BTreeSet};

use axon_core::status::Status as ObjectStatus;
use axon_runtime::source::SourceStatus;
use serde_json::Value;

use crate::arguments::{Status, StatusFormat};
use crate::exit::Exit;
use crate::failure::{Answer, Failure};
use crate::fetch::get;
use crate::output::Output;
use crate::output::paint::{STRONG, paint};
use crate::report::{EventLine, Placed, Report, Trouble};
use crate::show;

pub(super) async fn status(arguments: &Status, out: &mut Output) -> Answer {
    let page = get(&arguments.server, "/v1/status").await?;
    if !page.status.is_success() {
        return Err(Failure::work(format!("{} answered {}", arguments.server, page.status)));
    }
    let value: Value = serde_json::from_str(&page.text).map_err(|error| foreign(&arguments.server, &error))?;
    let mut report: Report =
        serde_json::from_value(value.clone()).map_err(|error| foreign(&arguments.server, &error))?;
    if let Some(target) = &arguments.target {
        keep(&mut report, target)?;
    }
    let chosen = match &arguments.object {
        None => None,
        Some(object) => Some(choose(&report, object)?),
    };
    let columns = out.data_screen.columns();
    let text = match (arguments.output, chosen) {
        (StatusFormat::Table, None) => tables(&report, columns),
        (StatusFormat::Table, Some(chosen)) => {
            let name = chosen.status.object.to_string();
            let mine = |event: &&EventLine| event.object == name && event.target == chosen.target;
            let events: Vec<_> = report.events.iter().filter(mine).cloned().collect();
            show::status::object(&chosen.status, &events, report.now, columns)
        }
        (StatusFormat::Json, None) => format!("{value:#}\n"),
        (StatusFormat::Json, Some(status)) => format!("{:#}\n", serde_json::json!(status)),
        (StatusFormat::Yaml, None) => serde_yaml::to_string(&value).unwrap_or_default(),
        (StatusFormat::Yaml, Some(status)) => serde_yaml::to_string(status).unwrap_or_default(),
    };
    out.data(&text)?;
    let sources = show::sources::sources(&report.sources, report.now, columns);
    if let (StatusFormat::Table, None, Some(sources)) = (arguments.output, chosen, sources) {
        out.data(&format!("\n{sources}"))?;
    }
    if let Some(error) = &report.source_error {
        out.talk(&format!("The source could not be read: {error}. Revision {} is in force.\n", report.revision))?;
    }
    for line in report.unread() {
        out.talk(&format!("{line}.\n"))?;
    }
    Ok(verdict(&report, chosen))
}

/// One table, or one for each target under its name.
fn tables(report: &Report, columns: Option<u16>) -> String {
    let mut by_target: BTreeMap<Option<&str>, Vec<ObjectStatus>> = BTreeMap::new();
    for placed in &report.statuses {
        by_target.entry(placed.target.as_deref()).or_default().push(placed.status.clone());
    }
    let troubles: BTreeMap<Option<&str>, &Trouble> = report.troubles().collect();
    for target in troubles.keys() {
        by_target.entry(*target).or_default();
    }
    if by_target.is_empty() {
        return show::status::everything(&[], report.now, columns);
    }
    let of = |(target, statuses): (Option<&str>, Vec<ObjectStatus>)| {
        let heading = target.map(|target| format!("{}\n", paint(STRONG, target))).unwrap_or_default();
        let trouble = troubles.get(&target).map(|trouble| {
            let since = show::time::age(report.now, trouble.since);
            format!("Nothing can be done here (since {since}): {}\n", trouble.message)
        });
        let known = if statuses.is_empty() && trouble.is_some() {
            String::new()
        } else {
            show::status::everything(&statuses, report.now, columns)
        };
        heading + &trouble.unwrap_or_default() + &known
    };
    by_target.into_iter().map(of).collect::<Vec<_>>().join("\n")
}

/// Leaves only one target in the report. An operator of one target does not say its name.
fn keep(report: &mut Report, target: &str) -> Result<(), Failure> {
    let placed = report.statuses.iter().filter_map(|placed| placed.target.clone());
    let known: BTreeSet<String> = placed.chain(report.targets.iter().map(|one| one.target.clone())).collect();
    let known = Vec::from_iter(known);
    if known.is_empty() {
        return Ok(());
    }
    if !known.iter().any(|name| name == target) {
        return Err(Failure::work(format!("no objects are declared in {target}"))
            .hint(format!("there are some in {}", known.join(", "))));
    }
    report.statuses.retain(|placed| placed.target.as_deref() == Some(target));
    report.targets.retain(|one| one.target == target);
    report.events.retain(|event| event.target.as_deref() == Some(target));
    Ok(())
}

fn verdict(report: &Report, chosen: Option<&Placed>) -> Exit {
    let ready = match chosen {
        Some(chosen) => chosen.status.is_ready(),
        // Before the first reading there are no statuses, and that is not readiness. What a source has now is not known
        // to be in force while the source is not ready.
        None => {
            report.last_sweep.is_some()
                && report.troubles().next().is_none()
                && report.statuses.iter().all(|placed| placed.status.is_ready())
                && report.sources.iter().all(SourceStatus::is_ready)
        }
    };
    if ready { Exit::Done } else { Exit::Failed }
}

fn choose<'a>(report: &'a Report, object: &str) -> Result<&'a Placed, Failure> {
    let name = |placed: &Placed| placed.status.object.to_string();
    let found: Vec<&Placed> =
        report.statuses.iter().filter(|placed| name(placed).eq_ignore_ascii_case(object)).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] if report.troubles().next().is_some() => {
            let said = report.troubles().map(|(target, trouble)| match target {
                Some(target) => format!("target {target}: {}", trouble.message),
                None => trouble.message.clone(),
            });
            let why = said.collect::<Vec<_>>().join("; ");
            Err(Failure::work(format!("{object} is not known")).hint(format!("nothing can be done now in {why}")))
        }
        [] => {
            let known: Vec<String> = report.statuses.iter().map(name).collect();
            match known.as_slice() {
                [] => Err(Failure::work(format!("{object} is not declared; nothing is"))),
                known => {
                    Err(Failure::work(format!("{object} is not declared"))
                        .hint(format!("there are {}", known.join(", "))))
                }
            }
        }
        several => {
            let targets: Vec<&str> = several.iter().filter_map(|placed| placed.target.as_deref()).collect();
            Err(Failure::usage(format!("{object} is declared in several targets"))
                .hint(format!("name one with --target: {}", targets.join(", "))))
        }
    }
}

/// Whatever answers there does not speak as an operator does.
pub(super) fn foreign(server: &str, error: &serde_json::Error) -> Failure {
    Failure::work(format!("what answers at {server} is no operator of this version: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axon_core::status::Truth;

    use crate::report::TargetLine;
    use crate::show::sources::tests::source;
    use crate::show::status::tests::{START, starting};

    fn report(statuses: Vec<ObjectStatus>) -> Report {
        let statuses = statuses.into_iter().map(|status| Placed { target: None, status }).collect();
        let revision = "dir@sha256:0a".to_owned();
        Report {
            now: START,
            revision,
            statuses,
            events: Vec::new(),
            source_error: None,
            sources: Vec::new(),
            last_sweep: Some(START),
            trouble: None,
            sweep_errors: Vec::new(),
            targets: Vec::new(),
        }
    }

    #[test]
    fn an_object_is_found_in_any_case_and_a_wrong_name_lists_the_right_ones() {
        let report = report(vec![starting()]);
        assert_eq!(choose(&report, "neuronservice/llama").unwrap().status, starting());
        assert_eq!(choose(&report, "NeuronService/x").unwrap_err().hint, "there are NeuronService/llama");
    }

    #[test]
    fn not_ready_and_not_read_are_both_not_ready() {
        assert_eq!(verdict(&report(vec![starting()]), None), Exit::Failed);
        assert_eq!(verdict(&report(Vec::new()), None), Exit::Done);
        assert_eq!(verdict(&Report { last_sweep: None, ..report(Vec::new()) }, None), Exit::Failed);
        let sources = vec![source("fleet", Truth::True), source("other", Truth::False)];
        assert_eq!(verdict(&Report { sources, ..report(Vec::new()) }, None), Exit::Failed);
    }

    #[test]
    fn a_target_in_which_nothing_can_be_done_says_why_and_is_not_ready() {
        let trouble = Trouble { since: START, message: "no credentials".to_owned() };
        let lost = TargetLine { target: "lost".to_owned(), trouble: Some(trouble.clone()), sweep_errors: Vec::new() };
        let mut report = Report { targets: vec![lost], ..report(vec![starting()]) };
        report.statuses.iter_mut().for_each(|placed| {
            placed.target = Some("east".to_owned());
            placed.status.conditions.iter_mut().for_each(|condition| condition.status = Truth::True);
        });
        let text = anstream::adapter::strip_str(&tables(&report, None)).to_string();
        assert!(text.ends_with("\nlost\nNothing can be done here (since 0s): no credentials\n"), "{text}");
        assert_eq!(verdict(&report, None), Exit::Failed);
        let failure = choose(&report, "NeuronService/x").unwrap_err();
        assert!(failure.hint.contains("target lost: no credentials"), "{failure:?}");
        keep(&mut report, "lost").unwrap();
        assert!(tables(&report, None).contains("no credentials"));
    }

    #[test]
    fn of_several_targets_one_is_chosen_by_name() {
        let mut both = report(vec![starting(), starting()]);
        for (placed, target) in both.statuses.iter_mut().zip(["a", "b"]) {
            placed.target = Some(target.to_owned());
        }
        let text = anstream::adapter::strip_str(&tables(&both, None)).to_string();
        assert!(text.starts_with("a\nKIND") && text.contains("\n\nb\nKIND"), "{text}");
        let failure = choose(&both, "NeuronService/llama").unwrap_err();
        assert_eq!((failure.exit, failure.hint.as_str()), (Exit::Usage, "name one with --target: a, b"));
        assert_eq!(keep(&mut both.clone(), "c").unwrap_err().hint, "there are some in a, b");
        keep(&mut both, "b").unwrap();
        assert_eq!(choose(&both, "NeuronService/llama").unwrap().target.as_deref(), Some("b"));
    }
}
