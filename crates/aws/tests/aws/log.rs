//! What the log tells of calls: one line each, and nothing of their contents.

use std::cell::RefCell;
use std::fmt::{Debug, Write};

use axon_core::cloud::Cloud;
use axon_core::step::Action;
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

use crate::fake::{Fake, Reply, step, written};

/// Keeps the lines of `axon_aws` by thread, each with the fields of the spans so far. One for the whole process: what is
/// switched off where nobody listens stays off for a listener of one thread.
struct Lines;

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

#[derive(Default)]
struct Kept {
    spans: String,
    lines: Vec<String>,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a String takes everything");
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("axon_aws")
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut fields = Line(String::new());
        attributes.record(&mut fields);
        KEPT.with_borrow_mut(|kept| kept.spans.push_str(&fields.0));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, record: &span::Record<'_>) {
        let mut fields = Line(String::new());
        record.record(&mut fields);
        KEPT.with_borrow_mut(|kept| kept.spans.push_str(&fields.0));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        KEPT.with_borrow_mut(|kept| {
            let line = line.0 + &kept.spans;
            kept.lines.push(line);
        });
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn registration() -> Action {
    let request = json!({
        "family": "axon-llama",
        "containerDefinitions": [{"name": "server", "environment": [{"name": "TOKEN", "value": "hunter2"}]}],
    });
    Action::RegisterTaskDefinition(serde_json::from_value(request).expect("the document fits the shape"))
}

async fn told(reply: impl Fn(&crate::fake::Call) -> Reply + Send + Sync + 'static) -> Vec<String> {
    // The first test to come sets it.
    let _ = tracing::subscriber::set_global_default(Lines);
    KEPT.take();
    let outcome = Fake::new(reply).aws().await.execute(&step(registration())).await;
    drop(outcome);
    KEPT.take().lines
}

#[tokio::test]
async fn a_call_is_one_line_with_operation_and_request_id_and_without_its_contents() {
    let lines = told(written).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("RegisterTaskDefinition") && lines[0].contains("request-1"), "{lines:?}");
    assert!(!lines[0].contains("hunter2"));
}

#[tokio::test]
async fn a_failed_call_is_one_line_with_class_and_code() {
    let lines = told(|_| Reply::Refused(400, "ThrottlingException", "Rate exceeded")).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("class=Throttled") && lines[0].contains("ThrottlingException"), "{lines:?}");
}
