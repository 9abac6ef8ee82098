//! The loop in simulated time: what it does when, told by the calls that a scripted cloud sees.

mod limits;
mod sources;

use std::future::pending;

use axon_core::cloud::ErrorClass;
use axon_core::plan::{Wait, Writes};
use axon_core::spec::ObjectKey;
use axon_core::status::{ConditionType, Truth};
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::clock::ScaledClock;
use crate::events::EventReason;
use crate::fake::{Act, Ends, Fake, Scripted, clock, clusters, text};
use crate::settings::Until;
use crate::source::{FixedSource, Snapshot, SourceError};
use crate::subject::Subject;
use crate::view::Phase;

struct Bench {
    clock: Arc<ScaledClock>,
    cloud: Arc<Fake>,
    settings: Settings,
}

struct Running {
    clock: Arc<ScaledClock>,
    view: watch::Receiver<Arc<View>>,
    stop: oneshot::Sender<()>,
    run: JoinHandle<Outcome>,
}

impl Bench {
    fn new() -> Self {
        let clock = clock();
        let settings = Settings::new("test".parse().unwrap());
        Self { cloud: Fake::new(Arc::clone(&clock)), clock, settings }
    }

    fn start(&self, source: impl Source + 'static) -> Running {
        let reconciler = Reconciler::new(Arc::clone(&self.cloud), Arc::clone(&self.clock), self.settings.clone());
        let view = reconciler.view();
        let (stop, stopped) = oneshot::channel();
        let run = tokio::spawn(reconciler.run(source, async {
            let _ = stopped.await;
        }));
        Running { clock: Arc::clone(&self.clock), view, stop, run }
    }

    fn start_script(&self, script: Vec<(i64, Result<Snapshot, SourceError>)>) -> Running {
        self.start(Scripted::new(&self.clock, script))
    }

    async fn apply(&mut self, snapshot: Snapshot, until: Until) -> Outcome {
        self.settings.until = until;
        let reconciler = Reconciler::new(Arc::clone(&self.cloud), Arc::clone(&self.clock), self.settings.clone());
        reconciler.run(FixedSource(snapshot), pending()).await
    }
}

impl Running {
    async fn at(&self, second: i64) -> Arc<View> {
        let pause = until(self.clock.now(), Timestamp::from_second(second).unwrap());
        tokio::time::sleep(pause).await;
        self.view.borrow().clone()
    }

    async fn stop(self) -> Outcome {
        self.stop.send(()).unwrap();
        self.run.await.unwrap()
    }
}

fn one(insights: &str) -> Snapshot {
    clusters(&format!("r-{insights}"), &[("a", insights)])
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::cluster(name.parse().unwrap())
}

fn said(view: &View) -> Vec<String> {
    view.events.iter().map(|event| format!("{} {}", event.reason, last_part(&event.object))).collect()
}

fn last_part(subject: &Subject) -> String {
    let text = subject.to_string();
    text.rsplit('/').next().unwrap_or_default().to_owned()
}

fn wrote(lines: &[(i64, &str)]) -> Vec<(i64, String)> {
    lines.iter().map(|(at, line)| (*at, format!("{line}Cluster cluster a"))).collect()
}

#[test]
fn a_source_that_says_the_same_again_is_no_reason_to_plan() {
    let now = Timestamp::from_second(0).unwrap();
    let mut controller = Controller::new(Bench::new().settings, now, Telemetry::default());
    let mut plans = |result| {
        controller.learn(Report::Source(result, Vec::new()), now);
        let wants = controller.wants_pass(now);
        let _nothing_is_known_of_aws = controller.pass(now);
        wants
    };
    let lost = || Err(SourceError::Other("the repository is away".to_owned()));
    assert!(plans(Ok(one("Enabled"))));
    assert!(!plans(Ok(one("Enabled"))));
    assert!(plans(Ok(one("Disabled"))));
    assert!(plans(lost()), "it is said that the source cannot be read");
    assert!(!plans(lost()), "and said once");
    assert!(plans(Ok(one("Disabled"))), "and that it can be read again");
    assert!(!plans(Ok(one("Disabled"))));
}

#[tokio::test(start_paused = true)]
async fn what_is_declared_becomes_ready_and_the_run_ends() {
    let mut bench = Bench::new();
    let outcome = bench.apply(clusters("r", &[("a", "Disabled"), ("b", "Enabled")]), Until::Ready).await;
    assert!(matches!(outcome, Outcome::Reached), "{outcome:?}");
    assert_eq!(bench.cloud.writes().len(), 2);
    let outcome = bench.apply(clusters("r", &[("a", "Disabled"), ("b", "Enabled")]), Until::Ready).await;
    assert!(matches!(outcome, Outcome::Reached), "{outcome:?}");
    assert_eq!(bench.cloud.writes().len(), 2, "a second run has nothing to do");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_aws_does_not_agree_with_is_set_right_before_anything_is_written() {
    let bench = Bench::new();
    bench.cloud.script("observe", vec![Act::taking(2); 2]);
    bench.cloud.is_ahead(SignedDuration::from_hours(24));
    let running = bench.start(FixedSource(one("Disabled")));
    let view = running.at(60).await;
    assert_eq!(bench.cloud.sweeps()[..2], [0, 2], "what was read by a wrong clock is read again");
    assert_eq!(bench.cloud.writes(), wrote(&[(4, "Create")]));
    assert!(view.events.iter().all(|event| event.at.as_second() > 86_400), "dated by AWS's clock: {:?}", view.events);
}

#[tokio::test(start_paused = true)]
async fn all_outcomes_that_are_there_are_folded_in_before_planning_once() {
    let bench = Bench::new();
    let names: Vec<String> = (0..8).map(|number| format!("c{number}")).collect();
    let fleet: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "Disabled")).collect();
    bench.cloud.script("CreateCluster", vec![Act::taking(3); 8]);
    let running = bench.start(FixedSource(clusters("r", &fleet)));
    let before = running.at(1).await;
    assert_eq!((before.in_flight.len(), before.phase), (8, Phase::Working));
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let after = running.view.borrow().clone();
    assert_eq!((after.steps_done.len(), after.in_flight.len()), (8, 0));
    // One pass for a look at the source at most, one for all eight outcomes.
    assert!(after.pass - before.pass <= 2, "{} passes", after.pass - before.pass);
}

#[tokio::test(start_paused = true)]
async fn at_most_so_many_steps_run_at_once_as_are_allowed() {
    let mut bench = Bench::new();
    bench.settings.max_concurrent_steps = 2;
    bench.cloud.script("CreateCluster", vec![Act::taking(10); 5]);
    let fleet = clusters("r", &["a", "b", "c", "d", "e"].map(|name| (name, "Disabled")));
    let running = bench.start(FixedSource(fleet));
    running.at(60).await;
    let starts: Vec<i64> = bench.cloud.writes().iter().map(|(at, _)| *at).collect();
    assert_eq!(starts, [0, 0, 10, 10, 20]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_specification_waits_for_the_step_that_is_under_way() {
    let bench = Bench::new();
    bench.cloud.script("CreateCluster", [Act::taking(20)]);
    let running = bench.start_script(vec![(0, Ok(one("Disabled"))), (4, Ok(one("Enabled")))]);
    running.at(60).await;
    assert_eq!(bench.cloud.writes(), wrote(&[(0, "Create"), (20, "Update")]));
}

#[tokio::test(start_paused = true)]
async fn a_failed_step_is_tried_again_at_its_time_and_not_before() {
    let bench = Bench::new();
    bench.cloud.script("CreateCluster", vec![Act::failing(ErrorClass::Invalid); 2]);
    let running = bench.start(FixedSource(one("Disabled")));
    let view = running.at(200).await;
    let wait = |failures| crate::backoff::delay(ErrorClass::Invalid, failures, "cluster a").as_secs_f64();
    let starts: Vec<i64> = bench.cloud.writes().iter().map(|(at, _)| *at).collect();
    assert_eq!(starts.len(), 3, "{starts:?}");
    for (start, planned) in starts.iter().zip([0.0, wait(1), wait(1) + wait(2)]) {
        let late = f64::from(i32::try_from(*start).unwrap()) - planned;
        assert!((-1.0..0.1).contains(&late), "{start} instead of {planned}");
    }
    assert_eq!(said(&view), ["CallFailed a", "Stalled a", "Created a", "Ready a"]);
    let failed = view.events.iter().find(|event| event.reason == EventReason::CallFailed).unwrap();
    assert_eq!(failed.count, 2);
}

#[tokio::test(start_paused = true)]
async fn a_changed_specification_is_tried_at_once_whatever_failed_before() {
    let bench = Bench::new();
    bench.cloud.script("CreateCluster", vec![Act::failing(ErrorClass::Denied); 1]);
    let running = bench.start_script(vec![(0, Ok(one("Disabled"))), (1, Ok(one("Enabled")))]);
    running.at(10).await;
    assert_eq!(bench.cloud.writes(), wrote(&[(0, "Create"), (2, "Create")]));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_began_before_an_outcome_does_not_undo_it() {
    let mut bench = Bench::new();
    bench.settings.busy_interval = Duration::from_secs(2);
    bench.cloud.script("CreateCluster", [Act::taking(5)]);
    // The second sweep, which looks for records of jobs, sees nothing yet and comes back after the cluster was made.
    bench.cloud.script("observe", [Act::default(), Act::taking(30)]);
    let running = bench.start(FixedSource(one("Disabled")));
    let view = running.at(20).await;
    assert!(view.statuses[&key("a")].is_ready());
    let view = running.at(50).await;
    assert!(view.statuses[&key("a")].is_ready());
    assert_eq!(bench.cloud.sweeps()[..2], [0, 1]);
    assert_eq!(bench.cloud.writes(), wrote(&[(0, "Create")]));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_while_writing_is_switched_off() {
    let mut bench = Bench::new();
    bench.settings.writes = Writes::ReadOnly;
    let outcome = bench.apply(one("Disabled"), Until::Settled).await;
    let Outcome::Stalled(view) = outcome else { panic!("{outcome:?}") };
    assert!(view.statuses[&key("a")].is_stalled());
    assert_eq!(bench.cloud.writes(), []);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_cannot_be_read_keeps_what_was_read_before() {
    let bench = Bench::new();
    let running = bench.start_script(vec![
        (0, Ok(one("Disabled"))),
        (10, Ok(text("poison", "kind: [unclosed\n\tnonsense: {"))),
        (20, Err(SourceError::Other("the repository is away".to_owned()))),
        (30, Ok(one("Enabled"))),
    ]);
    let poisoned = running.at(19).await;
    assert_eq!(poisoned.revision, "poison");
    assert!(poisoned.statuses[&key("a")].is_ready());
    assert!(!poisoned.diagnostics.is_empty());
    let away = running.at(29).await;
    assert_eq!(away.source_error.as_deref(), Some("the repository is away"));
    assert!(away.statuses[&key("a")].is_ready());
    assert_eq!(bench.cloud.writes(), wrote(&[(0, "Create")]));
    let back = running.at(40).await;
    assert_eq!(back.source_error, None);
    assert_eq!(bench.cloud.writes(), wrote(&[(0, "Create"), (30, "Update")]));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_becomes_invalid_stays_in_force_and_says_so() {
    let bench = Bench::new();
    let invalid = clusters("r2", &[("a", "Sometimes"), ("b", "Disabled")]);
    let running = bench.start_script(vec![(0, Ok(one("Disabled"))), (10, Ok(invalid)), (20, Ok(one("Disabled")))]);
    let view = running.at(15).await;
    let status = &view.statuses[&key("a")];
    let condition = |kind| status.condition(kind).map(|found| found.status);
    assert_eq!(condition(ConditionType::SpecValid), Some(Truth::False));
    assert_eq!(condition(ConditionType::Stalled), Some(Truth::True));
    assert!(!status.is_ready());
    assert!(status.condition(ConditionType::SpecValid).unwrap().message.contains("stays in force"));
    assert!(view.statuses[&key("b")].is_ready());
    let view = running.at(80).await;
    assert!(view.statuses[&key("a")].is_ready());
    let writes: Vec<String> = bench.cloud.writes().into_iter().map(|(_, line)| line).collect();
    assert_eq!(writes, ["CreateCluster cluster a", "CreateCluster cluster b", "DeleteCluster cluster b"]);
}

#[tokio::test(start_paused = true)]
async fn drift_is_found_by_the_next_sweep_and_corrected() {
    let bench = Bench::new();
    let running = bench.start(FixedSource(one("Enabled")));
    running.at(30).await;
    bench.cloud.tamper(|clusters| {
        clusters.get_mut("a").unwrap().settings.insert("containerInsights".to_owned(), "disabled".to_owned());
    });
    let view = running.at(150).await;
    assert_eq!(bench.cloud.writes().len(), 2);
    let words = said(&view);
    assert!(words.contains(&"DriftCorrected a".to_owned()) && words.contains(&"Ready a".to_owned()), "{words:?}");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_specification_is_no_drift() {
    let bench = Bench::new();
    let running = bench.start_script(vec![(0, Ok(one("Disabled"))), (10, Ok(one("Enabled")))]);
    let view = running.at(20).await;
    let words = said(&view);
    assert!(words.contains(&"Updated a".to_owned()) && !words.contains(&"DriftCorrected a".to_owned()), "{words:?}");
}

#[tokio::test(start_paused = true)]
async fn aws_is_read_seldom_while_nothing_moves() {
    let bench = Bench::new();
    let running = bench.start(FixedSource(one("Disabled")));
    let view = running.at(300).await;
    assert_eq!(view.phase, Phase::Steady);
    let sweeps = bench.cloud.sweeps();
    assert!(sweeps.len() <= 7, "{sweeps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_call_is_contained_and_the_call_is_made_again() {
    let bench = Bench::new();
    bench.cloud.script("CreateCluster", [Act { takes: Duration::ZERO, ends: Ends::InPanic }]);
    bench.cloud.script("observe", [Act::default(), Act { takes: Duration::ZERO, ends: Ends::InPanic }]);
    let running = bench.start(FixedSource(one("Disabled")));
    let view = running.at(1).await;
    let failed = view.steps_done.first().unwrap().result.clone().unwrap_err();
    assert_eq!((failed.class, failed.code.as_str()), (ErrorClass::Ambiguous, "Panic"));
    assert!(!running.run.is_finished());
    running.at(900).await;
    assert!(!running.run.is_finished());
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_calls_under_way_and_starts_nothing_more() {
    let mut bench = Bench::new();
    bench.settings.max_concurrent_steps = 1;
    bench.cloud.script("CreateCluster", vec![Act::taking(10); 2]);
    let running = bench.start(FixedSource(clusters("r", &[("a", "Disabled"), ("b", "Disabled")])));
    running.at(3).await;
    let view = running.view.clone();
    let outcome = running.stop().await;
    assert!(matches!(outcome, Outcome::Stopped), "{outcome:?}");
    assert_eq!(bench.clock.now().as_second(), 10);
    assert_eq!(bench.cloud.writes(), wrote(&[(0, "Create")]));
    assert_eq!(view.borrow().steps_done.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn stopping_does_not_wait_for_ever() {
    let bench = Bench::new();
    bench.cloud.script("CreateCluster", vec![Act::taking(1_000)]);
    let running = bench.start(FixedSource(one("Disabled")));
    running.at(3).await;
    running.stop().await;
    assert_eq!(bench.clock.now().as_second(), 33);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_needs_a_person_ends_and_one_that_needs_time_ends_when_it_is_up() {
    let mut bench = Bench::new();
    bench.cloud.script("CreateCluster", vec![Act::failing(ErrorClass::Denied)]);
    let outcome = bench.apply(one("Disabled"), Until::Settled).await;
    assert!(matches!(outcome, Outcome::Stalled(_)), "{outcome:?}");

    let mut bench = Bench::new();
    bench.settings.timeout = Some(Duration::from_secs(90));
    bench.cloud.script("CreateCluster", vec![Act::failing(ErrorClass::Transient); 100]);
    let outcome = bench.apply(one("Disabled"), Until::Settled).await;
    assert!(matches!(outcome, Outcome::TimedOut(_)), "{outcome:?}");
    assert_eq!(bench.clock.now().as_second(), 90);
}

#[tokio::test(start_paused = true)]
async fn a_command_that_runs_once_says_what_no_waiting_will_mend() {
    let mut bench = Bench::new();
    bench.cloud.script("lookup", vec![Act::failing(ErrorClass::Denied)]);
    let outcome = bench.apply(one("Disabled"), Until::Ready).await;
    assert!(matches!(&outcome, Outcome::Failed(why) if why.contains("DeniedError")), "{outcome:?}");

    let mut bench = Bench::new();
    bench.cloud.script("observe", vec![Act::failing(ErrorClass::Denied); 9]);
    let outcome = bench.apply(one("Disabled"), Until::Ready).await;
    assert!(matches!(&outcome, Outcome::Failed(why) if why.contains("cannot be read")), "{outcome:?}");
    assert_eq!(bench.cloud.sweeps().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_service_goes_on_asking_for_the_account() {
    let bench = Bench::new();
    bench.cloud.script("lookup", vec![Act::failing(ErrorClass::Denied); 2]);
    let running = bench.start(FixedSource(one("Disabled")));
    let view = running.at(1).await;
    assert_eq!((view.phase, view.sweep_errors.len()), (Phase::Starting, 1));
    let view = running.at(120).await;
    assert!(view.statuses[&key("a")].is_ready());
    assert_eq!(view.sweep_errors, []);
}

#[tokio::test(start_paused = true)]
async fn the_view_can_be_served_as_json() {
    let bench = Bench::new();
    let running = bench.start_script(vec![(0, Ok(one("Disabled"))), (10, Ok(text("poison", "a: b: c")))]);
    let view = running.at(15).await;
    let json = serde_json::to_value(&*view).unwrap();
    assert_eq!(json["statuses"][0]["name"], "a");
    assert_eq!(json["stepsDone"][0]["operation"], "CreateCluster");
    assert_eq!(json["stepsDone"][0]["error"], serde_json::Value::Null);
    assert_eq!(json["events"][0]["object"], "NeuronCluster/a");
    assert_eq!(json["diagnostics"][0]["file"], "fleet.yaml");
}
