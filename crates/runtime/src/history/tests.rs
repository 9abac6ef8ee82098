//! What the history keeps, what it forgets, and that no file can harm the operator.

use axon_core::spec::ObjectKey;

use super::*;
use crate::events::{EventReason, EventType};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn object(name: &str) -> ObjectKey {
    ObjectKey::service(name.parse().unwrap())
}

fn event(name: &str, second: i64) -> Event {
    Event {
        at: at(second),
        object: object(name).into(),
        kind: EventType::Normal,
        reason: EventReason::Created,
        message: format!("created {name}"),
        count: 1,
        revision: "main@sha1:0a".to_owned(),
    }
}

fn open(folder: &Path) -> History {
    History::open(Some(folder), Limits::default())
}

fn names(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| record.event.object.to_string().replace("NeuronService/", "")).collect()
}

fn all(history: &History) -> Vec<String> {
    names(&history.find(&Query::default()))
}

/// Remembers every batch, and fails as often as it is told to.
#[derive(Clone, Default)]
struct Scripted {
    batches: Arc<Mutex<Vec<Batch>>>,
    failures: Arc<Mutex<u32>>,
}

impl Store for Scripted {
    fn write(&mut self, batch: &Batch) -> Result<(), String> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if *failures > 0 {
            *failures -= 1;
            return Err("disk full".to_owned());
        }
        self.batches.lock().unwrap_or_else(PoisonError::into_inner).push(batch.clone());
        Ok(())
    }
}

impl Scripted {
    fn history(&self, limits: Limits) -> History {
        History::with_store(Box::new(self.clone()), limits, Vec::new())
    }

    fn written(&self) -> Vec<Vec<String>> {
        self.batches.lock().unwrap().iter().map(|batch| names(&batch.put)).collect()
    }
}

#[test]
fn events_are_found_by_target_object_and_time_and_the_newest_win() {
    let history = History::in_memory();
    let (here, there) = (history.target("here"), history.target("there"));
    for second in 1..=3 {
        here.file(Event { message: second.to_string(), ..event("llama", second) });
    }
    there.file(event("bert", 4));
    let found = |query: Query| -> Vec<i64> { history.find(&query).iter().map(|r| r.event.at.as_second()).collect() };
    assert_eq!(found(Query::default()), [1, 2, 3, 4]);
    assert_eq!(found(Query { target: Some("here".to_owned()), ..Query::default() }), [1, 2, 3]);
    assert_eq!(found(Query { object: Some(object("bert")), ..Query::default() }), [4]);
    assert_eq!(found(Query { since: Some(at(3)), ..Query::default() }), [3, 4]);
    assert_eq!(found(Query { limit: Some(2), ..Query::default() }), [3, 4]);
}

#[test]
fn the_same_event_again_takes_the_place_of_the_one_before() {
    let history = History::in_memory();
    let ledger = history.target("here");
    ledger.file(event("llama", 1));
    ledger.file(Event { at: at(9), count: 2, ..event("llama", 1) });
    let found = history.find(&Query::default());
    assert_eq!((found.len(), found[0].event.count, found[0].event.at), (1, 2, at(9)));
}

#[test]
fn a_ledger_continues_with_what_an_earlier_process_said_of_its_target() {
    let records = ["here", "there"].map(|target| Record { target: target.to_owned(), event: event("llama", 1) });
    let history = History::with_store(Box::new(Scripted::default()), Limits::default(), records.to_vec());
    assert_eq!(history.target("here").earlier(), [event("llama", 1)]);
}

#[tokio::test(start_paused = true)]
async fn what_happens_together_is_written_together_and_what_is_left_at_the_end_too() {
    let store = Scripted::default();
    let history = store.history(Limits::default());
    let ledger = history.target("here");
    let happening = async {
        for name in ["a", "b"] {
            ledger.file(event(name, 1));
            tokio::time::sleep(PAUSE / 4).await;
        }
        tokio::time::sleep(PAUSE * 2).await;
        assert_eq!(store.written().concat().len(), 2);
        ledger.file(event("c", 2));
    };
    history.keep(&Metrics::new(), happening).await;
    let written = store.written();
    assert_eq!(written.len(), 2, "{written:?}");
    assert_eq!(written[1], ["c"]);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_is_written_later_and_counted() {
    let store = Scripted::default();
    *store.failures.lock().unwrap() = 2;
    let history = store.history(Limits::default());
    let metrics = Metrics::new();
    history.target("here").file(event("a", 1));
    history.keep(&metrics, tokio::time::sleep(PAUSE * 10)).await;
    assert_eq!(store.written(), [["a"]]);
    let text = metrics.text();
    assert!(text.contains("axon_history_write_errors_total 2\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_or_too_much_is_forgotten_in_memory_and_on_disk() {
    let store = Scripted::default();
    let history = store.history(Limits { age: Duration::from_secs(100), number: 3 });
    let ledger = history.target("here");
    for (name, second) in [("a", 0), ("b", 1), ("c", 50), ("d", 60), ("e", 70), ("f", 101)] {
        ledger.file(event(name, second));
    }
    history.keep(&Metrics::new(), tokio::time::sleep(PAUSE * 2)).await;
    assert_eq!(all(&history), ["d", "e", "f"]);
    assert_eq!(store.batches.lock().unwrap()[0].remove.len(), 3);
    // Another target's time is its own.
    history.target("there").file(event("z", 900));
    history.keep(&Metrics::new(), std::future::ready(())).await;
    assert_eq!(all(&history), ["e", "f", "z"], "only the number counts across targets");
}

#[test]
fn without_a_keeper_memory_stays_bounded() {
    let history = Scripted::default().history(Limits { age: Duration::from_secs(1_000_000), number: 10 });
    let ledger = history.target("here");
    for second in 0..1_000 {
        ledger.file(Event { message: second.to_string(), ..event("a", second) });
    }
    assert!(history.find(&Query::default()).len() <= 10 + SLACK);
}

async fn written(history: &History) {
    history.keep(&Metrics::new(), std::future::ready(())).await;
}

#[tokio::test]
async fn the_next_process_finds_what_the_last_one_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let history = open(&folder.path().join("deep/down"));
    history.target("here").file(event("llama", 1));
    written(&history).await;
    let before = history.find(&Query::default());
    drop(history);
    let history = open(&folder.path().join("deep/down"));
    assert_eq!((history.find(&Query::default()), before.len()), (before, 1));
}

#[tokio::test]
async fn a_file_that_is_none_is_put_aside_and_the_history_begins_anew() {
    for rubbish in [vec![], b"not a database".to_vec(), vec![0xff; 1 << 20]] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("history.redb"), &rubbish).unwrap();
        let history = open(folder.path());
        assert_eq!(all(&history), Vec::<String>::new());
        history.target("here").file(event("llama", 1));
        written(&history).await;
        drop(history);
        assert_eq!(all(&open(folder.path())), ["llama"]);
    }
}

#[tokio::test]
async fn a_file_that_was_damaged_in_the_middle_ends_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.redb");
    let history = open(folder.path());
    for number in 0..500 {
        history.target("here").file(Event { message: "x".repeat(number), ..event("llama", 1) });
    }
    written(&history).await;
    drop(history);
    let whole = std::fs::read(&path).unwrap();
    for part in 0..16 {
        let mut damaged = whole.clone();
        let length = damaged.len() / 16;
        damaged[part * length..(part + 1) * length].fill(0xa5);
        std::fs::write(&path, &damaged).unwrap();
        // Whatever was saved, it can be used.
        let history = open(folder.path());
        history.target("here").file(event("bert", 2));
        written(&history).await;
        assert!(all(&history).contains(&"bert".to_owned()), "part {part}");
    }
}

#[tokio::test]
async fn a_file_that_is_deleted_meanwhile_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let history = open(folder.path());
    history.target("here").file(event("a", 1));
    written(&history).await;
    std::fs::remove_file(folder.path().join("history.redb")).unwrap();
    history.target("here").file(event("b", 2));
    written(&history).await;
    drop(history);
    assert_eq!(all(&open(folder.path())), ["b"]);
}

#[tokio::test]
async fn two_processes_with_one_folder_do_not_hurt_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let second = open(folder.path());
    second.target("here").file(event("b", 2));
    written(&second).await;
    first.target("here").file(event("a", 1));
    written(&first).await;
    assert_eq!(all(&second), ["b"]);
    drop((first, second));
    assert_eq!(all(&open(folder.path())), ["a"]);
}
