//! `axon events`: asks a running operator what happened. Neighbours: `fetch` asks, `report` reads, `show::events` draws.

use form_urlencoded::Serializer;
use serde_json::Value;

use super::status::foreign;
use crate::arguments::{Events, EventsFormat};
use crate::exit::Exit;
use crate::failure::{Answer, Failure};
use crate::fetch::get;
use crate::output::Output;
use crate::report::EventLine;
use crate::show;

pub(super) async fn events(arguments: &Events, out: &mut Output) -> Answer {
    let page = get(&arguments.server, &path(arguments)).await?;
    if !page.status.is_success() {
        let refusal = serde_json::from_str::<Value>(&page.text).ok();
        let said = refusal.as_ref().and_then(|refusal| refusal.get("error")).and_then(Value::as_str);
        return Err(match said {
            Some(said) if page.status.is_client_error() => Failure::usage(said),
            _ => Failure::work(format!("{} answered {}", arguments.server, page.status)),
        });
    }
    let text = match arguments.output {
        EventsFormat::Json => {
            let value: Value = serde_json::from_str(&page.text).map_err(|error| foreign(&arguments.server, &error))?;
            format!("{value:#}\n")
        }
        EventsFormat::Table => {
            let events: Vec<EventLine> =
                serde_json::from_str(&page.text).map_err(|error| foreign(&arguments.server, &error))?;
            show::events::events(&events, out.data_screen.columns())
        }
    };
    out.data(&text)?;
    Ok(Exit::Done)
}

fn path(arguments: &Events) -> String {
    let mut query = Serializer::new(String::new());
    let members = [("object", &arguments.object), ("since", &arguments.since), ("target", &arguments.target)];
    for (name, value) in members {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.append_pair("limit", &arguments.limit.to_string());
    format!("/v1/events?{}", query.finish())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command};

    #[test]
    fn what_is_asked_for_arrives_as_it_was_written() {
        let line = ["axon", "events", "NeuronService/a&b", "--since", "2026-01-01T00:00:00+01:00", "--limit", "5"];
        let Command::Events(events) = Arguments::parse_from(line).command else { panic!("not events") };
        let expected = "/v1/events?object=NeuronService%2Fa%26b&since=2026-01-01T00%3A00%3A00%2B01%3A00&limit=5";
        assert_eq!(path(&events), expected);
    }
}
