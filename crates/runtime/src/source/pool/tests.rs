//! Many sources as one: what subscribers see when, in simulated time.

use std::fs;

use axon_core::spec::Completeness;
use axon_core::status::Truth;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::*;
use crate::clock::{ScaledClock, until};
use crate::fake::clock;
use crate::source::git::fixture::{Upstream, main_branch};
use crate::source::{Source as _, SourceReason, SourceStatus};

struct Bench {
    clock: Arc<ScaledClock>,
    data: TempDir,
}

struct Running {
    clock: Arc<ScaledClock>,
    wakers: Wakers,
    subscription: Subscription,
    _stop: oneshot::Sender<()>,
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn directory(name: &str, folder: &Path, interval: u64) -> SourceSettings {
    let settings = SourceSettings::directory(name.parse().unwrap(), vec![folder.to_owned()]);
    SourceSettings { interval: Duration::from_secs(interval), ..settings }
}

fn git(name: &str, upstream: &Upstream, interval: u64) -> SourceSettings {
    let settings = SourceSettings::git(name.parse().unwrap(), upstream.settings(main_branch()));
    SourceSettings { interval: Duration::from_secs(interval), ..settings }
}

impl Bench {
    fn new() -> Self {
        Self { clock: clock(), data: tempfile::tempdir().unwrap() }
    }

    fn start(&self, settings: Vec<SourceSettings>) -> Running {
        let sources = Sources::new(settings, self.data.path(), Arc::clone(&self.clock)).unwrap();
        let (subscription, wakers) = (sources.subscribe(), sources.wakers());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(sources.run(async {
            let _ = stopped.await;
        }));
        Running { clock: Arc::clone(&self.clock), wakers, subscription, _stop: stop }
    }
}

impl Running {
    async fn at(&mut self, second: i64) -> (Option<Snapshot>, Vec<SourceStatus>) {
        tokio::time::sleep(until(self.clock.now(), jiff::Timestamp::from_second(second).unwrap())).await;
        let snapshot = self.subscription.snapshot().await.ok();
        (snapshot, self.subscription.statuses())
    }

    async fn revision_at(&mut self, second: i64) -> String {
        self.at(second).await.0.unwrap().revision
    }
}

#[tokio::test(start_paused = true)]
async fn several_sources_are_one_snapshot_whose_files_know_their_revision() {
    let (upstream, other) = (Upstream::new(), folder(&[("b.yaml", "b")]));
    let commit = upstream.main(&[], "a");
    let mut running = Bench::new().start(vec![git("fleet", &upstream, 60), directory("local", other.path(), 60)]);
    let (snapshot, statuses) = running.at(1).await;
    let snapshot = snapshot.unwrap();
    let paths: Vec<&str> = snapshot.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["fleet:a.yaml".to_owned(), format!("local:{}/b.yaml", other.path().display())]);
    assert_eq!(snapshot.completeness, Completeness::Complete);
    assert_eq!(snapshot.revision_of("fleet:a.yaml"), format!("main@sha1:{commit}"));
    assert!(snapshot.revision_of("local:gone.yaml").starts_with("dir@sha256:"));
    assert!(snapshot.revision.starts_with(&format!("fleet=main@sha1:{commit} local=dir@")), "{}", snapshot.revision);
    assert!(statuses.iter().all(SourceStatus::is_ready), "{statuses:?}");
    assert_eq!(statuses[0].reference.as_deref(), Some("branch main"));
}

#[tokio::test(start_paused = true)]
async fn a_single_source_has_its_plain_revision() {
    let upstream = Upstream::new();
    let commit = upstream.main(&[], "a");
    let mut running = Bench::new().start(vec![git("fleet", &upstream, 60)]);
    assert_eq!(running.revision_at(1).await, format!("main@sha1:{commit}"));
}

#[tokio::test(start_paused = true)]
async fn a_broken_source_holds_up_no_other_and_nothing_counts_as_gone_until_all_were_read() {
    let (upstream, other) = (Upstream::new(), folder(&[("b.yaml", "b")]));
    let mut running = Bench::new().start(vec![git("fleet", &upstream, 60), directory("local", other.path(), 60)]);
    let (snapshot, statuses) = running.at(1).await;
    let snapshot = snapshot.unwrap();
    assert_eq!((snapshot.files.len(), snapshot.completeness), (1, Completeness::Partial));
    let condition = &statuses[0].condition;
    assert_eq!((condition.status, condition.reason), (Truth::False, SourceReason::ReferenceNotFound));
    let first = upstream.main(&[], "1");
    let (snapshot, statuses) = running.at(90).await;
    assert_eq!(snapshot.unwrap().completeness, Completeness::Complete);
    assert!(statuses[0].is_ready() && statuses[0].condition.last_transition_time.as_second() > 1);
    // Once read, a source that fails keeps what it had.
    upstream.lose(first);
    upstream.main(&[first], "2");
    let (snapshot, statuses) = running.at(180).await;
    let snapshot = snapshot.unwrap();
    assert_eq!((snapshot.files.len(), snapshot.completeness), (2, Completeness::Complete));
    assert_eq!(statuses[0].revision.as_deref(), Some(snapshot.revision_of("fleet:a.yaml")));
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_is_empty_all_of_a_sudden_is_not_a_removed_fleet() {
    let here = folder(&[("b.yaml", "b")]);
    let mut running = Bench::new().start(vec![directory("local", here.path(), 60)]);
    let before = running.at(1).await.0;
    fs::remove_file(here.path().join("b.yaml")).unwrap();
    let (after, statuses) = running.at(90).await;
    assert_eq!(after, before);
    assert_eq!(statuses[0].condition.reason, SourceReason::PathNotFound);
}

#[tokio::test(start_paused = true)]
async fn without_any_good_source_there_is_no_snapshot_and_each_says_why() {
    let upstream = Upstream::new();
    let mut running = Bench::new().start(vec![git("fleet", &upstream, 60)]);
    let error = running.subscription.snapshot().await.unwrap_err().to_string();
    assert!(error.contains("source fleet: branch main is not in file://"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn somebody_who_knows_of_a_change_need_not_wait_for_the_interval() {
    let upstream = Upstream::new();
    let first = upstream.main(&[], "1");
    let mut running = Bench::new().start(vec![git("fleet", &upstream, 3600)]);
    let before = running.revision_at(10).await;
    let second = upstream.main(&[first], "2");
    assert_eq!(running.revision_at(20).await, before);
    running.wakers.wake("nobody");
    running.wakers.wake("fleet");
    assert_eq!(running.revision_at(21).await, format!("main@sha1:{second}"));
    // Right after a look, the next one waits for a moment, and many wishes are one.
    let third = upstream.main(&[second], "3");
    for _ in 0..100 {
        running.wakers.wake("fleet");
    }
    assert_eq!(running.revision_at(22).await, format!("main@sha1:{second}"));
    assert_eq!(running.revision_at(25).await, format!("main@sha1:{third}"));
}

#[tokio::test(start_paused = true)]
async fn every_subscriber_is_told_of_something_new() {
    let upstream = Upstream::new();
    let first = upstream.main(&[], "1");
    let mut running = Bench::new().start(vec![git("fleet", &upstream, 60)]);
    let mut other = running.subscription.clone();
    running.revision_at(1).await;
    other.snapshot().await.unwrap();
    upstream.main(&[first], "2");
    running.subscription.changed().await;
    other.changed().await;
    assert!((54..=66).contains(&running.clock.now().as_second()), "{}", running.clock.now());
    assert_eq!(other.snapshot().await.unwrap(), running.subscription.snapshot().await.unwrap());
}

#[test]
fn sources_that_cannot_work_are_refused_before_anything_runs() {
    let upstream = Upstream::new();
    let new =
        |settings| Sources::new(settings, Path::new("data"), clock_outside()).map(|_| ()).unwrap_err().to_string();
    let twice = vec![git("fleet", &upstream, 60), git("fleet", &upstream, 60)];
    assert_eq!(new(twice), "source fleet: there are two sources with this name");
    assert!(new(vec![git("fleet", &upstream, 0)]).contains("at least 1s"));
}

fn clock_outside() -> Arc<crate::clock::SystemClock> {
    Arc::new(crate::clock::SystemClock)
}
