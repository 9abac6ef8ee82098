//! What the log tells of calls: one line each, and nothing of their contents.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use axon_core::cloud::Cloud;
use axon_core::step::Action;
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

use crate::fake::{Fake, Reply, step, written};

/// Keeps the lines of `axon_aws`.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

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

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().expect("no test panics while it holds the lock").push(line.0);
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
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(lines.clone());
    let outcome = Fake::new(reply).aws().await.execute(&step(registration())).await;
    drop(outcome);
    lines.0.lock().expect("no test panics while it holds the lock").clone()
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
