//! One container of a template → ContainerDefinition.

use std::collections::BTreeMap;

use super::int;
use super::task::optional;
use crate::shape::container::{
    ContainerDefinition, ContainerDependency, ContainerRestartPolicy, EnvironmentFile, FirelensConfiguration,
    HealthCheck, KernelCapabilities, LinuxParameters, MountPoint, PortMapping, RepositoryCredentials,
    ResourceRequirement, SystemControl, Tmpfs, Ulimit,
};
use crate::shape::shared::{KeyValuePair, LogConfiguration, Secret};
use crate::spec::{self, AppProtocol, DependencyCondition, FirelensType, LogDriver, Protocol};

/// Which Neuron devices of its instance a container gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeviceShare {
    All,
    None,
}

/// Where logs go unless the specification says otherwise.
pub(super) struct LogPlace<'a> {
    pub(super) group: &'a str,
    pub(super) region: &'a str,
}

/// Renders a container; the one that gets the devices asks for all of them, which is the only quantity that managed
/// allocation knows.
pub(super) fn container(given: &spec::Container, share: DeviceShare, place: &LogPlace<'_>) -> ContainerDefinition {
    let devices = ResourceRequirement { value: "ALL".to_owned(), r#type: "NeuronDevice".to_owned() };
    ContainerDefinition {
        name: Some(given.name.to_string()),
        image: Some(given.image.clone()),
        repository_credentials: given
            .repository_credentials
            .as_ref()
            .map(|arn| RepositoryCredentials { credentials_parameter: arn.clone() }),
        cpu: given.cpu.map_or(0, int),
        memory: optional(given.memory),
        memory_reservation: optional(given.memory_reservation),
        port_mappings: given.ports.iter().map(port).collect(),
        essential: Some(given.essential),
        restart_policy: given.restart_policy.as_ref().map(|policy| ContainerRestartPolicy {
            enabled: policy.enabled,
            ignored_exit_codes: policy.ignored_exit_codes.clone(),
            restart_attempt_period: policy.attempt_period.map(|period| int(period.seconds())),
        }),
        entry_point: given.entry_point.clone(),
        command: given.command.clone(),
        environment: pairs(&given.env),
        environment_files: given
            .env_files
            .iter()
            .map(|arn| EnvironmentFile { value: arn.clone(), r#type: "s3".to_owned() })
            .collect(),
        mount_points: given.mounts.iter().map(mount).collect(),
        linux_parameters: given.linux.as_ref().map(linux),
        secrets: secrets(&given.secrets),
        depends_on: given.depends_on.iter().map(dependency).collect(),
        start_timeout: given.start_timeout.map(|time| int(time.seconds())),
        stop_timeout: given.stop_timeout.map(|time| int(time.seconds())),
        user: given.user.clone(),
        working_directory: given.working_directory.clone(),
        privileged: given.privileged.then_some(true),
        readonly_root_filesystem: given.readonly_root_filesystem.then_some(true),
        docker_labels: given.docker_labels.clone(),
        ulimits: given.ulimits.iter().map(ulimit).collect(),
        log_configuration: logging(&given.logging, place, given.name.as_str()),
        health_check: given.health_check.as_ref().map(health_check),
        system_controls: given
            .system_controls
            .iter()
            .map(|c| SystemControl { namespace: Some(c.namespace.clone()), value: Some(c.value.clone()) })
            .collect(),
        resource_requirements: match share {
            DeviceShare::All => vec![devices],
            DeviceShare::None => Vec::new(),
        },
        firelens_configuration: given.firelens.as_ref().map(|firelens| FirelensConfiguration {
            r#type: match firelens.kind {
                FirelensType::Fluentbit => "fluentbit",
                FirelensType::Fluentd => "fluentd",
            }
            .to_owned(),
            options: firelens.options.clone(),
        }),
        ..ContainerDefinition::default()
    }
}

/// Where output goes. `fallback` is the stream prefix if none is given.
pub(super) fn logging(given: &spec::Logging, place: &LogPlace<'_>, fallback: &str) -> Option<LogConfiguration> {
    let mut options = BTreeMap::new();
    let driver = match given.driver {
        LogDriver::None => return None,
        LogDriver::Awslogs => {
            let text = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
            options.insert("awslogs-group".to_owned(), text(&given.group, place.group));
            options.insert("awslogs-region".to_owned(), text(&given.region, place.region));
            options.insert("awslogs-stream-prefix".to_owned(), text(&given.stream_prefix, fallback));
            if given.group.is_none() {
                // Nobody else makes the group of our own naming, and no container starts without it.
                options.insert("awslogs-create-group".to_owned(), "true".to_owned());
            }
            "awslogs"
        }
        LogDriver::Awsfirelens => "awsfirelens",
        LogDriver::Splunk => "splunk",
        LogDriver::JsonFile => "json-file",
    };
    options.extend(given.options.clone());
    Some(LogConfiguration { log_driver: driver.to_owned(), options, secret_options: secrets(&given.secret_options) })
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<KeyValuePair> {
    map.iter().map(|(name, value)| KeyValuePair { name: Some(name.clone()), value: Some(value.clone()) }).collect()
}

fn secrets(map: &BTreeMap<String, String>) -> Vec<Secret> {
    map.iter().map(|(name, arn)| Secret { name: name.clone(), value_from: arn.clone() }).collect()
}

fn port(given: &spec::Port) -> PortMapping {
    PortMapping {
        container_port: Some(i32::from(given.container_port)),
        host_port: given.host_port.map(i32::from),
        protocol: Some(
            match given.protocol {
                Protocol::Tcp => "tcp",
                Protocol::Udp => "udp",
            }
            .to_owned(),
        ),
        name: given.name.clone(),
        app_protocol: given.app_protocol.map(|protocol| {
            match protocol {
                AppProtocol::Http => "http",
                AppProtocol::Http2 => "http2",
                AppProtocol::Grpc => "grpc",
            }
            .to_owned()
        }),
        container_port_range: None,
    }
}

fn mount(given: &spec::Mount) -> MountPoint {
    MountPoint {
        source_volume: Some(given.volume.to_string()),
        container_path: Some(given.path.clone()),
        read_only: Some(given.read_only),
    }
}

fn linux(given: &spec::Linux) -> LinuxParameters {
    LinuxParameters {
        capabilities: given
            .capabilities
            .as_ref()
            .map(|c| KernelCapabilities { add: c.add.clone(), drop: c.drop.clone() }),
        init_process_enabled: given.init_process.then_some(true),
        shared_memory_size: optional(given.shared_memory_size),
        tmpfs: given
            .tmpfs
            .iter()
            .map(|t| Tmpfs {
                container_path: t.path.clone(),
                size: int(t.size),
                mount_options: t.mount_options.clone(),
            })
            .collect(),
        ..LinuxParameters::default()
    }
}

fn dependency(given: &spec::ContainerDependency) -> ContainerDependency {
    ContainerDependency {
        container_name: given.container.to_string(),
        condition: match given.condition {
            DependencyCondition::Start => "START",
            DependencyCondition::Complete => "COMPLETE",
            DependencyCondition::Success => "SUCCESS",
            DependencyCondition::Healthy => "HEALTHY",
        }
        .to_owned(),
    }
}

fn ulimit(given: &spec::Ulimit) -> Ulimit {
    // The specification's names are AWS's, in lower case.
    let name = serde_json::to_value(given.name).ok().and_then(|name| name.as_str().map(str::to_owned));
    Ulimit { name: name.unwrap_or_default(), soft_limit: given.soft, hard_limit: given.hard }
}

fn health_check(given: &spec::HealthCheck) -> HealthCheck {
    HealthCheck {
        command: given.command.clone(),
        interval: Some(int(given.interval.seconds())),
        timeout: Some(int(given.timeout.seconds())),
        retries: Some(int(given.retries)),
        start_period: given.start_period.map(|period| int(period.seconds())),
    }
}
