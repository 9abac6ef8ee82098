//! How long the pure part of a pass takes for 100, 1,000 and 10,000 services, and how much memory it needs.
//!
//! `cargo bench -p axon-core`; one stage: `cargo bench -p axon-core -- plan`. The numbers of docs/performance.md come
//! from here.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a fleet that cannot be made cannot be measured")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axon_core::check::check;
use axon_core::cloud::Facts;
use axon_core::desired::Desired;
use axon_core::judge::{Case, judge};
use axon_core::neuron::Catalog;
use axon_core::observe::{ClusterStatus, Identity, ProviderStatus, Rollout};
use axon_core::observed::{Listing, Observed};
use axon_core::ownership::Installation;
use axon_core::parse::{SourceFile, parse};
use axon_core::plan::{Limits, Plan, Prune, plan};
use axon_core::preview::assume;
use axon_core::resolve::{Context, resolve};
use axon_core::revision::Revisions;
use axon_core::step::Action;
use axon_core::validate::validate;
use axon_core::world::World;
use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};
use jiff::Timestamp;

#[global_allocator]
static MEMORY: AllocProfiler = AllocProfiler::system();

const FLEETS: [usize; 3] = [100, 1_000, 10_000];
/// ECS takes 5,000 services in a cluster and 20 capacity providers.
const OF_CLUSTER: usize = 2_000;
const POOLS: usize = 10;
const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

fn main() {
    divan::main();
}

fn fleet(services: usize, image: &str) -> Vec<SourceFile> {
    let mut files = Vec::new();
    for cluster in 0..services.div_ceil(OF_CLUSTER) {
        let mut text = format!(
            "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronCluster\nmetadata: {{name: ml-{cluster}}}\nspec: {{}}\n"
        );
        for pool in 0..POOLS {
            let _ = write!(
                text,
                "---\napiVersion: neuron.ecs/v1alpha1\nkind: NeuronPool\nmetadata: {{name: chips-{cluster}-{pool}}}\n\
                 spec:\n  cluster: ml-{cluster}\n  managedInstances:\n\
                 \x20   infrastructureRoleArn: arn:aws:iam::111122223333:role/ecsInfrastructureRole\n\
                 \x20   instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole\n\
                 \x20   subnets: [subnet-0a1b2c3d, subnet-4e5f6a7b]\n\
                 \x20   instanceRequirements: {{allowedInstanceTypes: [inf2.8xlarge, trn1.2xlarge]}}\n"
            );
        }
        files.push(SourceFile { path: format!("clusters/{cluster}.yaml"), text });
    }
    for number in 0..services {
        let (cluster, pool) = (number / OF_CLUSTER, number % POOLS);
        let text = format!(
            "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronService\n\
             metadata: {{name: llama-{number}, labels: {{team: nlp}}}}\n\
             spec:\n  pool: chips-{cluster}-{pool}\n  replicas: 2\n  template:\n    cpu: 8192\n    memory: 16384\n\
             \x20   executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole\n    containers:\n\
             \x20     - name: server\n        image: 111122223333.dkr.ecr.us-east-1.amazonaws.com/{image}\n\
             \x20       command: [serve, --tensor-parallel-size, \"2\"]\n\
             \x20       env: {{MODEL: llama, LEVEL: info}}\n        ports: [{{containerPort: 8080}}]\n\
             \x20       healthCheck: {{command: [CMD-SHELL, \"curl -f http://localhost:8080/health\"], startPeriod: 1m}}\n"
        );
        files.push(SourceFile { path: format!("services/{number}.yaml"), text });
    }
    files
}

fn installation() -> Installation {
    "bench".parse().unwrap()
}

fn desired(files: &[SourceFile]) -> Desired {
    let validated = validate(parse(files), &Catalog::builtin());
    assert!(validated.diagnostics.iter().all(|found| !found.is_error()), "{:?}", validated.diagnostics.first());
    let [account, region, partition] = ["111122223333", "us-east-1", "aws"].map(str::to_owned);
    let facts = Facts { identity: Identity { account, region, partition }, instance_types: Vec::new() };
    let revisions = Revisions::new("main@sha1:1");
    let context = Context { installation: &installation(), facts: &facts, revisions: &revisions };
    let resolved = resolve(&validated.fleet, context);
    assert!(resolved.unresolved.is_empty());
    resolved.desired
}

/// Everything that a pass starts from.
struct Target {
    installation: Installation,
    desired: Desired,
    observed: Observed,
}

impl Target {
    const fn world(&self) -> World<'_> {
        World { installation: &self.installation, desired: &self.desired, observed: &self.observed }
    }

    /// Makes all steps of a plan, and says whether there were any.
    fn go_on(&mut self) -> bool {
        let steps = plan(self.world(), &limits()).steps;
        for step in &steps {
            assume(&mut self.observed, step);
        }
        self.arrive();
        !steps.is_empty()
    }

    /// What is being made is there, and every task runs.
    fn arrive(&mut self) {
        entries(&mut self.observed.clusters).for_each(|cluster| cluster.status = ClusterStatus::Active);
        for provider in self.observed.providers.values_mut().flat_map(entries) {
            provider.status = ProviderStatus::Active;
        }
        for service in self.observed.services.values_mut().flat_map(entries) {
            service.deployments.retain(|deployment| deployment.primary);
            for deployment in &mut service.deployments {
                deployment.rollout = Rollout::Completed;
                deployment.running = deployment.desired;
            }
            service.running = service.settings.desired_count.unwrap_or_default();
        }
    }
}

fn entries<T>(listing: &mut Listing<T>) -> impl Iterator<Item = &mut T> {
    match listing {
        Listing::Unread => None,
        Listing::Read(entries) => Some(entries.values_mut()),
    }
    .into_iter()
    .flatten()
}

fn limits() -> Limits {
    Limits::fresh(NOW, Prune::Enabled)
}

/// An account that was read and has nothing in it but clusters and providers.
fn prepared(services: usize) -> Target {
    let observed = Observed {
        clusters: Listing::Read(BTreeMap::new()),
        task_definitions: Listing::Read(BTreeMap::new()),
        group_providers: Listing::Read(BTreeMap::new()),
        templates: Listing::Read(BTreeMap::new()),
        groups: Listing::Read(BTreeMap::new()),
        machines: Listing::Read(BTreeMap::new()),
        ..Observed::default()
    };
    let mut target = Target { installation: installation(), desired: desired(&fleet(services, "vllm:1")), observed };
    while plan(target.world(), &limits())
        .steps
        .iter()
        .any(|step| !matches!(step.action, Action::RegisterTaskDefinition(_)))
    {
        let steps = plan(target.world(), &limits()).steps;
        let before = steps.iter().filter(|step| !matches!(step.action, Action::RegisterTaskDefinition(_)));
        before.for_each(|step| assume(&mut target.observed, step));
        target.arrive();
    }
    target
}

/// Everything is as declared.
fn installed(services: usize) -> Target {
    let mut target = prepared(services);
    while target.go_on() {}
    target
}

/// Every service is to run another image, whose revisions there are already: each has a tag to be written.
fn rolling(services: usize) -> Target {
    let mut target = installed(services);
    target.desired = desired(&fleet(services, "vllm:2"));
    target.go_on();
    let plan = plan(target.world(), &limits());
    assert!(plan.steps.iter().filter(|step| matches!(step.action, Action::TagResource { .. })).count() >= services);
    target
}

fn planned(target: &Target) -> Plan {
    let limits = limits();
    let plan = plan(target.world(), &limits);
    let violations = check(target.world(), &limits, &plan);
    assert!(violations.is_empty(), "{:?}", violations.first());
    plan
}

fn judged(target: &Target, plan: &Plan) -> usize {
    let in_flight = BTreeMap::new();
    let case = Case { world: target.world(), plan, in_flight: &in_flight, now: NOW };
    judge(case, &BTreeMap::new()).len()
}

#[divan::bench(args = FLEETS, sample_count = 10, sample_size = 1)]
fn parse_and_validate(bencher: Bencher<'_, '_>, services: usize) {
    let files = fleet(services, "vllm:1");
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| validate(parse(black_box(&files)), &Catalog::builtin()));
}

#[divan::bench(args = FLEETS, sample_count = 10, sample_size = 1)]
fn parse_validate_resolve(bencher: Bencher<'_, '_>, services: usize) {
    let files = fleet(services, "vllm:1");
    bencher.bench_local(|| desired(black_box(&files)));
}

#[divan::bench(args = FLEETS, sample_count = 10, sample_size = 1)]
fn plan_and_check_when_nothing_changes(bencher: Bencher<'_, '_>, services: usize) {
    let target = installed(services);
    assert_eq!(planned(&target).steps, []);
    bencher.bench_local(|| planned(black_box(&target)));
}

#[divan::bench(args = FLEETS, sample_count = 10, sample_size = 1)]
fn plan_and_check_when_everything_is_new(bencher: Bencher<'_, '_>, services: usize) {
    let target = prepared(services);
    assert_eq!(planned(&target).steps.len(), services);
    bencher.bench_local(|| planned(black_box(&target)));
}

#[divan::bench(args = FLEETS, sample_count = 10, sample_size = 1)]
fn plan_and_check_when_everything_rolls(bencher: Bencher<'_, '_>, services: usize) {
    let target = rolling(services);
    bencher.bench_local(|| planned(black_box(&target)));
}

#[divan::bench(args = FLEETS, sample_count = 10, sample_size = 1)]
fn judge_when_everything_rolls(bencher: Bencher<'_, '_>, services: usize) {
    let target = rolling(services);
    let plan = planned(&target);
    bencher.bench_local(|| judged(black_box(&target), &plan));
}

/// From text to statuses: what a new commit costs on a fleet that is as declared before.
#[divan::bench(args = FLEETS, sample_count = 10, sample_size = 1)]
fn whole_pass_after_a_commit(bencher: Bencher<'_, '_>, services: usize) {
    let mut target = installed(services);
    let files = fleet(services, "vllm:1");
    bencher.bench_local(move || {
        target.desired = desired(black_box(&files));
        let plan = planned(&target);
        judged(&target, &plan)
    });
}
