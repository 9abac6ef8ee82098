//! The operator's state as the status pages want it. Neighbours: `axon_web` asks, `report` shapes, `axon_runtime`
//! publishes. Not here: sockets.

use std::sync::Arc;

use axon_runtime::View;
use axon_runtime::clock::Clock;
use axon_web::{Board, Readiness};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::report;
use crate::show;

/// The latest view, with a clock to date it.
pub(crate) struct LiveBoard<K> {
    view: watch::Receiver<Arc<View>>,
    clock: Arc<K>,
}

impl<K: Clock> LiveBoard<K> {
    /// Shows what is published.
    pub(crate) fn new(view: watch::Receiver<Arc<View>>, clock: Arc<K>) -> Self {
        Self { view, clock }
    }

    fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.borrow())
    }
}

impl<K: Clock> Board for LiveBoard<K> {
    fn page(&self) -> Value {
        report::page(&self.view(), self.clock.now())
    }

    fn object(&self, kind: &str, name: &str) -> Option<Value> {
        let view = self.view();
        let status = view
            .statuses
            .values()
            .find(|status| status.object.kind.as_str().eq_ignore_ascii_case(kind) && status.object.name == *name)?;
        let events: Vec<_> = view.events.iter().filter(|event| event.object == status.object).collect();
        let waiting: Vec<_> = view.waiting.iter().filter(|waiting| waiting.object == status.object).collect();
        Some(json!({"now": self.clock.now(), "status": status, "events": events, "waiting": waiting}))
    }

    fn events(&self) -> Value {
        json!(self.view().events)
    }

    fn text(&self) -> String {
        let view = self.view();
        let drawn = show::status::overview(view.statuses.values(), self.clock.now(), None);
        format!(
            "{}\nRevision {}. For machines: /v1/status, /v1/status/{{kind}}/{{name}}, /v1/events.\n",
            anstream::adapter::strip_str(&drawn),
            if view.revision.is_empty() { "not read yet" } else { &view.revision },
        )
    }

    fn readiness(&self) -> Readiness {
        let view = self.view();
        match (view.revision.is_empty(), view.last_sweep) {
            (false, Some(_)) => Readiness::Ready,
            (true, _) => {
                let why = view.source_error.clone().unwrap_or_else(|| "it is being read".to_owned());
                Readiness::NotYet(format!("the source has not been read yet: {why}"))
            }
            (false, None) => {
                let why = view.sweep_errors.first().map_or("it is being read".to_owned(), ToString::to_string);
                Readiness::NotYet(format!("AWS has not been read yet: {why}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axon_runtime::clock::SystemClock;

    use super::*;
    use crate::show::status::tests::{START, starting};

    fn board(view: View) -> LiveBoard<SystemClock> {
        // The receiver keeps the last value when the sender is gone.
        LiveBoard::new(watch::channel(Arc::new(view)).1, Arc::new(SystemClock))
    }

    #[test]
    fn readiness_names_what_is_missing() {
        let Readiness::NotYet(why) = board(View::default()).readiness() else { panic!("ready") };
        assert_eq!(why, "the source has not been read yet: it is being read");
        let read = View { revision: "r".to_owned(), ..View::default() };
        let Readiness::NotYet(why) = board(read.clone()).readiness() else { panic!("ready") };
        assert_eq!(why, "AWS has not been read yet: it is being read");
        assert_eq!(board(View { last_sweep: Some(START), ..read }).readiness(), Readiness::Ready);
    }

    #[test]
    fn an_object_is_found_by_kind_and_name() {
        let mut view = View::default();
        view.statuses.insert(starting().object, starting());
        let board = board(view);
        assert_eq!(board.object("neuronservice", "llama").unwrap()["status"]["name"], "llama");
        assert_eq!(board.object("NeuronPool", "llama"), None);
    }
}
