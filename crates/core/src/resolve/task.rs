//! The template of a NeuronService → RegisterTaskDefinition.

use super::chips::Chips;
use super::container::{DeviceShare, LogPlace, container};
use super::{Context, int, overrides};
use crate::shape::task_definition::{
    EfsAuthorizationConfig, EfsVolumeConfiguration, HostVolumeProperties, RegisterTaskDefinition, RuntimePlatform,
    S3FilesVolumeConfiguration, Volume,
};
use crate::spec::{self, NetworkMode, NeuronPool, NeuronService, PidMode, Toggle};

/// Who chooses the Neuron devices of a task.
#[derive(Clone, Copy, Debug)]
pub(super) enum Devices<'a> {
    /// ECS gives all of an instance.
    Managed,
    /// Axon gives these.
    Manual(Chips<'a>),
}

/// The revision to run, without tags. `suffix` follows the service's name in the family.
pub(super) fn task_definition(
    service: &NeuronService,
    pool: &NeuronPool,
    (devices, suffix): (Devices<'_>, &str),
    context: Context<'_>,
) -> Result<RegisterTaskDefinition, String> {
    let template = &service.spec.template;
    let cluster = &pool.spec.cluster;
    let group = format!("/axon/{cluster}/{}", service.metadata.name);
    let place = LogPlace { group: &group, region: &context.facts.identity.region };
    let neuron = template.neuron_container().map(|container| &container.name);
    let document = RegisterTaskDefinition {
        family: Some(format!("{cluster}-{}{suffix}", service.metadata.name)),
        task_role_arn: template.task_role_arn.clone(),
        execution_role_arn: template.execution_role_arn.clone(),
        // Always said: the documents disagree about the default on Managed Instances.
        network_mode: Some(
            match service.spec.networking.mode_on(pool.spec.capacity()) {
                NetworkMode::AwsVpc => "awsvpc",
                NetworkMode::Host => "host",
                NetworkMode::Bridge => "bridge",
            }
            .to_owned(),
        ),
        container_definitions: template
            .containers
            .iter()
            .map(|given| match devices {
                Devices::Managed if neuron == Some(&given.name) => container(given, DeviceShare::All, &place),
                Devices::Manual(chips) if neuron == Some(&given.name) => {
                    let mut definition = container(given, DeviceShare::None, &place);
                    chips.give(&mut definition);
                    definition
                }
                Devices::Managed | Devices::Manual(_) => container(given, DeviceShare::None, &place),
            })
            .collect(),
        volumes: template.volumes.iter().map(volume).collect(),
        requires_compatibilities: vec![
            match devices {
                Devices::Managed => "MANAGED_INSTANCES",
                Devices::Manual(chips) => chips.compatibility(),
            }
            .to_owned(),
        ],
        placement_constraints: match devices {
            Devices::Managed => Vec::new(),
            Devices::Manual(chips) => chips.constraints(),
        },
        cpu: Some(template.cpu.to_string()),
        memory: Some(template.memory.to_string()),
        pid_mode: template.pid_mode.map(|mode| {
            match mode {
                PidMode::Host => "host",
                PidMode::Task => "task",
            }
            .to_owned()
        }),
        // Every Neuron instance type is x86_64 (EC2 instance types guide, accelerated computing).
        runtime_platform: Some(RuntimePlatform {
            cpu_architecture: Some("X86_64".to_owned()),
            operating_system_family: Some("LINUX".to_owned()),
        }),
        ..RegisterTaskDefinition::default()
    };
    overrides::merge(document, &service.spec.overrides.task_definition)
}

fn volume(given: &spec::Volume) -> Volume {
    Volume {
        name: Some(given.name.to_string()),
        host: given.host.as_ref().map(|host| HostVolumeProperties { source_path: host.path.clone() }),
        efs_volume_configuration: given.efs.as_ref().map(|efs| EfsVolumeConfiguration {
            file_system_id: efs.file_system_id.clone(),
            root_directory: efs.root_directory.clone(),
            transit_encryption: Some(toggle(efs.transit_encryption)),
            transit_encryption_port: efs.transit_encryption_port.map(i32::from),
            authorization_config: efs.authorization.as_ref().map(|authorization| EfsAuthorizationConfig {
                access_point_id: authorization.access_point_id.clone(),
                iam: Some(toggle(authorization.iam)),
            }),
        }),
        s3files_volume_configuration: given.s3_files.as_ref().map(|files| S3FilesVolumeConfiguration {
            file_system_arn: files.file_system_arn.clone(),
            root_directory: files.root_directory.clone(),
            transit_encryption_port: files.transit_encryption_port.map(i32::from),
            access_point_arn: files.access_point_arn.clone(),
        }),
        ..Volume::default()
    }
}

fn toggle(toggle: Toggle) -> String {
    match toggle {
        Toggle::Enabled => "ENABLED",
        Toggle::Disabled => "DISABLED",
    }
    .to_owned()
}

/// A count or size in AWS's type.
pub(super) fn optional(number: Option<u32>) -> Option<i32> {
    number.map(int)
}
