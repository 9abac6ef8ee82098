//! `axon status`: asks a running operator. Neighbours: `fetch` asks, `report` reads, `show::status` draws.

use axon_core::status::Status as ObjectStatus;
use serde_json::Value;

use crate::arguments::{Status, StatusFormat};
use crate::exit::Exit;
use crate::failure::{Answer, Failure};
use crate::fetch::get;
use crate::output::Output;
use crate::report::Report;
use crate::show;

pub(super) async fn status(arguments: &Status, out: &mut Output) -> Answer {
    let page = get(&arguments.server, "/v1/status").await?;
    if !page.status.is_success() {
        return Err(Failure::work(format!("{} answered {}", arguments.server, page.status)));
    }
    let value: Value = serde_json::from_str(&page.text).map_err(|error| foreign(&arguments.server, &error))?;
    let report: Report = serde_json::from_value(value.clone()).map_err(|error| foreign(&arguments.server, &error))?;
    let chosen = match &arguments.object {
        None => None,
        Some(object) => Some(choose(&report, object)?),
    };
    let columns = out.data_screen.columns();
    let text = match (arguments.output, chosen) {
        (StatusFormat::Table, None) => show::status::everything(&report.statuses, report.now, columns),
        (StatusFormat::Table, Some(status)) => {
            let name = status.object.to_string();
            let events: Vec<_> = report.events.iter().filter(|event| event.object == name).cloned().collect();
            show::status::object(status, &events, report.now, columns)
        }
        (StatusFormat::Json, None) => format!("{value:#}\n"),
        (StatusFormat::Json, Some(status)) => format!("{:#}\n", serde_json::json!(status)),
        (StatusFormat::Yaml, None) => serde_yaml::to_string(&value).unwrap_or_default(),
        (StatusFormat::Yaml, Some(status)) => serde_yaml::to_string(status).unwrap_or_default(),
    };
    out.data(&text)?;
    if let Some(error) = &report.source_error {
        out.talk(&format!("The source could not be read: {error}. Revision {} is in force.\n", report.revision))?;
    }
    Ok(verdict(&report, chosen))
}

fn verdict(report: &Report, chosen: Option<&ObjectStatus>) -> Exit {
    let ready = match chosen {
        Some(status) => status.is_ready(),
        // Before the first reading there are no statuses, and that is not readiness.
        None => report.last_sweep.is_some() && report.statuses.iter().all(ObjectStatus::is_ready),
    };
    if ready { Exit::Done } else { Exit::Failed }
}

fn choose<'a>(report: &'a Report, object: &str) -> Result<&'a ObjectStatus, Failure> {
    let found = report.statuses.iter().find(|status| status.object.to_string().eq_ignore_ascii_case(object));
    found.ok_or_else(|| {
        let known: Vec<String> = report.statuses.iter().map(|status| status.object.to_string()).collect();
        match known.as_slice() {
            [] => Failure::work(format!("{object} is not declared; nothing is")),
            known => Failure::work(format!("{object} is not declared")).hint(format!("there are {}", known.join(", "))),
        }
    })
}

fn foreign(server: &str, error: &serde_json::Error) -> Failure {
    Failure::work(format!("what answers at {server} is no operator of this version: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::status::tests::{START, starting};

    fn report(statuses: Vec<ObjectStatus>) -> Report {
        let revision = "dir@sha256:0a".to_owned();
        Report { now: START, revision, statuses, events: Vec::new(), source_error: None, last_sweep: Some(START) }
    }

    #[test]
    fn an_object_is_found_in_any_case_and_a_wrong_name_lists_the_right_ones() {
        let report = report(vec![starting()]);
        assert_eq!(choose(&report, "neuronservice/llama").unwrap().object, starting().object);
        assert_eq!(choose(&report, "NeuronService/x").unwrap_err().hint, "there are NeuronService/llama");
    }

    #[test]
    fn not_ready_and_not_read_are_both_not_ready() {
        assert_eq!(verdict(&report(vec![starting()]), None), Exit::Failed);
        assert_eq!(verdict(&report(Vec::new()), None), Exit::Done);
        assert_eq!(verdict(&Report { last_sweep: None, ..report(Vec::new()) }, None), Exit::Failed);
    }
}
