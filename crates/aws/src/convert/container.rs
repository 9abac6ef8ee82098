//! A container definition with everything under it. Table of members for `shape::container`.
//!
//! Rows only; what they turn into is written in `convert`.

use aws_sdk_ecs::types as sdk;
use axon_core::shape::container as shape;

wire! {
    ContainerDefinition:
        opt name,
        opt image,
        opt repository_credentials,
        req cpu,
        opt memory,
        opt memory_reservation,
        list links,
        list port_mappings,
        opt essential,
        opt restart_policy,
        list entry_point,
        list command,
        list environment,
        list environment_files,
        list mount_points,
        list volumes_from,
        opt linux_parameters,
        list secrets,
        list depends_on,
        opt start_timeout,
        opt stop_timeout,
        opt version_consistency,
        opt hostname,
        opt user,
        opt working_directory,
        opt disable_networking,
        opt privileged,
        opt readonly_root_filesystem,
        list dns_servers,
        list dns_search_domains,
        list extra_hosts,
        list docker_security_options,
        opt interactive,
        opt pseudo_terminal,
        map docker_labels,
        list ulimits,
        opt log_configuration,
        opt health_check,
        list system_controls,
        list resource_requirements,
        opt firelens_configuration,
        list credential_specs;
    RepositoryCredentials: req credentials_parameter;
    PortMapping: opt container_port, opt host_port, opt protocol, opt name, opt app_protocol, opt container_port_range;
    ContainerRestartPolicy: req enabled, list ignored_exit_codes, opt restart_attempt_period;
    EnvironmentFile: req value, req r#type;
    MountPoint: opt source_volume, opt container_path, opt read_only;
    VolumeFrom: opt source_container, opt read_only;
    LinuxParameters:
        opt capabilities,
        list devices,
        opt init_process_enabled,
        opt shared_memory_size,
        list tmpfs,
        opt max_swap,
        opt swappiness;
    KernelCapabilities: list add, list drop;
    Device: req host_path, opt container_path, list permissions;
    Tmpfs: req container_path, req size, list mount_options;
    ContainerDependency: req container_name, req condition;
    HostEntry: req hostname, req ip_address;
    Ulimit: req name, req soft_limit, req hard_limit;
    HealthCheck: vec(set_command) command, opt interval, opt timeout, opt retries, opt start_period;
    SystemControl: opt namespace, opt value;
    ResourceRequirement: req value, req r#type;
    FirelensConfiguration: req r#type, map options;
}

words! {
    ApplicationProtocol,
    ContainerCondition,
    DeviceCgroupPermission,
    EnvironmentFileType,
    FirelensConfigurationType,
    ResourceType,
    TransportProtocol,
    UlimitName,
    VersionConsistency,
}
