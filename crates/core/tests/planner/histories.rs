//! What holds for the whole planner throughout a history of a shared pool.
//!
//! Histories are played in the miniature: services come, change and go, instances are lost and drained, images and
//! templates change for better or worse, readings fail. No chip is ever held twice, every set of devices is one that the
//! hardware has, replicas are never missing by our doing, nothing is written on a guess; and once nothing more goes wrong,
//! everything comes to rest.
//!
//! 1,000 histories by default, half a minute of two cores; `.ci/run` plays 10,000. `PROPTEST_CASES` asks for another number, `PROPTEST_RNG_SEED` for
//! other ones.

use std::sync::Mutex;

use axon_core::observe::{Rollout, ServiceStatus};
use axon_core::observed::{Listing, Observed};
use axon_core::ownership::QUARANTINED;
use axon_core::plan::{Plan, Wait, is_current};
use axon_core::step::{Action, Cause, Resource};
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::{Value, json};

use super::fixture::{Specs, cluster, set, text, waits};
use super::history::{Blind, Event, History, Pick, Quality, history};
use super::miniature::{MUTE_SCRIPT, Miniature};

/// Histories are played by so many threads.
const THREADS: u32 = 2;
/// Passes within which everything comes to rest: enough for the largest pool to be replaced instance by instance.
const REST: usize = 240;

fn cases() -> u32 {
    let (given, usual) = (Config::default().cases, 256);
    if given == usual { 1_000 } else { given }
}

/// The same histories in every run, so that a failure is a change and not luck.
fn seed() -> u64 {
    match Config::default().rng_seed {
        RngSeed::Random => 2026,
        RngSeed::Fixed(seed) => seed,
    }
}

fn specs(types: &[&str], unavailable: u32) -> Specs {
    let rollout = json!({"policy": "Roll", "soak": "4m", "timeout": "15m", "maxUnavailable": unavailable});
    let pool = json!({
        "apiVersion": "neuron.ecs/v1alpha1", "kind": "NeuronPool", "metadata": {"name": "neuron"},
        "spec": {"cluster": "ml", "autoScalingGroup": {
            "instanceTypes": types, "maxSize": 1, "rollout": rollout,
            "instanceProfileArn": "arn:aws:iam::111122223333:instance-profile/ecsInstanceRole",
            "subnets": ["subnet-0a1b2c3d"]}}
    });
    Specs { clusters: vec![cluster("ml")], pools: vec![pool], services: Vec::new() }
}

/// What was seen, so that a generator that has become too tame is noticed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Histories in which instances were out of date, a rollout was undone, and replicas moved to other devices.
    rolling: u32,
    undone: u32,
    moved: u32,
    /// Instances drained by plans, and drained or lost by others.
    drained: u32,
    taken_back: u32,
    disturbed: u32,
    blind: u32,
    failed_launches: u32,
    deployments_taken_back: u32,
    above: u32,
    passes: u32,
    longest: usize,
}

struct Play {
    mini: Miniature,
    types: &'static [&'static str],
    numbers: u32,
    seen: Seen,
}

impl Play {
    fn new((types, unavailable, _): &History) -> Self {
        let mut mini = Miniature::empty(specs(types, *unavailable));
        mini.step = SignedDuration::from_mins(4);
        Self { mini, types, numbers: 0, seen: Seen::default() }
    }

    fn number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    fn devices(&self, index: Pick) -> Value {
        let choices: &[u32] = if self.types[0].starts_with("trn1") { &[1, 4, 8, 16] } else { &[1, 2, 3, 6] };
        json!(choices[index.of(choices)])
    }

    fn service(&mut self, which: Pick) -> Option<&mut Value> {
        let services = &mut self.mini.specs.services;
        if services.is_empty() {
            return None;
        }
        let at = which.of(services);
        services.get_mut(at)
    }

    fn instance(&self, which: Pick, state: &str) -> Option<(String, String)> {
        let Some(Listing::Read(instances)) = self.mini.observed.instances.get("ml") else { return None };
        let such: Vec<_> = instances.values().filter(|found| found.status == state).collect();
        let found = if such.is_empty() { return None } else { such[which.of(&such)] };
        Some((found.arn.clone(), found.ec2_id.clone()?))
    }

    fn set_state(&mut self, arn: &str, state: &str) {
        let instances = self.mini.observed.instances.get_mut("ml").unwrap();
        instances.get_mut(arn).unwrap().status = state.into();
        self.mini.watch.touched.remove(arn);
    }

    fn happen(&mut self, event: &Event) -> Result<(), TestCaseError> {
        match event {
            Event::Add { devices, replicas, percent } => self.add(*devices, *replicas, *percent),
            Event::Resize { which, replicas } => {
                if let Some(service) = self.service(*which) {
                    set(service, "/spec/replicas", json!(replicas));
                }
            }
            Event::Devices { which, devices } => {
                let devices = self.devices(*devices);
                if let Some(service) = self.service(*which) {
                    set(service, "/spec/devices", devices);
                }
            }
            Event::Remove { which } => {
                let services = &mut self.mini.specs.services;
                if services.len() > 1 {
                    services.remove(which.of(services));
                }
            }
            Event::Image { which, quality } => {
                let image = format!("vllm:{}", self.number());
                if !matches!(quality, Quality::Good) {
                    self.mini.faults.bad.insert(image.clone());
                }
                if let Some(service) = self.service(*which) {
                    set(service, "/spec/template/containers/0/image", json!(image));
                }
            }
            Event::Lose { which } => {
                if let Some((_, id)) = self.instance(*which, "ACTIVE") {
                    self.seen.disturbed += 1;
                    self.mini.lose(&id);
                }
            }
            Event::Drain { which } => {
                if let Some((arn, _)) = self.instance(*which, "ACTIVE") {
                    self.seen.disturbed += 1;
                    self.mini.excuse(&arn);
                    self.set_state(&arn, "DRAINING");
                }
            }
            Event::TakeBack { which } => {
                if let Some((arn, _)) = self.instance(*which, "DRAINING") {
                    self.set_state(&arn, "ACTIVE");
                }
            }
            Event::Publish { quality } => self.publish(*quality),
            Event::Boot { quality } => {
                let script = if matches!(quality, Quality::Good) { "true" } else { MUTE_SCRIPT };
                let script = format!("{script} # {}", self.number());
                set(&mut self.mini.specs.pools[0], "/spec/autoScalingGroup/userData", json!(script));
            }
            Event::Short => drop(self.mini.faults.short.insert(self.types[0].to_owned())),
            Event::Plenty => self.mini.faults.short.clear(),
            Event::Blind { of } => return self.blind(*of),
            Event::Pass { count } => return (0..*count).try_for_each(|_| self.pass().map(drop)),
        }
        self.pass().map(drop)
    }

    fn add(&mut self, devices: Pick, replicas: u32, (least, most): (u32, u32)) {
        if self.mini.specs.services.len() >= 4 {
            return;
        }
        let name = format!("s{}", self.number());
        let devices = self.devices(devices);
        self.mini.specs.services.push(json!({
            "apiVersion": "neuron.ecs/v1alpha1", "kind": "NeuronService", "metadata": {"name": name},
            "spec": {"pool": "neuron", "replicas": replicas, "devices": devices,
                "deployment": {"minimumHealthyPercent": least, "maximumPercent": most},
                "template": {"cpu": 2048, "memory": 8192, "containers": [{"name": "server", "image": "vllm:0"}]}}
        }));
    }

    /// Where every replica could have an instance of its own, and there is room beside them for what is replaced before it
    /// stops, everything can come to rest: ECS, not the layout, chooses instances, and may leave none of them empty. The pool never gets smaller: whose instances go then is for Auto Scaling to say.
    fn make_room(&mut self) {
        let services = self.mini.specs.services.iter();
        let replicas: Vec<u64> = services.map(|service| service["spec"]["replicas"].as_u64().unwrap()).collect();
        let needed = replicas.iter().sum::<u64>() + replicas.iter().max().unwrap_or(&0) + 1;
        let most = &mut self.mini.specs.pools[0]["spec"]["autoScalingGroup"]["maxSize"];
        *most = json!(most.as_u64().unwrap().max(needed));
    }

    fn publish(&mut self, quality: Quality) {
        let id = format!("ami-{}", self.number());
        match quality {
            Quality::Good => {}
            Quality::Mute => drop(self.mini.faults.mute.insert(id.clone())),
            Quality::Broken => drop(self.mini.faults.broken.insert(id.clone())),
        }
        self.mini.publish(&id);
    }

    fn pass(&mut self) -> Result<Plan, TestCaseError> {
        self.make_room();
        let plan = self.mini.plan_of(&self.mini.observed);
        self.go(plan)
    }

    fn go(&mut self, plan: Plan) -> Result<Plan, TestCaseError> {
        self.note(&plan);
        self.mini.carry_out(plan.clone());
        prop_assert_eq!(&self.mini.watch.violations, &Vec::<String>::new(), "{}", self.mini.log);
        Ok(plan)
    }

    fn note(&mut self, plan: &Plan) {
        let seen = &mut self.seen;
        seen.passes += 1;
        let outdated =
            self.mini.observed.groups.iter().any(|group| group.members.iter().any(|member| !is_current(group, member)));
        seen.rolling |= u32::from(outdated);
        seen.undone |= u32::from(self.mini.observed.templates.iter().any(|found| found.tags.contains_key(QUARANTINED)));
        let layouts = plan.allocation.pools.values().flatten();
        seen.moved |= u32::from(layouts.into_iter().any(|layout| layout.changes.moved > 0));
        for step in &plan.steps {
            match &step.action {
                Action::UpdateContainerInstancesState { status: "DRAINING", .. } => seen.drained += 1,
                Action::UpdateContainerInstancesState { .. } => seen.taken_back += 1,
                _ => {}
            }
        }
    }

    /// One reading has failed: nothing is written that it speaks about.
    fn blind(&mut self, of: Blind) -> Result<(), TestCaseError> {
        let mut seen: Observed = self.mini.observed.clone();
        match of {
            Blind::Services => drop(seen.services.insert("ml".into(), Listing::Unread)),
            Blind::Instances => drop(seen.instances.insert("ml".into(), Listing::Unread)),
            Blind::Tasks => seen.tasks.clear(),
            Blind::Groups => seen.groups = Listing::Unread,
            Blind::Templates => seen.templates = Listing::Unread,
            Blind::Images => seen.images.clear(),
        }
        let plan = self.mini.plan_of(&seen);
        let had_tasks = self.mini.observed.all_services().any(|service| service.running + service.pending > 0);
        for step in &plan.steps {
            let creates_service = matches!(step.action, Action::CreateService(_));
            let removes = step.because == [Cause::NotDeclared];
            let guesses = match (of, &step.resource) {
                (Blind::Instances, Resource::Service { .. }) => !removes,
                (Blind::Tasks, Resource::Service { .. }) => had_tasks && !creates_service && !removes,
                (Blind::Services, Resource::Service { .. })
                | (Blind::Instances | Blind::Groups | Blind::Templates, Resource::Instance(_))
                | (Blind::Groups | Blind::Templates, Resource::AutoScalingGroup(_))
                | (Blind::Templates | Blind::Images, Resource::LaunchTemplate(_)) => true,
                _ => false,
            };
            prop_assert!(!guesses, "without {of:?}: {} {}", step.action.operation(), step.resource);
        }
        self.seen.blind += 1;
        self.go(plan).map(drop)
    }

    /// Nothing goes wrong any more, and everything comes to rest.
    fn rest(&mut self) -> Result<(), TestCaseError> {
        self.mini.faults = super::miniature::Faults::default();
        for service in &mut self.mini.specs.services {
            set(service, "/spec/template/containers/0/image", json!("vllm:last"));
        }
        set(&mut self.mini.specs.pools[0], "/spec/autoScalingGroup/userData", json!("true # last"));
        self.mini.publish("ami-last");
        for count in 0..REST {
            // A service that is being deleted keeps its revisions in use, an instance is drained only where no deployment is
            // under way, and counts fall as tasks come: there is something to do once they are through.
            let lacks = self.mini.missing() > 0;
            let on_its_way = self.mini.observed.all_services().any(|found| {
                found.status != ServiceStatus::Active || found.deployments[0].rollout == Rollout::InProgress
            });
            let plan = self.pass()?;
            let waits = plan.waiting.iter().any(|waiting| !matches!(waiting.on, Wait::Devices { .. }));
            if plan.steps.is_empty() && !waits && !on_its_way && !lacks {
                self.seen.longest = self.seen.longest.max(count);
                let images = self.mini.images();
                prop_assert!(images.iter().all(|image| image == "ami-last"), "{images:?}");
                let again = self.mini.plan();
                prop_assert_eq!(text(&again.steps), "", "{}", self.mini.log);
                return Ok(());
            }
        }
        let plan = self.mini.plan();
        let instances = &self.mini.observed.instances["ml"];
        let instances: Vec<String> = instances
            .iter()
            .map(|i| format!("{} {} {} tasks", i.arn, i.status, i.running_tasks + i.pending_tasks))
            .collect();
        let services: Vec<String> = self
            .mini
            .observed
            .all_services()
            .map(|s| {
                format!(
                    "{} {:?} {} of {:?}, {:?}",
                    s.name, s.status, s.running, s.settings.desired_count, s.deployments
                )
            })
            .collect();
        let state = format!("{}\n{instances:#?}\n{services:#?}", waits(&plan));
        Err(TestCaseError::fail(format!("no rest:\n{}\n{state}", self.mini.log)))
    }
}

pub(crate) fn play(history: &History) -> Result<Seen, TestCaseError> {
    let mut play = Play::new(history);
    history.2.iter().try_for_each(|event| play.happen(event))?;
    play.rest()?;
    let watch = play.mini.watch.seen;
    let (failed_launches, deployments_taken_back) = (watch.failed_launches, watch.deployments_taken_back);
    Ok(Seen { failed_launches, deployments_taken_back, above: watch.above, ..play.seen })
}

fn add_up(all: &mut Seen, new: Seen) {
    all.rolling += new.rolling;
    all.undone += new.undone;
    all.moved += new.moved;
    all.drained += new.drained;
    all.taken_back += new.taken_back;
    all.disturbed += new.disturbed;
    all.blind += new.blind;
    all.passes += new.passes;
    all.failed_launches += new.failed_launches;
    all.deployments_taken_back += new.deployments_taken_back;
    all.above += new.above;
    all.longest = all.longest.max(new.longest);
}

#[test]
fn no_chip_is_held_twice_and_everything_comes_to_rest_throughout_a_history() {
    let (seen, each) = (Mutex::new(Seen::default()), cases().div_ceil(THREADS));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..u64::from(THREADS))
            .map(|thread| {
                let rng_seed = RngSeed::Fixed(seed() * u64::from(THREADS) + thread);
                let config = Config {
                    cases: each,
                    failure_persistence: None,
                    max_shrink_iters: 120,
                    rng_seed,
                    ..Config::default()
                };
                let seen = &seen;
                scope.spawn(move || {
                    TestRunner::new(config)
                        .run(&history(), |history| play(&history).map(|new| add_up(&mut seen.lock().unwrap(), new)))
                })
            })
            .collect();
        let ends: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let failures: Vec<String> =
            ends.into_iter().filter_map(|end| end.err().map(|error| error.to_string())).collect();
        assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    });
    let seen = seen.into_inner().unwrap();
    let enough = cases() / 50;
    let kinds = [seen.rolling, seen.undone, seen.moved, seen.drained, seen.disturbed, seen.blind];
    assert!(kinds.iter().all(|kind| *kind >= enough), "{seen:?}");
    assert!([seen.failed_launches, seen.deployments_taken_back].iter().all(|kind| *kind >= enough), "{seen:?}");
}
