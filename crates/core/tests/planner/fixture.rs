//! A small fleet and an imagined AWS for planner tests. Nothing here decides anything.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axon_core::cloud::{Facts, Sweep};
use axon_core::desired::Desired;
use axon_core::diagnostic::Location;
use axon_core::observe::{Identity, Image, ImageAnswer, ImageSource, Service};
use axon_core::observed::{Listing, Observed};
use axon_core::ownership::Installation;
use axon_core::plan::{Limits, Plan, Prune, PruneLimits, Writes, plan};
use axon_core::preview::{Preview, preview};
use axon_core::resolve::{Context, resolve};
use axon_core::revision::Revisions;
use axon_core::roles::RoleRules;
use axon_core::spec::{Accepted, Fleet, NeuronCluster, NeuronPool, NeuronService, ObjectKey, Policy};
use axon_core::state::{Permissions, Pruning, State};
use axon_core::step::Step;
use axon_core::world::World;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

pub(crate) fn installation() -> Installation {
    "axon".parse().unwrap()
}

/// A cluster `ml`, a pool `inf2` and a service `llama`.
pub(crate) struct Specs {
    pub(crate) clusters: Vec<Value>,
    pub(crate) pools: Vec<Value>,
    pub(crate) services: Vec<Value>,
}

impl Default for Specs {
    fn default() -> Self {
        Self {
            clusters: vec![cluster("ml")],
            pools: vec![pool("inf2", "ml")],
            services: vec![service("llama", "inf2")],
        }
    }
}

impl Specs {
    pub(crate) fn edit_service(mut self, pointer: &str, value: Value) -> Self {
        set(&mut self.services[0], pointer, value);
        self
    }

    pub(crate) fn edit_pool(mut self, pointer: &str, value: Value) -> Self {
        set(&mut self.pools[0], pointer, value);
        self
    }

    pub(crate) fn edit_cluster(mut self, pointer: &str, value: Value) -> Self {
        set(&mut self.clusters[0], pointer, value);
        self
    }

    pub(crate) fn fleet(&self) -> Fleet {
        let mut fleet = Fleet::default();
        for value in &self.clusters {
            let object: NeuronCluster = serde_json::from_value(value.clone()).unwrap();
            fleet.clusters.insert(object.metadata.name.clone(), accepted(object, value));
        }
        for value in &self.pools {
            let object: NeuronPool = serde_json::from_value(value.clone()).unwrap();
            fleet.pools.insert(object.metadata.name.clone(), accepted(object, value));
        }
        for value in &self.services {
            let object: NeuronService = serde_json::from_value(value.clone()).unwrap();
            fleet.services.insert(object.metadata.name.clone(), accepted(object, value));
        }
        fleet
    }

    pub(crate) fn desired(&self) -> Desired {
        desired(&self.fleet())
    }
}

fn accepted<T>(object: T, value: &Value) -> Accepted<T> {
    let annotations = value["metadata"].get("annotations").cloned().unwrap_or(json!({}));
    let policy = Policy::read(&serde_json::from_value(annotations).unwrap()).unwrap();
    Accepted { object, policy, source: Location::start_of("fixture.yaml".into()) }
}

pub(crate) fn desired(fleet: &Fleet) -> Desired {
    let identity = Identity { account: "111122223333".into(), region: "us-east-1".into(), partition: "aws".into() };
    let facts = Facts { identity, instance_types: Vec::new() };
    let resolved = resolve(
        fleet,
        Context { installation: &installation(), facts: &facts, revisions: &Revisions::new("main@sha1:1") },
    );
    assert_eq!(resolved.unresolved, BTreeMap::new());
    resolved.desired
}

/// Sets a member of a document; missing parents are made.
pub(crate) fn set(document: &mut Value, pointer: &str, value: Value) {
    let (parents, member) = pointer.rsplit_once('/').unwrap();
    let mut place = document;
    for parent in parents.split('/').filter(|part| !part.is_empty()) {
        place = match parent.parse::<usize>() {
            Ok(index) => &mut place[index],
            Err(_) => &mut place[parent],
        };
    }
    match value {
        Value::Null => {
            place.as_object_mut().unwrap().remove(member);
        }
        value => place[member] = value,
    }
}

pub(crate) fn cluster(name: &str) -> Value {
    json!({"apiVersion": "neuron.ecs/v1alpha1", "kind": "NeuronCluster", "metadata": {"name": name}, "spec": {}})
}

pub(crate) fn pool(name: &str, cluster: &str) -> Value {
    json!({
        "apiVersion": "neuron.ecs/v1alpha1", "kind": "NeuronPool", "metadata": {"name": name},
        "spec": {"cluster": cluster, "managedInstances": {
            "infrastructureRoleArn": "arn:aws:iam::111122223333:role/ecsInfrastructureRole",
            "instanceProfileArn": "arn:aws:iam::111122223333:instance-profile/ecsInstanceRole-neuron",
            "subnets": ["subnet-0a1b2c3d"],
            "instanceRequirements": {"allowedInstanceTypes": ["inf2.xlarge"]}}}
    })
}

/// A pool of inf2.24xlarge (6 devices each) in a group of its own.
pub(crate) fn group_pool(name: &str, cluster: &str) -> Value {
    json!({
        "apiVersion": "neuron.ecs/v1alpha1", "kind": "NeuronPool", "metadata": {"name": name},
        "spec": {"cluster": cluster, "autoScalingGroup": {
            "instanceTypes": ["inf2.24xlarge"],
            "instanceProfileArn": "arn:aws:iam::111122223333:instance-profile/ecsInstanceRole",
            "subnets": ["subnet-0a1b2c3d"], "maxSize": 4}}
    })
}

/// A cluster `ml`, a pool `neuron` in a group, and a service `llama` with two replicas of a whole instance each.
pub(crate) fn grouped() -> Specs {
    Specs {
        clusters: vec![cluster("ml")],
        pools: vec![group_pool("neuron", "ml")],
        services: vec![service("llama", "neuron")],
    }
}

/// Where the image of [`group_pool`] comes from.
pub(crate) fn source() -> ImageSource {
    ImageSource::Parameter("/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended".into())
}

pub(crate) fn image(id: &str) -> Image {
    Image {
        id: id.into(),
        name: None,
        agent_version: None,
        created: None,
        deprecated: None,
        state: "available".into(),
        architecture: "x86_64".into(),
        root_device: Some("/dev/xvda".into()),
    }
}

/// An account that was read, EC2 and all, and is empty. The parameter names `ami-1`.
pub(crate) fn empty_ec2_account() -> Observed {
    Observed {
        group_providers: Listing::Read(BTreeMap::default()),
        templates: Listing::Read(BTreeMap::default()),
        groups: Listing::Read(BTreeMap::default()),
        machines: Listing::Read(BTreeMap::default()),
        images: [(source(), ImageAnswer::Found(image("ami-1")))].into(),
        ..empty_account()
    }
}

/// The name of the group (and of its launch template) of the first pool.
pub(crate) fn group_name(specs: &Specs) -> String {
    specs.desired().pools.values().next().unwrap().groups()[0].name.clone()
}

pub(crate) fn service(name: &str, pool: &str) -> Value {
    json!({
        "apiVersion": "neuron.ecs/v1alpha1", "kind": "NeuronService",
        "metadata": {"name": name, "labels": {"team": "nlp"}},
        "spec": {"pool": pool, "replicas": 2, "template": {
            "cpu": 2048, "memory": 8192,
            "containers": [{"name": "server", "image": "vllm:1"}]}}
    })
}

/// An account that was read and is empty.
pub(crate) fn empty_account() -> Observed {
    Observed {
        clusters: Listing::Read(BTreeMap::default()),
        task_definitions: Listing::Read(BTreeMap::default()),
        ..Observed::default()
    }
}

pub(crate) fn world<'a>(installation: &'a Installation, desired: &'a Desired, observed: &'a Observed) -> World<'a> {
    World { installation, desired, observed }
}

/// Plans once without limits besides `prune`.
pub(crate) fn plan_once(desired: &Desired, observed: &Observed, prune: Prune) -> Plan {
    plan_with(desired, observed, &Limits::fresh(NOW, prune))
}

/// Plans once; the independent reviewer must have nothing against it.
pub(crate) fn plan_with(desired: &Desired, observed: &Observed, limits: &Limits) -> Plan {
    let installation = installation();
    let world = world(&installation, desired, observed);
    let plan = plan(world, limits);
    assert_eq!(axon_core::check::check(world, limits, &plan), []);
    plan
}

pub(crate) fn preview_of(desired: &Desired, observed: &Observed, prune: Prune) -> Preview {
    let installation = installation();
    let preview = preview(world(&installation, desired, observed), &Limits::fresh(NOW, prune));
    assert!(
        preview.ended,
        "the preview did not end; it goes on with {}",
        preview.rounds.last().map(text).unwrap_or_default()
    );
    preview
}

/// The account after everything that the preview shows has happened.
pub(crate) fn converge(desired: &Desired, mut observed: Observed, prune: Prune) -> Observed {
    for step in preview_of(desired, &observed, prune).steps() {
        axon_core::preview::assume(&mut observed, step);
    }
    if observed.groups.is_read() {
        look_into(&mut observed);
    }
    observed
}

/// Reads tasks and instances where nothing was read of them yet: there are none.
fn look_into(observed: &mut Observed) {
    for (cluster, services) in &observed.services {
        for service in services.iter() {
            observed.tasks.entry((cluster.clone(), service.name.clone())).or_default();
        }
        let instances = observed.instances.entry(cluster.clone()).or_default();
        if !instances.is_read() {
            *instances = Listing::Read(BTreeMap::new());
        }
    }
}

/// The default fleet, converged.
pub(crate) fn converged() -> Observed {
    converge(&Specs::default().desired(), empty_account(), Prune::Enabled)
}

/// Operations and resources, one a line.
pub(crate) fn text<'a>(steps: impl IntoIterator<Item = &'a Step>) -> String {
    let mut text = String::new();
    for step in steps {
        writeln!(text, "{} {}", step.action.operation(), step.resource).unwrap();
    }
    text
}

pub(crate) fn rounds(preview: &Preview) -> String {
    preview.rounds.iter().map(text).collect::<Vec<_>>().join("--\n")
}

pub(crate) fn llama(observed: &mut Observed) -> &mut Service {
    observed.services.get_mut("ml").unwrap().get_mut("llama").unwrap()
}

pub(crate) fn key(kind: &str, name: &str) -> ObjectKey {
    serde_json::from_value(json!({"kind": kind, "name": name})).unwrap()
}

/// What the plan waits for, one a line.
pub(crate) fn waits(plan: &Plan) -> String {
    let mut text = String::new();
    for waiting in &plan.waiting {
        writeln!(text, "{}: {}", waiting.object, waiting.on).unwrap();
    }
    text
}

/// A state that knows nothing yet and may do anything, but for removals without `prune`.
pub(crate) fn ignorant(prune: Pruning) -> State {
    let (writes, prune_limits, roles) = (Writes::Allowed, PruneLimits::NONE, RoleRules::ANY);
    State::new(installation(), Permissions { writes, prune, prune_limits, roles })
}

/// A complete sweep of an account in the given state, without tasks, the EC2 path and jobs.
pub(crate) fn sweep(observed: &Observed, started: Timestamp) -> Sweep {
    Sweep {
        ec2: None,
        jobs: None,
        started,
        clusters: Ok(observed.clusters.iter().cloned().collect()),
        providers: observed.providers.iter().map(|(k, l)| (k.clone(), Ok(l.iter().cloned().collect()))).collect(),
        services: observed.services.iter().map(|(k, l)| (k.clone(), Ok(l.iter().cloned().collect()))).collect(),
        task_definitions: Some(Ok(observed.task_definitions.iter().cloned().collect())),
        tasks: BTreeMap::new(),
        history: BTreeMap::new(),
        calls: 4,
    }
}
