//! What validation says about Auto Scaling groups and the services on them: numbers that would do, and who is held.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test crate")]

use axon_core::diagnostic::{Code, Diagnostic};
use axon_core::neuron::Catalog;
use axon_core::parse::{SourceFile, parse};
use axon_core::spec::{AmiSource, Capacity, NetworkMode, RolloutPolicy};
use axon_core::validate::{Validated, validate};

const CLUSTER: &str = "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronCluster\nmetadata: {name: ml-prod}\nspec: {}\n";

fn pool(settings: &str) -> String {
    format!(
        "---\napiVersion: neuron.ecs/v1alpha1\nkind: NeuronPool\nmetadata: {{name: p}}\nspec:\n  cluster: ml-prod\n  \
         autoScalingGroup:\n    instanceProfileArn: arn:aws:iam::111122223333:instance-profile/x\n    \
         subnets: [subnet-0a1b2c3d]\n    {}\n",
        settings.replace('\n', "\n    ")
    )
}

fn managed(types: &str) -> String {
    format!(
        "---\napiVersion: neuron.ecs/v1alpha1\nkind: NeuronPool\nmetadata: {{name: p}}\nspec:\n  cluster: ml-prod\n  \
         managedInstances:\n    infrastructureRoleArn: arn:aws:iam::111122223333:role/x\n    \
         instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole\n    \
         subnets: [subnet-0a1b2c3d]\n    instanceRequirements: {{allowedInstanceTypes: [{types}]}}\n"
    )
}

fn service(name: &str, settings: &str, (cpu, memory): (u32, u32)) -> String {
    format!(
        "---\napiVersion: neuron.ecs/v1alpha1\nkind: NeuronService\nmetadata: {{name: {name}}}\nspec:\n  pool: p\n  {}\n  \
         template:\n    cpu: {cpu}\n    memory: {memory}\n    containers:\n      - name: server\n        image: x:1\n        \
         ports: [{{containerPort: 8080}}]\n        healthCheck: {{command: [CMD-SHELL, x]}}\n",
        settings.replace('\n', "\n  ")
    )
}

fn judge(parts: &[String]) -> Validated {
    let text = format!("{CLUSTER}{}", parts.concat());
    validate(parse(&[SourceFile { path: "a.yaml".to_owned(), text }]), &Catalog::builtin())
}

fn found(validated: &Validated, code: Code) -> &Diagnostic {
    let lines = || validated.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    validated.diagnostics.iter().find(|d| d.code == code).unwrap_or_else(|| panic!("no {code} in:\n{}", lines()))
}

fn silent(validated: &Validated) {
    let lines: Vec<String> = validated.diagnostics.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn a_group_has_the_defaults_of_the_reference() {
    let validated =
        judge(&[pool("instanceTypes: [inf2.48xlarge]\nmaxSize: 2"), service("a", "replicas: 1", (4096, 8192))]);
    silent(&validated);
    let pool = validated.fleet.pools.values().next().unwrap();
    let Capacity::AutoScalingGroup(group) = pool.spec.capacity() else { panic!("not a group") };
    assert_eq!((group.min_size, group.max_size, group.metadata_hop_limit, group.reserved_memory_mib), (0, 2, 2, 1024));
    assert_eq!((group.root_volume.size_gib, group.root_volume.encrypted), (200, true));
    assert_eq!(group.rollout.policy, RolloutPolicy::Report);
    let AmiSource::Parameter(path) = group.ami.source() else { panic!("an id") };
    assert_eq!(path, "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended");
    let service = validated.fleet.services.values().next().unwrap();
    assert_eq!(service.spec.networking.mode_on(pool.spec.capacity()), NetworkMode::Bridge);
}

#[test]
fn a_number_of_devices_that_no_type_gives_names_the_nearest_and_a_type_that_would_do() {
    let on = |types: &str, devices: u8| {
        let settings = format!("instanceTypes: [{types}]\nmaxSize: 2");
        judge(&[pool(&settings), service("a", &format!("replicas: 1\ndevices: {devices}"), (4096, 8192))])
    };
    let seven = on("trn1.32xlarge", 7);
    let seven = found(&seven, Code::DeviceCountImpossible);
    assert!(seven.message.contains("trn1.32xlarge gives 1, 4, 8 or 16 together"), "{}", seven.message);
    assert_eq!(seven.help, "Write 4 or 8, or use inf1.24xlarge, which gives any 7.");
    let both = on("trn1.32xlarge, inf2.48xlarge", 7);
    assert!(!both.has_errors());
    assert!(found(&both, Code::TypeNeverUsed).message.contains("trn1.32xlarge"));
    silent(&on("inf2.48xlarge", 7));
}

#[test]
fn an_unknown_type_gets_the_nearest_name() {
    let typo = judge(&[pool("instanceTypes: [inf2.49xlarge]\nmaxSize: 1")]);
    assert_eq!(found(&typo, Code::UnknownInstanceType).help, "Did you mean `inf2.48xlarge`?");
    let other = judge(&[pool("instanceTypes: [m7i.large]\nmaxSize: 1")]);
    assert!(found(&other, Code::UnknownInstanceType).help.contains("trn1n.32xlarge"));
}

#[test]
fn trn2u_is_not_sold_as_spot() {
    let validated = judge(&[pool("instanceTypes: [trn2u.48xlarge]\nmaxSize: 1\ncapacityOption: Spot")]);
    assert_eq!(found(&validated, Code::SpotUnavailable).message, "trn2u.48xlarge is not sold as Spot");
}

#[test]
fn tasks_with_awsvpc_must_be_more_than_half_of_an_instance() {
    let on = |size| {
        let settings = "replicas: 1\nnetworking: {mode: AwsVpc}";
        judge(&[pool("instanceTypes: [inf2.48xlarge]\nmaxSize: 2"), service("a", settings, size)])
    };
    let small = on((98_304, 16_384));
    assert!(found(&small, Code::TasksCouldMeet).help.contains("`cpu: 98305` or `memory: 392705`"));
    silent(&on((98_305, 16_384)));
    silent(&on((8_192, 392_705)));
}

#[test]
fn two_services_that_could_meet_on_an_instance_are_both_held() {
    let large = (98_816, 16_384);
    let parts = [
        pool("instanceTypes: [inf2.48xlarge]\nmaxSize: 3"),
        service("a", "replicas: 1\nnetworking: {mode: AwsVpc}", large),
        service("b", "replicas: 1\ndevices: 1", (8_192, 16_384)),
    ];
    let validated = judge(&parts);
    let held: Vec<String> = validated.fleet.stalled.iter().map(ToString::to_string).collect();
    assert_eq!(held, ["NeuronService/a", "NeuronService/b"]);
    assert!(validated.fleet.services.is_empty());
    assert_eq!(validated.diagnostics.iter().filter(|d| d.code == Code::TasksCouldMeet).count(), 2);
    silent(&judge(&[parts[0].clone(), parts[1].clone(), service("b", "replicas: 1\ndevices: 1", (97_793, 16_384))]));
}

#[test]
fn replicas_beyond_the_groups_are_counted_in_instances() {
    let on = |replicas: u32| {
        let settings = format!("replicas: {replicas}\ndevices: 5");
        judge(&[pool("instanceTypes: [inf2.48xlarge]\nmaxSize: 2"), service("a", &settings, (4096, 8192))])
    };
    let five = on(5);
    let message = &found(&five, Code::MaxSizeTooSmall).message;
    assert!(message.contains("need 3 instances of inf2.48xlarge, with 2 on each") && message.contains("holds 4"));
    assert!(!on(4).has_errors());
    found(&on(4), Code::NoRoomToRoll);
    silent(&on(3));
}

#[test]
fn the_totals_of_several_services_are_a_warning_at_the_pool() {
    let parts = [
        pool("instanceTypes: [inf2.24xlarge]\nmaxSize: 2"),
        service("a", "replicas: 1", (4096, 8192)),
        service("b", "replicas: 1\ndevices: 4", (4096, 8192)),
        service("c", "replicas: 1\ndevices: 3", (4096, 8192)),
    ];
    let validated = judge(&parts);
    assert!(!validated.has_errors());
    let found = found(&validated, Code::PoolOvercommitted);
    assert_eq!(found.message, "its services need 13 chips (a 6, b 4, c 3); maxSize allows 12");
    assert_eq!(found.at.line, 15);
}

#[test]
fn settings_for_one_ecs_service_are_refused_where_axon_makes_several() {
    let on = |types: &str, settings: &str| {
        judge(&[pool(&format!("instanceTypes: [{types}]\nmaxSize: 9")), service("a", settings, (4096, 8192))])
    };
    found(&on("inf2.48xlarge", "devices: 6"), Code::DeviceSets);
    found(&on("inf2.48xlarge, inf2.24xlarge", "devices: all"), Code::DeviceSets);
    silent(&on("inf2.48xlarge", "devices: all"));
    let strategy = on("inf2.48xlarge", "replicas: 2\ndevices: 4\ndeployment: {strategy: BlueGreen}");
    assert!(found(&strategy, Code::DeviceSets).message.contains("up to 3 ECS services"));
}

#[test]
fn what_managed_instances_refuse_is_taken_on_ec2_and_the_other_way_round() {
    let memory =
        service("a", "replicas: 1", (4096, 8192)).replace("x:1\n", "x:1\n        linux: {sharedMemorySize: 1024}\n");
    silent(&judge(&[pool("instanceTypes: [inf1.xlarge]\nmaxSize: 2"), memory.replace("8192", "6144")]));
    found(&judge(&[managed("inf2.8xlarge"), memory]), Code::NotOnManaged);
    let spread = service("a", "replicas: 1\nspread: AvailabilityZones", (4096, 8192));
    found(&judge(&[managed("inf2.8xlarge"), spread]), Code::SpreadOnManaged);
    let bridge = service("a", "replicas: 1\nnetworking: {mode: Bridge}", (4096, 8192));
    found(&judge(&[managed("inf2.8xlarge"), bridge]), Code::BridgeOnManaged);
}

#[test]
fn a_number_of_devices_on_managed_instances_needs_host_mode_or_large_tasks() {
    let on = |mode: &str, cpu| {
        let settings = format!("replicas: 1\ndevices: 4\nnetworking: {{mode: {mode}}}");
        judge(&[managed("inf2.48xlarge"), service("a", &settings, (cpu, 16_384))])
    };
    silent(&on("Host", 8_192));
    let small = on("AwsVpc", 8_192);
    assert!(found(&small, Code::TasksCouldMeet).help.contains("use mode Host"));
    assert!(!on("AwsVpc", 98_305).has_errors());
    let two =
        judge(&[managed("inf2.48xlarge, trn1.32xlarge"), service("a", "replicas: 1\ndevices: 4", (8192, 16_384))]);
    found(&two, Code::DeviceCountNeedsOneType);
}

#[test]
fn cores_are_counted_for_the_devices_a_replica_gets() {
    let serving = |devices: u8, tensor: u32| {
        let command = format!("x:1\n        command: [serve, --tensor-parallel-size, \"{tensor}\"]\n");
        service("a", &format!("replicas: 1\ndevices: {devices}"), (4096, 8192)).replace("x:1\n", &command)
    };
    let on = |devices, tensor| judge(&[pool("instanceTypes: [inf2.48xlarge]\nmaxSize: 2"), serving(devices, tensor)]);
    silent(&on(4, 8));
    assert!(found(&on(4, 12), Code::TooManyCores).message.contains("the 4 devices of inf2.48xlarge have 8"));
    assert_eq!(found(&on(4, 2), Code::OversizedInstance).help, "Write `devices: 1`, or use more cores.");
    let impossible = judge(&[managed("inf2.8xlarge, inf2.48xlarge"), serving(99, 2)]);
    found(&impossible, Code::DeviceCountNeedsOneType);
    let of_cores = impossible.diagnostics.iter().find(|found| found.code == Code::OversizedInstance);
    assert!(of_cores.is_none(), "nothing is said of cores that no instance has: {of_cores:?}");
}

#[test]
fn containers_of_a_bridged_task_may_listen_on_the_same_port() {
    let sidecar = "      - {name: metrics, image: y:1, neuron: false, ports: [{containerPort: 8080}]}\n";
    let task = service("a", "replicas: 1", (4096, 8192)) + sidecar;
    silent(&judge(&[pool("instanceTypes: [inf2.48xlarge]\nmaxSize: 2"), task.clone()]));
    found(&judge(&[managed("inf2.8xlarge"), task]), Code::DuplicatePort);
}

#[test]
fn overrides_of_template_and_group_are_for_what_nothing_else_decides() {
    let with = |pool: &str, overrides: &str| {
        judge(&[format!("{pool}  overrides: {overrides}\n"), service("a", "replicas: 1", (4096, 8192))])
    };
    let group = pool("instanceTypes: [inf2.48xlarge]\nmaxSize: 2");
    silent(&with(&group, "{launchTemplate: {KeyName: ops}, autoScalingGroup: {MaxInstanceLifetime: 604800}}"));
    for owned in ["ImageId: ami-1", "InstanceType: inf2.xlarge", "UserData: eA==", "TagSpecifications: []"] {
        found(&with(&group, &format!("{{launchTemplate: {{{owned}}}}}")), Code::OwnedMember);
    }
    for owned in ["MinSize: 1", "MaxSize: 1", "LaunchTemplate: {}", "AutoScalingGroupName: x", "Tags: []"] {
        found(&with(&group, &format!("{{autoScalingGroup: {{{owned}}}}}")), Code::OwnedMember);
    }
    assert!(found(&with(&group, "{launchTemplate: {KeyNam: ops}}"), Code::UnknownMember).help.contains("KeyName"));
    found(&with(&group, "{autoScalingGroup: {HealthCheckType: 3}}"), Code::OverrideShape);
    found(&with(&managed("inf2.8xlarge"), "{launchTemplate: {KeyName: ops}}"), Code::RefusedMember);
}
