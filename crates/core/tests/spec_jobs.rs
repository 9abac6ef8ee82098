//! What validation says about jobs beyond the pages of its diagnostics: numbers that would do, who is held, and what is no
//! finding.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test crate")]

use axon_core::diagnostic::{Code, Diagnostic};
use axon_core::neuron::Catalog;
use axon_core::parse::{SourceFile, parse};
use axon_core::validate::{Validated, validate};

const CLUSTER: &str = "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronCluster\nmetadata: {name: ml}\nspec: {}\n";

fn group(name: &str, cluster: &str, settings: &str) -> String {
    format!(
        "---\napiVersion: neuron.ecs/v1alpha1\nkind: NeuronPool\nmetadata: {{name: {name}}}\nspec:\n  cluster: {cluster}\n  \
         autoScalingGroup:\n    instanceProfileArn: arn:aws:iam::111122223333:instance-profile/x\n    \
         subnets: [subnet-0a1b2c3d]\n    {settings}\n"
    )
}

fn chips() -> String {
    group("p", "ml", "instanceTypes: [inf2.48xlarge]\n    maxSize: 1")
}

fn managed(types: &str) -> String {
    format!(
        "---\napiVersion: neuron.ecs/v1alpha1\nkind: NeuronPool\nmetadata: {{name: p}}\nspec:\n  cluster: ml\n  \
         managedInstances:\n    infrastructureRoleArn: arn:aws:iam::111122223333:role/x\n    \
         instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole\n    \
         subnets: [subnet-0a1b2c3d]\n    instanceRequirements: {{allowedInstanceTypes: [{types}]}}\n"
    )
}

/// A job; `settings` are lines of its spec, `container` lines of its container.
fn job(name: &str, settings: &str, container: &str) -> String {
    format!(
        "---\napiVersion: neuron.ecs/v1alpha1\nkind: NeuronJob\nmetadata: {{name: {name}}}\nspec:\n  pool: p\n  {}\n  \
         template:\n    cpu: 8192\n    memory: 16384\n    containers:\n      - name: trainer\n        image: x:1\n        {}\n",
        settings.replace('\n', "\n  "),
        container.replace('\n', "\n        ")
    )
}

fn service(name: &str, settings: &str) -> String {
    format!(
        "---\napiVersion: neuron.ecs/v1alpha1\nkind: NeuronService\nmetadata: {{name: {name}}}\nspec:\n  pool: p\n  {}\n  \
         template:\n    cpu: 8192\n    memory: 16384\n    containers:\n      - name: server\n        image: x:1\n        \
         healthCheck: {{command: [CMD-SHELL, x]}}\n",
        settings.replace('\n', "\n  ")
    )
}

fn judge(parts: &[String]) -> Validated {
    let text = format!("{CLUSTER}{}", parts.concat());
    validate(parse(&[SourceFile { path: "a.yaml".to_owned(), text }]), &Catalog::builtin())
}

/// One job on a pool of twelve chips.
fn judge_job(settings: &str, container: &str) -> Validated {
    judge(&[chips(), job("train", settings, container)])
}

fn lines(validated: &Validated) -> String {
    validated.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn found(validated: &Validated, code: Code) -> &Diagnostic {
    validated
        .diagnostics
        .iter()
        .find(|d| d.code == code)
        .unwrap_or_else(|| panic!("no {code} in:\n{}", lines(validated)))
}

fn silent(validated: &Validated) {
    assert!(validated.diagnostics.is_empty(), "{}", lines(validated));
}

fn held(validated: &Validated) -> Vec<String> {
    validated.fleet.stalled.iter().map(ToString::to_string).collect()
}

#[test]
fn a_job_needs_nothing_but_a_pool_and_a_template() {
    let validated = judge_job("tags: {}", "ports: [{containerPort: 9000}]\nhealthCheck: {command: [CMD-SHELL, x]}");
    silent(&validated);
    let job = &validated.fleet.jobs.values().next().unwrap().spec;
    assert_eq!((job.completions, job.parallelism(), job.backoff_limit, job.priority), (1, 1, 3, 0));
    assert_eq!(job.ttl_after_finished.to_string(), "168h");
}

#[test]
fn a_job_that_finds_no_room_queues_and_is_no_finding() {
    silent(&judge_job("devices: 1\ncompletions: 1000", ""));
    silent(&judge_job("devices: all\ncompletions: 5", ""));
    // Beside a service that has all twelve chips but one.
    let most = "replicas: 1\ndevices: 11\ndeployment: {minimumHealthyPercent: 0, maximumPercent: 100}";
    silent(&judge(&[chips(), service("a", most), job("train", "devices: 12", "")]));
}

#[test]
fn a_job_that_fits_on_no_instance_is_refused_like_a_service() {
    found(&judge_job("devices: 13", ""), Code::DeviceCountImpossible);
    found(&judge_job("devices: 1", "env: {NEURON_RT_NUM_CORES: \"4\"}"), Code::TooManyCores);
    let vast = job("train", "devices: 1", "").replace("memory: 16384", "memory: 786432");
    found(&judge(&[chips(), vast]), Code::TaskTooLarge);
    found(&judge(&[chips(), job("train", "devices: 1", "").replace("pool: p", "pool: q")]), Code::UnknownPool);
    let owned = judge_job("overrides: {taskDefinition: {family: x}}", "");
    assert!(found(&owned, Code::OwnedMember).message.contains("the name of the object"));
}

#[test]
fn chips_that_many_tasks_at_once_leave_idle_are_a_warning() {
    let large = |settings: &str| judge(&[chips(), job("train", settings, "").replace("cpu: 8192", "cpu: 65536")]);
    found(&large("devices: 1\ncompletions: 40"), Code::ChipsWasted);
    silent(&large("devices: 1\ncompletions: 40\nparallelism: 2"));
}

#[test]
fn jobs_and_services_keep_off_each_others_devices() {
    let all = job("train", "devices: all\nactiveDeadline: 1h", "");
    let some = service("a", "replicas: 1\ndevices: 4\nnetworking: {mode: Host}");
    let mixed = judge(&[managed("inf2.48xlarge"), all.clone(), some]);
    assert!(found(&mixed, Code::MixedDeviceModes).message.contains("on the pool p"));
    assert_eq!(held(&mixed), ["NeuronService/a", "NeuronJob/train"]);
    assert!(mixed.fleet.jobs.is_empty() && mixed.fleet.services.is_empty());
    let two = judge(&[
        managed("inf2.48xlarge"),
        all,
        job("other", "devices: 4\nactiveDeadline: 1h\nnetworking: {mode: Host}", ""),
    ]);
    assert_eq!(held(&two), ["NeuronJob/other", "NeuronJob/train"]);
    let large = job("train", "networking: {mode: AwsVpc}", "").replace("cpu: 8192", "cpu: 98816");
    let meeting = judge(&[chips(), large, service("a", "replicas: 1\ndevices: 1")]);
    assert_eq!(meeting.diagnostics.iter().filter(|d| d.code == Code::TasksCouldMeet).count(), 2, "{}", lines(&meeting));
    assert_eq!(held(&meeting), ["NeuronService/a", "NeuronJob/train"]);
}

#[test]
fn a_pool_is_overcommitted_by_services_alone() {
    let parts = [chips(), service("a", "replicas: 1\ndevices: 8"), service("b", "replicas: 1\ndevices: 8")];
    let with_job = [parts.to_vec(), vec![job("train", "devices: 12", "")]].concat();
    let message = |validated: &Validated| found(validated, Code::PoolOvercommitted).message.clone();
    assert_eq!(message(&judge(&with_job)), message(&judge(&parts)));
}

#[test]
fn a_job_and_a_service_of_one_name_are_both_held_unless_their_clusters_differ() {
    let both = judge(&[chips(), service("llama", "replicas: 1\ndevices: 1"), job("llama", "devices: 1", "")]);
    assert_eq!(held(&both), ["NeuronService/llama", "NeuronJob/llama"]);
    assert_eq!(both.diagnostics.iter().filter(|d| d.code == Code::JobAndService).count(), 2);
    let other = format!("---\n{}", CLUSTER.replace("name: ml", "name: other"));
    let far = group("q", "other", "instanceTypes: [inf2.48xlarge]\n    maxSize: 1");
    let elsewhere = job("llama", "devices: 1", "").replace("pool: p", "pool: q");
    silent(&judge(&[chips(), other, far, service("llama", "replicas: 1\ndevices: 1"), elsewhere]));
    // Where a service that cannot be read has its tasks, nobody knows.
    let broken = judge(&[chips(), service("llama", "replica: 1"), job("llama", "devices: 1", "")]);
    assert_eq!(held(&broken), ["NeuronService/llama", "NeuronJob/llama"]);
}

#[test]
fn jobs_that_wait_in_a_circle_are_held_and_those_around_it_are_not() {
    let after = |name: &str, others: &str| job(name, &format!("devices: 1\ndependsOn: [{others}]"), "");
    let validated =
        judge(&[chips(), after("a", "b"), after("b", "c"), after("c", "d, e"), after("d", "b"), after("e", "")]);
    assert_eq!(held(&validated), ["NeuronJob/b", "NeuronJob/c", "NeuronJob/d"]);
    assert!(found(&validated, Code::JobCycle).message.contains("b, c, d"), "{}", lines(&validated));
    let own = judge(&[chips(), after("a", "a")]);
    assert_eq!(found(&own, Code::JobCycle).message, "the job waits for itself");
    assert_eq!(held(&own), ["NeuronJob/a"]);
}

#[test]
fn a_job_that_waits_for_a_held_one_is_no_error_itself() {
    let parts = [chips(), job("a", "dependsOn: [b]", ""), job("b", "backoffLimit: 1", "essential: false")];
    let validated = judge(&parts);
    assert_eq!(held(&validated), ["NeuronJob/b"]);
    let typo = judge(&[chips(), job("a", "dependsOn: [prepair]", ""), job("prepare", "devices: 1", "")]);
    assert_eq!(found(&typo, Code::UnknownJob).help, "Did you mean `prepare`?");
    assert_eq!(held(&typo), ["NeuronJob/a"]);
}

#[test]
fn a_schedule_says_which_part_of_it_is_wrong() {
    let on = |cron: &str, zone: &str| judge_job(&format!("schedule: {{cron: \"{cron}\", timeZone: {zone}}}"), "");
    for (cron, zone) in [("0 2 * * *", "Europe/Berlin"), ("*/5 8-17 * * MON-FRI", "UTC"), ("0 0 29 2 *", "UTC")] {
        silent(&on(cron, zone));
    }
    for cron in ["", "0 2 * *", "0 0 2 * * *", "61 * * * *", "@reboot"] {
        let validated = on(cron, "UTC");
        let bad = found(&validated, Code::BadSchedule);
        assert!(bad.help.contains("day of week"), "{cron}: {bad}");
    }
    assert_eq!(found(&on("0 2 * * *", "Europe/Berln"), Code::BadSchedule).help, "Did you mean `Europe/Berlin`?");
    assert!(!on("0 2 31 4 *", "UTC").has_errors());
    found(&on("0 2 31 4 *", "UTC"), Code::NeverDue);
    let late = judge_job("schedule: {cron: \"@daily\", startingDeadline: 0s}", "");
    assert!(found(&late, Code::NoTime).message.contains("startingDeadline"));
}

#[test]
fn rules_for_retries_have_exactly_one_condition_that_can_be_met() {
    let with = |rules: &str| judge_job(&format!("retryPolicy: {{rules: [{rules}]}}"), "");
    silent(&with(
        "{action: FailJob, onExitCodes: [42, 43], container: trainer}, {action: Ignore, onFailures: [Stopped]}",
    ));
    assert!(found(&with("{action: FailJob}"), Code::RetryRule).message.contains("neither"));
    let both = with("{action: Count, onExitCodes: [1], onFailures: [Other]}");
    assert!(found(&both, Code::RetryRule).message.contains("both"));
    assert!(found(&with("{action: Count, onExitCodes: [0, 1]}"), Code::RetryRule).message.contains("exit code 0"));
    let useless = with("{action: Count, onFailures: [Other], container: trainer}");
    assert!(found(&useless, Code::RetryRule).message.contains("container is trainer"));
    let far = with("{action: Count, onExitCodes: [1], container: sidecar}");
    assert_eq!(found(&far, Code::RetryContainer).help, "The containers are trainer.");
    let many = |count: usize| with(&vec!["{action: Count, onExitCodes: [1]}"; count].join(", "));
    silent(&many(20));
    assert!(found(&many(21), Code::RetryRule).message.contains("21 rules"));
}

#[test]
fn variables_that_axon_sets_are_nobody_elses() {
    let checkpoint = "checkpoint: {location: \"s3://b/x\", variable: WHERE}";
    silent(&judge_job(checkpoint, "env: {AXON_CHECKPOINT: x, AXON_JOBS: x}"));
    silent(&judge_job("devices: 1", "env: {AXON_CHECKPOINT: x}"));
    assert!(found(&judge_job(checkpoint, "env: {WHERE: x}"), Code::ReservedVariable).message.contains("checkpoint"));
    found(&judge_job("devices: 1", "env: {AXON_JOB_ANYTHING: x}"), Code::ReservedVariable);
    let secret = "secrets: {AXON_JOB_RUN: \"arn:aws:ssm:us-east-1:111122223333:parameter/x\"}";
    found(&judge_job("devices: 1", secret), Code::ReservedVariable);
    let given = "overrides: {taskDefinition: {containerDefinitions: [{name: trainer, environment: [{name: AXON_JOB_RUN, value: x}]}]}}";
    found(&judge_job(given, ""), Code::ReservedVariable);
    for name in ["9LIVES", "a-b", "\"\"", "AXON_JOB_PLACE", "Ä"] {
        let validated = judge_job(&format!("checkpoint: {{location: x, variable: {name}}}"), "");
        assert!(validated.has_errors(), "{name}");
        found(&validated, Code::CheckpointVariable);
    }
}

#[test]
fn a_location_of_checkpoints_is_one_line_of_some_length() {
    let at = |location: &str| judge_job(&format!("checkpoint: {{location: \"{location}\"}}"), "");
    silent(&at(&"x".repeat(1024)));
    assert!(found(&at(&"x".repeat(1025)), Code::CheckpointLocation).message.contains("1025"));
    assert!(found(&at(" "), Code::CheckpointLocation).message.contains("empty"));
    // Characters that are not seen are refused before anybody knows what they are for.
    assert!(at("s3://b/x\\ty").has_errors() && at("s3://b/x\\u001b").has_errors());
}

#[test]
fn the_container_that_does_the_work_ends_the_task() {
    let idle = "essential: false";
    assert!(found(&judge_job("devices: 1", idle), Code::WorkDoesNotEnd).message.contains("trainer"));
    // The work is done by the container with the devices, the first or not.
    let chosen = job("train", "devices: 1", idle) + "      - {name: worker, image: y:1, neuron: true}\n";
    silent(&judge(&[chips(), chosen.clone()]));
    let other =
        chosen.replace("neuron: true", "neuron: true, essential: false").replace("essential: false\n", "cpu: 1\n");
    assert!(found(&judge(&[chips(), other]), Code::WorkDoesNotEnd).message.contains("worker"));
    found(&judge_job("devices: 1", "restartPolicy: {}"), Code::WorkDoesNotEnd);
    silent(&judge_job("devices: 1", "restartPolicy: {ignoredExitCodes: [0]}"));
    silent(&judge_job("devices: 1", "restartPolicy: {enabled: false}"));
    let given = "overrides: {taskDefinition: {containerDefinitions: [{name: trainer, essential: false}]}}";
    found(&judge_job(given, ""), Code::WorkDoesNotEnd);
}

#[test]
fn work_that_may_outlive_managed_instances_is_a_warning_there_and_only_there() {
    let on = |settings: &str| judge(&[managed("inf2.8xlarge"), job("train", settings, "")]);
    assert!(!on("completions: 1").has_errors());
    assert!(found(&on("completions: 1"), Code::OutlivesInstance).message.contains("there is no activeDeadline"));
    assert!(found(&on("activeDeadline: 336h"), Code::OutlivesInstance).message.contains("activeDeadline is 336h"));
    silent(&on("activeDeadline: 335h59m59s"));
    silent(&judge_job("activeDeadline: 999h", ""));
}

#[test]
fn limits_at_their_edge_are_taken() {
    silent(&judge(&[chips(), job(&"j".repeat(128), "devices: 1", "")]));
    found(&judge(&[chips(), job(&"j".repeat(129), "devices: 1", "")]), Code::JobNameTooLong);
    silent(&judge_job("completions: 4\nparallelism: 4", ""));
    let more = judge_job("completions: 4\nparallelism: 5", "");
    assert!(!more.has_errors());
    assert_eq!(found(&more, Code::ParallelismUnused).help, "Write at most 4, or raise completions.");
    silent(&judge_job("activeDeadline: 1s", ""));
    found(&judge_job("activeDeadline: 0s", ""), Code::NoTime);
    for beyond in ["completions: 0", "completions: 1001", "parallelism: 0", "backoffLimit: 101", "priority: 1001"] {
        found(&judge_job(beyond, ""), Code::OutOfRange);
    }
}

#[test]
fn a_job_of_several_nodes_needs_nothing_but_their_number_on_a_pool_that_is_fit_for_it() {
    let fit = "instanceTypes: [trn1.32xlarge]\n    maxSize: 4\n    efa: Enabled\n    placementGroup: training";
    let large =
        |settings: &str| job("train", settings, "").replace("cpu: 8192", "cpu: 126976").replace("16384", "460800");
    let validated = judge(&[group("p", "ml", fit), large("nodes: 4")]);
    silent(&validated);
    let object = &validated.fleet.jobs.values().next().unwrap().object;
    assert_eq!((object.spec.nodes, object.spec.gang.start_deadline.to_string().as_str()), (4, "20m"));
    assert_eq!(object.as_service().spec.networking.mode, Some(axon_core::spec::NetworkMode::Host));
    let many = judge(&[group("p", "ml", fit), large("nodes: 65")]);
    found(&many, Code::OutOfRange);
}

#[test]
fn what_axon_tells_the_nodes_is_not_theirs_to_set() {
    let given = |nodes: u32| judge_job(&format!("nodes: {nodes}"), "env: {WORLD_SIZE: \"8\"}");
    assert!(found(&given(2), Code::ReservedVariable).message.contains("for each of several nodes"));
    silent(&given(1));
}

#[test]
fn every_thing_that_keeps_nodes_apart_is_named() {
    let apart = "instanceTypes: [trn1.32xlarge]\n    maxSize: 4\n    efa: Enabled";
    let validated =
        judge(&[group("p", "ml", apart), job("train", "nodes: 2\ndevices: 4\nnetworking: {mode: Bridge}", "")]);
    for code in [Code::GangFabric, Code::GangDevices, Code::GangNetwork] {
        found(&validated, code);
    }
    assert!(found(&validated, Code::GangFabric).message.contains("does not have a placementGroup"));
    let ports = |given: &str| judge_job(&format!("nodes: 2\ngang: {{{given}}}"), "");
    found(&ports("masterPort: 80"), Code::OutOfRange);
    found(&ports("neuronPort: 29500"), Code::GangPort);
    found(&ports(&format!("masterPort: {}", axon_core::neuron::chip_port(3))), Code::GangPort);
    found(&ports("startDeadline: 0s"), Code::NoTime);
}

const COMPILE: &str = "compile: {cache: \"s3://cache/x\", command: [compile]";
const DIGEST: &str = "x@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A job on twelve chips that compiles first; `more` are members of `compile`.
fn compiling(more: &str, container: &str) -> Validated {
    let settings = format!("devices: 1\n{COMPILE}{more}}}");
    judge(&[chips(), other_pool(), job("train", &settings, container).replace("x:1", DIGEST)])
}

/// A pool of one chip, used by nobody but who compiles.
fn other_pool() -> String {
    group("q", "ml", "instanceTypes: [inf2.8xlarge]\n    maxSize: 1")
}

#[test]
fn a_pool_on_which_a_model_is_compiled_is_used_and_has_to_have_room() {
    silent(&compiling(", pool: q, devices: 1", ""));
    assert!(found(&compiling("", ""), Code::UnusedObject).message.contains("pool q"));
    found(&compiling(", pool: q, devices: 2", ""), Code::DeviceCountImpossible);
    found(&compiling(", devices: 13, pool: p", ""), Code::DeviceCountImpossible);
    found(&compiling(", devices: 13", ""), Code::DeviceCountImpossible);
    assert!(found(&compiling(", pool: nowhere", ""), Code::UnknownPool).message.contains("nowhere"));
}

#[test]
fn a_model_is_compiled_in_the_cluster_of_its_workload() {
    let second = CLUSTER.replace("name: ml", "name: other");
    let away = group("q", "other", "instanceTypes: [inf2.8xlarge]\n    maxSize: 1");
    let settings = format!("devices: 1\n{COMPILE}, pool: q}}");
    let judged = judge(&[format!("---\n{second}"), chips(), away, job("train", &settings, "").replace("x:1", DIGEST)]);
    assert!(found(&judged, Code::DifferentClusters).message.contains("the pool q belongs to other"));
}

#[test]
fn whoever_compiles_sets_the_variable_of_the_cache_by_nothing_else() {
    let variable = "NEURON_COMPILE_CACHE_URL: x";
    found(&compiling(", pool: q", &format!("env: {{{variable}}}")), Code::ReservedVariable);
    found(&compiling(&format!(", pool: q, env: {{{variable}}}"), ""), Code::ReservedVariable);
    let secret = "secrets: {NEURON_COMPILE_CACHE_URL: \"arn:aws:ssm:us-east-1:111122223333:parameter/x\"}";
    found(&compiling(", pool: q", secret), Code::ReservedVariable);
}

#[test]
fn a_task_that_compiles_keeps_off_the_devices_of_others_as_any_other() {
    let step = format!("devices: 4\nnetworking: {{mode: Host}}\nactiveDeadline: 1h\n{COMPILE}, devices: all}}");
    let judged = judge(&[managed("inf2.48xlarge"), job("train", &step, "").replace("x:1", DIGEST)]);
    assert!(found(&judged, Code::MixedDeviceModes).message.contains("on the pool p"), "{}", lines(&judged));
    assert_eq!(held(&judged), ["NeuronJob/train"]);
}

#[test]
fn compiling_needs_time_and_a_name_that_is_not_too_long() {
    found(&compiling(", pool: q, activeDeadline: 0s", ""), Code::NoTime);
    let name = "a".repeat(121);
    let settings = format!("devices: 1\n{COMPILE}}}");
    found(&judge(&[chips(), job(&name, &settings, "").replace("x:1", DIGEST)]), Code::JobNameTooLong);
}
