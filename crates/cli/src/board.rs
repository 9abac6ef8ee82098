//! The operator's state as the status pages want it. Neighbours: `axon_web` asks, `report` shapes, `axon_runtime`
//! publishes. Not here: sockets.

use std::fmt::{self, Write as _};
use std::sync::{Arc, PoisonError, RwLock};

use axon_core::spec::{Kind, ObjectKey};
use axon_runtime::View;
use axon_runtime::clock::Clock;
use axon_runtime::health::Pulse;
use axon_runtime::history::{History, Query};
use axon_runtime::metrics::Metrics;
use axon_web::{AskedEvents, AskedObject, Board, Health, Readiness, Refusal};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::arguments::Lasting;
use crate::report::{self, Seen};
use crate::show;

/// One target on the board.
#[derive(Clone)]
pub(crate) struct Shown {
    /// The target's name.
    pub name: String,
    /// What its loop publishes.
    pub view: watch::Receiver<Arc<View>>,
    /// Its time.
    pub clock: Arc<dyn Clock>,
    /// Its loop's pulse.
    pub pulse: Pulse,
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").field("name", &self.name).field("pulse", &self.pulse).finish_non_exhaustive()
    }
}

/// The targets on the board, which may change while it is read. Cheap to clone; all clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets(Arc<RwLock<Vec<Shown>>>);

impl Targets {
    /// Shows a target from now on, in the place of an earlier one of the same name.
    pub(crate) fn show(&self, shown: Shown) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| other.name != shown.name);
        all.push(shown);
        all.sort_by(|a, b| a.name.cmp(&b.name));
    }

    fn all(&self) -> Vec<Shown> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The latest views, their history and their metrics.
#[derive(Debug)]
pub(crate) struct LiveBoard {
    targets: Targets,
    metrics: Metrics,
    history: History,
}

impl LiveBoard {
    /// Shows these targets.
    pub(crate) const fn new(targets: Targets, metrics: Metrics, history: History) -> Self {
        Self { targets, metrics, history }
    }

    /// One moment of every target.
    fn seen(&self) -> Vec<Seen> {
        let look =
            |shown: Shown| Seen { target: shown.name, view: Arc::clone(&shown.view.borrow()), now: shown.clock.now() };
        self.targets.all().into_iter().map(look).collect()
    }
}

impl Board for LiveBoard {
    fn page(&self) -> Value {
        report::page(&self.seen())
    }

    fn object(&self, asked: &AskedObject) -> Result<Value, Refusal> {
        let AskedObject { kind, name, target } = asked;
        let seen = self.seen();
        let key = key(kind, name);
        let wanted = |seen: &&Seen| {
            target.as_ref().is_none_or(|target| *target == seen.target)
                && key.as_ref().is_some_and(|key| seen.view.statuses.contains_key(key))
        };
        let found: Vec<&Seen> = seen.iter().filter(wanted).collect();
        match (found.as_slice(), &key) {
            ([one], Some(key)) => Ok(report::object(one, key)),
            ([], _) | (_, None) => {
                let place = target.as_ref().map(|target| format!(" in {target}")).unwrap_or_default();
                Err(Refusal::Missing(format!("{kind}/{name} is not declared{place}; GET /v1/status lists what is")))
            }
            (several, _) => {
                let names: Vec<&str> = several.iter().map(|seen| seen.target.as_str()).collect();
                Err(Refusal::Unclear(format!("{kind}/{name} is in {}; add ?target= and one of them", names.join(", "))))
            }
        }
    }

    fn events(&self, asked: &AskedEvents) -> Result<Value, Refusal> {
        let object = match &asked.object {
            None => None,
            Some(text) => Some(text.split_once('/').and_then(|(kind, name)| key(kind, name)).ok_or_else(|| {
                Refusal::Unclear(format!("{text:?} is no object; give kind and name, such as NeuronService/llama"))
            })?),
        };
        let now = self.seen().first().map_or(Timestamp::MAX, |seen| seen.now);
        let since = asked.since.as_deref().map(|text| instant(text, now)).transpose()?;
        let found = self.history.find(&Query { target: asked.target.clone(), object, since, limit: asked.limit });
        Ok(json!(found))
    }

    fn plan(&self) -> Value {
        report::plan(&self.seen())
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let seen = self.seen();
        for one in &seen {
            if seen.len() > 1 {
                let _ = writeln!(text, "{}", one.target);
            }
            let drawn = show::status::overview(one.view.statuses.values(), one.now, None);
            let revision = if one.view.revision.is_empty() { "not read yet" } else { &one.view.revision };
            let _ = write!(text, "{}\nRevision {revision}.\n\n", anstream::adapter::strip_str(&drawn));
        }
        // All targets read the same sources.
        let sources = seen.first().and_then(|one| show::sources::sources(&one.view.sources, one.now, None));
        if let Some(sources) = sources {
            let _ = writeln!(text, "{}", anstream::adapter::strip_str(&sources));
        }
        text + "For machines: /v1/status, /v1/status/{kind}/{name}, /v1/events, /v1/plan, /metrics.\n"
    }

    fn metrics(&self) -> String {
        self.metrics.text()
    }

    fn readiness(&self) -> Readiness {
        let seen = self.seen();
        if seen.is_empty() {
            return Readiness::NotYet("no target is worked on yet".to_owned());
        }
        let missing = seen.iter().filter_map(|one| missing(&one.view).map(|what| named(&seen, &one.target, what)));
        match missing.collect::<Vec<_>>() {
            none if none.is_empty() => Readiness::Ready,
            some => Readiness::NotYet(some.join("\n")),
        }
    }

    fn health(&self) -> Health {
        let trouble = self.targets.all().into_iter().filter_map(|shown| {
            let trouble = shown.pulse.trouble()?;
            Some(format!("{}: {trouble}", shown.name))
        });
        match trouble.collect::<Vec<_>>() {
            none if none.is_empty() => Health::Alive,
            some => Health::Hung(some.join("\n")),
        }
    }
}

/// What has not been read yet of a target.
fn missing(view: &View) -> Option<String> {
    match (view.revision.is_empty(), view.last_sweep) {
        (false, Some(_)) => None,
        (true, _) if view.trouble.is_some() => view.trouble.as_ref().map(|trouble| trouble.message.clone()),
        (true, _) => {
            let why = view.source_error.clone().unwrap_or_else(|| "it is being read".to_owned());
            Some(format!("the source has not been read yet: {why}"))
        }
        (false, None) => {
            let trouble = view.trouble.as_ref().map(|trouble| trouble.message.clone());
            let why = trouble.or_else(|| view.sweep_errors.first().map(ToString::to_string));
            let why = why.unwrap_or_else(|| "it is being read".to_owned());
            Some(format!("AWS has not been read yet: {why}"))
        }
    }
}

/// With the name of the target, where there are several.
fn named(all: &[Seen], target: &str, what: String) -> String {
    if all.len() > 1 { format!("{target}: {what}") } else { what }
}

fn key(kind: &str, name: &str) -> Option<ObjectKey> {
    let kind = Kind::ALL.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(kind))?;
    Some(ObjectKey { kind, name: name.parse().ok()? })
}

/// An instant, or one so long ago.
fn instant(text: &str, now: Timestamp) -> Result<Timestamp, Refusal> {
    if let Ok(Lasting(ago)) = text.parse() {
        return Ok(now.saturating_sub(ago).unwrap_or(Timestamp::MIN));
    }
    text.parse().map_err(|_| {
        Refusal::Unclear(format!("since: {text:?} is neither a length of time such as 90m nor an instant in RFC 3339"))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axon_runtime::clock::ScaledClock;
    use axon_runtime::history::{Limits, Record, Store};
    use axon_runtime::{Event, EventReason, EventType};

    use super::*;
    use crate::show::status::tests::{START, later, starting};

    struct Nowhere;

    impl Store for Nowhere {
        fn write(&mut self, _: &axon_runtime::history::Batch) -> Result<(), String> {
            Ok(())
        }
    }

    fn event(target: &str, minute: i64) -> Record {
        let event = Event {
            at: later(minute * 60),
            object: starting().object.into(),
            kind: EventType::Normal,
            reason: EventReason::Created,
            message: format!("created at {minute}"),
            count: 1,
            revision: "r".to_owned(),
        };
        Record { target: target.to_owned(), event }
    }

    /// Targets whose clocks show START plus ten minutes.
    fn board(views: &[(&str, View)], events: Vec<Record>) -> LiveBoard {
        let targets = Targets::default();
        for (name, view) in views {
            targets.show(Shown {
                name: (*name).to_owned(),
                // The receiver keeps the last value when the sender is gone.
                view: watch::channel(Arc::new(view.clone())).1,
                clock: Arc::new(ScaledClock::new(later(600), 1.0)),
                pulse: Pulse::new(),
            });
        }
        let history = History::with_store(Box::new(Nowhere), Limits::default(), events);
        LiveBoard::new(targets, Metrics::new(), history)
    }

    fn read() -> View {
        let mut view = View { revision: "r".to_owned(), last_sweep: Some(START), ..View::default() };
        view.statuses.insert(starting().object, starting());
        view
    }

    fn asked(kind: &str, name: &str, target: Option<&str>) -> AskedObject {
        AskedObject { kind: kind.to_owned(), name: name.to_owned(), target: target.map(ToOwned::to_owned) }
    }

    #[tokio::test(start_paused = true)]
    async fn readiness_names_what_is_missing_and_where() {
        let why = |views: &[(&str, View)]| match board(views, Vec::new()).readiness() {
            Readiness::Ready => "ready".to_owned(),
            Readiness::NotYet(why) => why,
        };
        assert_eq!(why(&[]), "no target is worked on yet");
        assert_eq!(why(&[("a", View::default())]), "the source has not been read yet: it is being read");
        let half = View { last_sweep: None, ..read() };
        assert_eq!(why(&[("a", half.clone())]), "AWS has not been read yet: it is being read");
        assert_eq!(why(&[("a", read()), ("b", half)]), "b: AWS has not been read yet: it is being read");
        assert_eq!(why(&[("a", read()), ("b", read())]), "ready");
        let trouble = axon_runtime::Trouble {
            since: START,
            class: axon_core::cloud::ErrorClass::Denied,
            message: "no credentials".to_owned(),
            panics: 0,
        };
        let lost = View { trouble: Some(trouble), ..View::default() };
        assert_eq!(why(&[("a", lost)]), "no credentials");
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_stands_still_is_named() {
        let board = board(&[("a", read()), ("b", read())], Vec::new());
        assert_eq!(board.health(), Health::Alive);
        tokio::time::sleep(Duration::from_mins(5)).await;
        let [a, b] = board.targets.all().try_into().unwrap();
        a.pulse.beat();
        assert_eq!(
            board.health(),
            Health::Hung("b: its loop has not turned for 300 s and should every 10 s".to_owned())
        );
        b.pulse.beat();
        assert_eq!(board.health(), Health::Alive);
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_is_found_by_kind_and_name_and_where_that_is_not_enough_by_target() {
        let one = board(&[("a", read())], Vec::new());
        assert_eq!(one.object(&asked("neuronservice", "llama", None)).unwrap()["status"]["name"], "llama");
        assert!(matches!(one.object(&asked("NeuronPool", "llama", None)), Err(Refusal::Missing(_))));
        let two = board(&[("a", read()), ("b", read())], Vec::new());
        let unclear = "NeuronService/llama is in a, b; add ?target= and one of them".to_owned();
        assert_eq!(two.object(&asked("NeuronService", "llama", None)), Err(Refusal::Unclear(unclear)));
        assert_eq!(two.object(&asked("NeuronService", "llama", Some("b"))).unwrap()["target"], "b");
        assert!(matches!(two.object(&asked("NeuronService", "llama", Some("c"))), Err(Refusal::Missing(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn events_are_found_by_object_and_time() {
        let board = board(&[("a", read())], vec![event("a", 1), event("a", 9), event("b", 8)]);
        let found = |asked: AskedEvents| {
            let found = board.events(&AskedEvents { limit: Some(10), ..asked }).unwrap();
            let messages = found.as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap().to_owned());
            messages.collect::<Vec<_>>()
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(found(AskedEvents::default()), ["created at 1", "created at 8", "created at 9"]);
        assert_eq!(
            found(AskedEvents { since: text("5m"), ..AskedEvents::default() }),
            ["created at 8", "created at 9"]
        );
        let at = later(540).to_string();
        assert_eq!(found(AskedEvents { since: Some(at), ..AskedEvents::default() }), ["created at 9"]);
        assert_eq!(found(AskedEvents { target: text("b"), ..AskedEvents::default() }), ["created at 8"]);
        assert_eq!(found(AskedEvents { object: text("neuronservice/llama"), ..AskedEvents::default() }).len(), 3);
        assert_eq!(found(AskedEvents { object: text("NeuronPool/llama"), ..AskedEvents::default() }).len(), 0);
        for wrong in [("llama", "1h"), ("NeuronService/llama", "yesterday")] {
            let asked = AskedEvents { object: text(wrong.0), since: text(wrong.1), ..AskedEvents::default() };
            assert!(matches!(board.events(&asked), Err(Refusal::Unclear(_))), "{wrong:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_target_that_is_shown_again_takes_its_own_place() {
        let board = board(&[("a", read())], Vec::new());
        let [shown] = board.targets.all().try_into().unwrap();
        board.targets.show(shown);
        assert_eq!(board.seen().len(), 1);
        assert!(board.text().starts_with("KIND"), "{}", board.text());
    }
}
