//! Log lines as JSON: one object on one line, with the fields of the spans around it.
//!
//! `logging` puts it under its filter. Members: `ts` (RFC 3339), `level`, `msg`, the fields of the event, the fields of
//! its spans from the innermost outwards (the first of a name wins), `module`. Which fields there are is said where they
//! are logged, and in docs/observability.md.

use std::error::Error;
use std::fmt::Debug;
use std::io::Write as _;

use axon_runtime::clock::{Clock as _, SystemClock};
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Writes a line per event.
#[derive(Debug)]
pub(crate) struct JsonLines<W> {
    writer: W,
}

impl<W> JsonLines<W> {
    /// Writes them there.
    pub(crate) const fn new(writer: W) -> Self {
        Self { writer }
    }
}

/// The fields of an event or a span.
#[derive(Debug, Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.put(field, i64::try_from(value).map_or_else(|_| json!(value.to_string()), |value| json!(value)));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.put(field, u64::try_from(value).map_or_else(|_| json!(value.to_string()), |value| json!(value)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, json!(value.to_string()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, json!(format!("{value:?}")));
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = Map::new();
        line.insert("ts".to_owned(), json!(SystemClock.now()));
        line.insert("level".to_owned(), json!(event.metadata().level().as_str()));
        line.insert("msg".to_owned(), fields.0.remove("message").unwrap_or_default());
        line.append(&mut fields.0);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<Fields>() {
                for (name, value) in &fields.0 {
                    line.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        line.insert("module".to_owned(), json!(event.metadata().target()));
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        // A log that cannot be written has nobody to complain to.
        let _ = self.writer.make_writer().write_all(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tracing::{info, info_span, warn};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::logging::paper::{Paper, listen};

    fn logged(work: impl FnOnce()) -> Vec<Value> {
        let paper = Paper::default();
        let writer = paper.clone();
        let subscriber = tracing_subscriber::registry().with(JsonLines::new(move || writer.clone()));
        let listening = listen(subscriber);
        work();
        drop(listening);
        let text = paper.text();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_has_its_time_its_level_its_message_and_the_fields_of_its_spans() {
        let lines = logged(|| {
            let pass = info_span!("pass", reconcileID = "0a-1", target = "us", revision = "r");
            let call =
                info_span!(parent: &pass, "aws_call", aws.operation = "X", aws.request_id = tracing::field::Empty);
            let _entered = call.enter();
            call.record("aws.request_id", "q-1");
            info!(duration_ms = 12_u128, target = "own", "AWS answered");
        });
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        line["ts"].as_str().unwrap().parse::<Timestamp>().unwrap();
        let expected = json!({
            "ts": line["ts"], "level": "INFO", "msg": "AWS answered", "duration_ms": 12, "target": "own",
            "aws.operation": "X", "aws.request_id": "q-1", "reconcileID": "0a-1", "revision": "r",
            "module": "axon_cli::logging::json::tests",
        });
        assert_eq!(line, &expected);
    }

    #[test]
    fn an_event_is_one_line_whatever_it_says() {
        let lines = logged(|| {
            warn!(error = %"two\nlines \u{1b}[2J \"quoted\"", ok = true, part = 0.5, below = -1, "a\nb");
            info!("second");
        });
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["error"], "two\nlines \u{1b}[2J \"quoted\"");
        assert_eq!((&lines[0]["ok"], &lines[0]["part"], &lines[0]["below"]), (&json!(true), &json!(0.5), &json!(-1)));
    }
}
