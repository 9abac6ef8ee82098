//! Models that are compiled before a service is deployed or a job starts.

use axon_core::desired::Desired;
use axon_core::observe::{Parameter, ServiceTasks};
use axon_core::observed::History;
use axon_core::plan::Prune;
use axon_core::spec::{Compile, NeuronService};
use axon_core::step::Action;
use serde_json::{Value, json};

use super::fixture::{NOW, Specs, empty_account, empty_ec2_account, grouped, service, set};
use super::group_fixture::{launch, register, task};
use super::job_yard::{Yard, job};

const IMAGE: &str = "vllm@sha256:1111";

fn compile() -> Value {
    json!({"cache": "s3://cache/llama", "command": ["python", "compile.py"], "sdk": "2.26.0", "parallelism": 2})
}

/// A service that compiles first, on a pool as it is.
fn compiled(specs: Specs) -> Specs {
    specs.edit_service("/spec/template/containers/0/image", json!(IMAGE)).edit_service("/spec/compile", compile())
}

/// The account as it is before the service is declared.
fn yard(specs: Specs, account: axon_core::observed::Observed) -> Yard {
    let mut yard = Yard::on(Specs { services: Vec::new(), ..specs_of(&specs) }, account, Vec::new());
    yard.specs = specs;
    // Nothing was rolled back.
    yard.observed.history.insert(("ml".into(), "llama".into()), History { read: NOW, deployments: Vec::new() });
    yard
}

fn specs_of(specs: &Specs) -> Specs {
    let (clusters, pools, services) = (specs.clusters.clone(), specs.pools.clone(), specs.services.clone());
    Specs { clusters, pools, services }
}

fn image(yard: &mut Yard, image: &str) {
    super::fixture::set(&mut yard.specs.services[0], "/spec/template/containers/0/image", json!(image));
}

/// The images that services run, and how many tasks they want.
fn deployed(yard: &Yard) -> Vec<(String, i32)> {
    let image = |revision: &str| {
        let found = yard.observed.task_definitions.get(revision).unwrap();
        let step = yard.desired();
        image_of(&step, &found.family, found)
    };
    let services = yard.observed.all_services().filter(|found| found.settings.task_definition.is_some());
    services
        .map(|found| {
            (image(found.settings.task_definition.as_deref().unwrap()), found.settings.desired_count.unwrap_or(0))
        })
        .collect()
}

/// Revisions show a hash of their content; that of the image in force now is told from any other one.
fn image_of(desired: &Desired, family: &str, found: &axon_core::observe::TaskDefinition) -> String {
    let units = desired.services.values().chain(desired.packed.values().flat_map(|packed| packed.variants.values()));
    let wanted = units.filter(|unit| unit.task_definition.family.as_deref() == Some(family));
    let tag = found.tags.get(axon_core::ownership::FINGERPRINT).cloned().unwrap_or_default();
    let current = wanted.map(|unit| unit.content.to_string()).any(|content| content == tag);
    if current { "new".to_owned() } else { "old".to_owned() }
}

#[test]
fn a_service_is_made_once_its_model_is_compiled() {
    let mut yard = yard(compiled(Specs::default()), empty_account());
    assert_eq!(yard.go(), ["put llama-compile/0.0", "run llama-compile/0.0"]);
    assert_eq!(deployed(&yard), []);
    assert!(yard.waits().contains("NeuronService/llama: waits for NeuronJob/llama-compile"), "{}", yard.waits());
    assert!(!yard.plan().is_settled());
    yard.end("0.0", 0);
    assert_eq!(yard.go(), ["put llama-compile/0.0.end", "put llama-compile/end"]);
    assert_eq!(deployed(&yard), [("new".to_owned(), 2)]);
    assert_eq!(yard.go(), [""; 0]);
    assert!(yard.plan().is_settled(), "{}", yard.waits());
    let desired = yard.desired();
    let serves = &desired.services.values().next().unwrap().task_definition.container_definitions[0].environment;
    let compiles = desired.jobs.values().next().unwrap().variants()[0].task_definition.clone();
    let cache = serves.iter().find(|pair| pair.name.as_deref() == Some("NEURON_COMPILE_CACHE_URL"));
    assert!(cache.is_some() && compiles.container_definitions[0].environment.contains(cache.unwrap()), "{serves:?}");
}

#[test]
fn a_new_image_is_compiled_while_the_old_one_serves_and_the_number_of_replicas_changes() {
    let mut yard = yard(compiled(Specs::default()), empty_account());
    yard.go();
    yard.end("0.0", 0);
    yard.go();
    yard.later(60);
    yard.forget_stopped_tasks();
    image(&mut yard, "vllm@sha256:2222");
    super::fixture::set(&mut yard.specs.services[0], "/spec/replicas", json!(3));
    assert_eq!(yard.go(), ["delete 2", "put llama-compile/0.0", "run llama-compile/0.0"]);
    assert_eq!(deployed(&yard), [("old".to_owned(), 3)], "what starts no deployment goes on");
    yard.end("0.0", 0);
    yard.go();
    assert_eq!(deployed(&yard), [("new".to_owned(), 3)]);
    yard.later(60);
    image(&mut yard, IMAGE);
    yard.go();
    assert_eq!(deployed(&yard), [("new".to_owned(), 3)], "the way back was compiled before");
}

#[test]
fn a_model_that_does_not_compile_keeps_what_serves_and_says_what_to_do() {
    let mut specs = compiled(Specs::default());
    super::fixture::set(&mut specs.services[0], "/spec/compile/backoffLimit", json!(0));
    let mut yard = yard(specs, empty_account());
    yard.go();
    yard.end("0.0", 0);
    yard.go();
    yard.forget_stopped_tasks();
    image(&mut yard, "vllm@sha256:3333");
    yard.go();
    yard.end("0.0", 1);
    yard.go();
    assert_eq!(deployed(&yard), [("old".to_owned(), 2)]);
    let waits = yard.waits();
    assert!(waits.contains("NeuronJob/llama-compile has not compiled its model: its run"), "{waits}");
    assert!(waits.contains("exit code 1") && waits.contains("axon job retry llama-compile"), "{waits}");
}

#[test]
fn a_compilation_that_is_tried_again_has_not_failed_yet() {
    let mut specs = compiled(Specs::default());
    set(&mut specs.services[0], "/spec/compile/backoffLimit", json!(0));
    let mut yard = yard(specs, empty_account());
    yard.go();
    yard.end("0.0", 1);
    yard.go();
    assert!(yard.waits().contains("has not compiled its model"), "{}", yard.waits());
    yard.forget_stopped_tasks();
    let name = "/axon/axon/jobs/llama-compile/m20270115T000000Z/begin".to_owned();
    let begin = Parameter { name: name.clone(), value: "{}".into(), written: Some(yard.now) };
    yard.observed.records.put(name, begin);
    yard.go();
    assert!(!yard.waits().contains("has not compiled its model"), "{}", yard.waits());
    yard.end("0.0", 0);
    yard.go();
    assert_eq!(deployed(&yard), [("new".to_owned(), 2)]);
}

#[test]
fn the_first_deployment_leaves_its_devices_to_whoever_compiles() {
    let mut specs = grouped();
    // A pool of one instance with six devices, all of which the service wants.
    super::fixture::set(&mut specs.pools[0], "/spec/autoScalingGroup/maxSize", json!(1));
    specs.services = vec![service("llama", specs.pools[0]["metadata"]["name"].as_str().unwrap())];
    let specs = compiled(specs).edit_service("/spec/devices", json!(6)).edit_service("/spec/replicas", json!(1));
    let mut yard = yard(specs, empty_ec2_account());
    assert_eq!(yard.go(), ["put llama-compile/0.0", "run llama-compile/0.0"]);
    assert!(yard.waits().contains("NeuronService/llama: waits for NeuronJob/llama-compile"), "{}", yard.waits());
    yard.end("0.0", 0);
    yard.go();
    assert_eq!(deployed(&yard), [("new".to_owned(), 1)]);
}

#[test]
fn a_job_starts_once_its_model_is_compiled_and_finds_the_same_cache() {
    let edit = [("/spec/compile", compile()), ("/spec/template/containers/0/image", json!(IMAGE))];
    let mut yard = Yard::managed(vec![job("train", "inf2", &edit)]);
    assert_eq!(yard.go(), ["put train-compile/0.0", "run train-compile/0.0"]);
    yard.end("0.0", 0);
    let done = yard.go();
    assert_eq!(done[2..], ["put train/0.0", "run train/0.0"], "{done:?}");
    let desired = yard.desired();
    let cache = |job: &str| {
        let variants = desired.jobs.iter().find(|(name, _)| name.as_str() == job).unwrap().1.variants();
        let container = variants[0].task_definition.container_definitions[0].clone();
        let found =
            container.environment.into_iter().find(|pair| pair.name.as_deref() == Some("NEURON_COMPILE_CACHE_URL"));
        found.unwrap().value.unwrap()
    };
    assert_eq!(cache("train"), cache("train-compile"));
    assert!(cache("train").starts_with("s3://cache/llama/"));
}

#[test]
fn the_part_of_the_cache_follows_image_digest_sdk_and_parallelism_and_nothing_else() {
    let location = |edit: &[(&str, Value)]| {
        let mut given = service("llama", "inf2");
        super::fixture::set(&mut given, "/spec/template/containers/0/image", json!(IMAGE));
        super::fixture::set(&mut given, "/spec/compile", compile());
        for (pointer, value) in edit {
            super::fixture::set(&mut given, pointer, value.clone());
        }
        let service: NeuronService = serde_json::from_value(given).unwrap();
        let compile: Compile = service.spec.compile.clone().unwrap();
        compile.location(&service.spec.template)
    };
    let first = location(&[]);
    let image = |text: &str| location(&[("/spec/template/containers/0/image", json!(text))]);
    assert_eq!(first, image("vllm:1.2@sha256:1111"), "a tag beside the digest says nothing");
    assert_eq!(first, location(&[("/spec/template/memory", json!(9000)), ("/spec/replicas", json!(7))]));
    assert_eq!(first, location(&[("/spec/compile/cache", json!("s3://cache/llama/"))]));
    let others = [
        image("vllm@sha256:2222"),
        location(&[("/spec/compile/sdk", json!("2.27.0"))]),
        location(&[("/spec/compile/parallelism", json!(4))]),
    ];
    assert!(others.iter().all(|other| *other != first), "{first} {others:?}");
}

#[test]
fn the_task_that_compiles_is_the_neuron_container_alone_without_what_makes_sense_while_it_serves() {
    let mut given = service("llama", "inf2");
    for (pointer, value) in [
        ("/spec/compile", compile()),
        ("/spec/template/containers/0/healthCheck", json!({"command": ["CMD", "true"]})),
        ("/spec/template/containers/0/ports", json!([{"containerPort": 8000}])),
        ("/spec/template/containers/0/dependsOn", json!([{"container": "side", "condition": "Start"}])),
        ("/spec/template/containers/0/restartPolicy", json!({})),
        ("/spec/template/containers/0/mounts", json!([{"volume": "models", "path": "/models"}])),
        ("/spec/template/volumes", json!([{"name": "models"}, {"name": "scratch"}])),
        ("/spec/compile/env", json!({"WORKERS": "4"})),
    ] {
        super::fixture::set(&mut given, pointer, value);
    }
    let side = json!({"name": "side", "image": "side:1", "neuron": false});
    given["spec"]["template"]["containers"].as_array_mut().unwrap().push(side);
    let service: NeuronService = serde_json::from_value(given).unwrap();
    let job = service.compile_job().unwrap();
    let containers = &job.spec.template.containers;
    assert_eq!(containers.len(), 1);
    let work = &containers[0];
    assert_eq!(work.command, ["python", "compile.py"]);
    assert!(work.health_check.is_none() && work.ports.is_empty() && work.depends_on.is_empty() && work.essential);
    assert!(work.restart_policy.is_none(), "it would never end");
    let volumes: Vec<&str> = job.spec.template.volumes.iter().map(|volume| volume.name.as_str()).collect();
    assert_eq!(volumes, ["models"], "what it does not use it does not get");
    assert_eq!(work.env["WORKERS"], "4");
    assert_eq!(job.spec.active_deadline.unwrap().seconds(), 6 * 3600);
}

#[test]
fn whoever_stops_compiling_first_is_deployed_without_the_cache() {
    let mut yard = yard(compiled(Specs::default()), empty_account());
    yard.go();
    yard.specs = Specs::default().edit_service("/spec/template/containers/0/image", json!(IMAGE));
    yard.prune = Prune::Enabled;
    let done = yard.go();
    assert!(done.contains(&"stop: axon: the job is no longer declared".to_owned()), "{done:?}");
    assert_eq!(deployed(&yard), [("new".to_owned(), 2)]);
    let steps = yard.plan().steps;
    assert!(!steps.iter().any(|step| matches!(step.action, Action::CreateService(_))));
}

#[test]
fn a_job_of_high_priority_is_compiled_before_others_run() {
    let six = |name: &str, priority: i32| {
        let edit = [("/spec/devices", json!(6)), ("/spec/priority", json!(priority)), ("/spec/completions", json!(4))];
        job(name, "neuron", &edit)
    };
    let mut train = six("train", 5);
    set(&mut train, "/spec/compile", compile());
    let mut yard = Yard::grouped(vec![six("early", 0), train]);
    let done = yard.go();
    assert!(done.contains(&"run train-compile/0.0".to_owned()), "{done:?}");
    assert_eq!(done.iter().filter(|line| line.starts_with("run early")).count(), 3, "four instances: {done:?}");
}

#[test]
fn a_service_that_lacks_devices_does_not_take_them_from_whoever_compiles_for_it() {
    let mut specs = compiled(grouped().edit_service("/spec/devices", json!(3)));
    set(&mut specs.services[0], "/spec/replicas", json!(1));
    set(&mut specs.pools[0], "/spec/autoScalingGroup/maxSize", json!(1));
    set(&mut specs.pools[0], "/spec/autoScalingGroup/jobPreemption", json!("LowerPriority"));
    let mut yard = yard(specs, empty_ec2_account());
    let group = yard.desired().pools["neuron"].groups()[0].clone();
    launch(&mut yard.observed, &group, ("i-1", 1), yard.now);
    register(&mut yard.observed, &group, "i-1", yard.now);
    yard.go();
    yard.end("0.0", 0);
    yard.go();
    yard.forget_stopped_tasks();
    let on = "container-instance/i-1";
    let name = yard.observed.all_services().next().unwrap().name.clone();
    let tasks = ServiceTasks { tasks: vec![task("task/1", on, yard.now)], ..ServiceTasks::default() };
    yard.observed.tasks.insert(("ml".into(), name), tasks);
    image(&mut yard, "vllm@sha256:2222");
    assert!(yard.go().contains(&"run llama-compile/0.0".to_owned()));
    yard.running_task("0.0").task.container_instance = Some(on.into());
    set(&mut yard.specs.services[0], "/spec/replicas", json!(2));
    let done = yard.go();
    assert!(yard.waits().contains("NeuronService/llama: 1 replicas have no Neuron devices"), "{}", yard.waits());
    assert!(!done.iter().any(|line| line.starts_with("stop")), "{done:?}");
}

#[test]
fn what_holds_a_job_back_holds_its_compilation_back() {
    let train = job("train", "inf2", &[("/spec/compile", compile()), ("/spec/suspend", json!(true))]);
    let mut yard = Yard::managed(vec![train]);
    assert_eq!(yard.go(), [""; 0]);
    assert!(yard.waits().contains("NeuronJob/train-compile: `suspend` is true"), "{}", yard.waits());
    set(&mut yard.jobs[0], "/spec/suspend", json!(false));
    assert_eq!(yard.go(), ["put train-compile/0.0", "run train-compile/0.0"]);
}
