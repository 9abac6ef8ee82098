//! Members of AWS's requests that overrides may name, with the form of their values.
//!
//! Neighbours: `overrides` checks against them. Not here: which of them belong to Axon.
//!
//! Source: the API models of ECS, EC2 and Auto Scaling (botocore 1.44), top-level members and the ones users override
//! most. Of launch templates and groups, those that [`crate::shape`] has.

use Form::{List, Map, Number, Text, Truth};

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    List,
    Map,
    Text,
    Number,
    Truth,
}

/// Members of RegisterTaskDefinition.
pub(super) const TASK_DEFINITION: &[(&str, Form)] = &[
    ("containerDefinitions", List),
    ("cpu", Text),
    ("enableFaultInjection", Truth),
    ("ephemeralStorage", Map),
    ("executionRoleArn", Text),
    ("family", Text),
    ("inferenceAccelerators", List),
    ("ipcMode", Text),
    ("memory", Text),
    ("networkMode", Text),
    ("pidMode", Text),
    ("placementConstraints", List),
    ("proxyConfiguration", Map),
    ("requiresCompatibilities", List),
    ("runtimePlatform", Map),
    ("tags", List),
    ("taskRoleArn", Text),
    ("trustedExecutionConfiguration", Map),
    ("volumes", List),
];

/// Members of a container definition.
pub(super) const CONTAINER: &[(&str, Form)] = &[
    ("command", List),
    ("cpu", Number),
    ("credentialSpecs", List),
    ("dependsOn", List),
    ("disableNetworking", Truth),
    ("dnsSearchDomains", List),
    ("dnsServers", List),
    ("dockerLabels", Map),
    ("dockerSecurityOptions", List),
    ("entryPoint", List),
    ("environment", List),
    ("environmentFiles", List),
    ("essential", Truth),
    ("extraHosts", List),
    ("firelensConfiguration", Map),
    ("healthCheck", Map),
    ("hostname", Text),
    ("image", Text),
    ("interactive", Truth),
    ("links", List),
    ("linuxParameters", Map),
    ("logConfiguration", Map),
    ("memory", Number),
    ("memoryReservation", Number),
    ("mountPoints", List),
    ("name", Text),
    ("portMappings", List),
    ("privileged", Truth),
    ("pseudoTerminal", Truth),
    ("readonlyRootFilesystem", Truth),
    ("repositoryCredentials", Map),
    ("resourceRequirements", List),
    ("restartPolicy", Map),
    ("secrets", List),
    ("startTimeout", Number),
    ("stopTimeout", Number),
    ("systemControls", List),
    ("ulimits", List),
    ("user", Text),
    ("versionConsistency", Text),
    ("volumesFrom", List),
    ("workingDirectory", Text),
];

/// Members of `linuxParameters`.
pub(super) const LINUX: &[(&str, Form)] = &[
    ("capabilities", Map),
    ("devices", List),
    ("initProcessEnabled", Truth),
    ("maxSwap", Number),
    ("sharedMemorySize", Number),
    ("swappiness", Number),
    ("tmpfs", List),
];

/// Members of a volume.
pub(super) const VOLUME: &[(&str, Form)] = &[
    ("configuredAtLaunch", Truth),
    ("dockerVolumeConfiguration", Map),
    ("efsVolumeConfiguration", Map),
    ("fsxWindowsFileServerVolumeConfiguration", Map),
    ("host", Map),
    ("name", Text),
    ("s3filesVolumeConfiguration", Map),
];

/// Members of CreateService and UpdateService.
pub(super) const SERVICE: &[(&str, Form)] = &[
    ("availabilityZoneRebalancing", Text),
    ("capacityProviderStrategy", List),
    ("clientToken", Text),
    ("cluster", Text),
    ("deploymentConfiguration", Map),
    ("deploymentController", Map),
    ("desiredCount", Number),
    ("enableECSManagedTags", Truth),
    ("enableExecuteCommand", Truth),
    ("forceNewDeployment", Truth),
    ("gatewayConnectors", List),
    ("healthCheckGracePeriodSeconds", Number),
    ("launchType", Text),
    ("loadBalancers", List),
    ("monitoring", Map),
    ("networkConfiguration", Map),
    ("placementConstraints", List),
    ("placementStrategy", List),
    ("platformVersion", Text),
    ("propagateTags", Text),
    ("role", Text),
    ("schedulingStrategy", Text),
    ("service", Text),
    ("serviceConnectConfiguration", Map),
    ("serviceName", Text),
    ("serviceRegistries", List),
    ("tags", List),
    ("taskDefinition", Text),
    ("volumeConfigurations", List),
    ("vpcLatticeConfigurations", List),
];

/// Members of CreateCluster and UpdateCluster.
pub(super) const CLUSTER: &[(&str, Form)] = &[
    ("capacityProviders", List),
    ("cluster", Text),
    ("clusterName", Text),
    ("configuration", Map),
    ("defaultCapacityProviderStrategy", List),
    ("serviceConnectDefaults", Map),
    ("settings", List),
    ("tags", List),
];

/// Members of CreateCapacityProvider.
pub(super) const CAPACITY_PROVIDER: &[(&str, Form)] = &[
    ("autoScalingGroupProvider", Map),
    ("cluster", Text),
    ("managedInstancesProvider", Map),
    ("name", Text),
    ("tags", List),
];

/// Members of `managedInstancesProvider`.
pub(super) const MANAGED_INSTANCES: &[(&str, Form)] = &[
    ("autoRepairConfiguration", Map),
    ("infrastructureOptimization", Map),
    ("infrastructureRoleArn", Text),
    ("instanceLaunchTemplate", Map),
    ("propagateTags", Text),
];

/// Members of `instanceLaunchTemplate`.
pub(super) const MANAGED_TEMPLATE: &[(&str, Form)] = &[
    ("capacityOptionType", Text),
    ("capacityReservations", Map),
    ("ec2InstanceProfileArn", Text),
    ("fipsEnabled", Truth),
    ("instanceMetadataTagsPropagation", Truth),
    ("instanceRequirements", Map),
    ("localStorageConfiguration", Map),
    ("monitoring", Text),
    ("networkConfiguration", Map),
    ("storageConfiguration", Map),
];

/// Members of RequestLaunchTemplateData.
pub(super) const LAUNCH_TEMPLATE: &[(&str, Form)] = &[
    ("BlockDeviceMappings", List),
    ("CapacityReservationSpecification", Map),
    ("EbsOptimized", Truth),
    ("IamInstanceProfile", Map),
    ("ImageId", Text),
    ("InstanceType", Text),
    ("KeyName", Text),
    ("MetadataOptions", Map),
    ("Monitoring", Map),
    ("NetworkInterfaces", List),
    ("Placement", Map),
    ("SecurityGroupIds", List),
    ("TagSpecifications", List),
    ("UserData", Text),
];

/// Members of CreateAutoScalingGroup.
pub(super) const AUTO_SCALING_GROUP: &[(&str, Form)] = &[
    ("AutoScalingGroupName", Text),
    ("CapacityRebalance", Truth),
    ("DefaultInstanceWarmup", Number),
    ("DesiredCapacity", Number),
    ("HealthCheckGracePeriod", Number),
    ("HealthCheckType", Text),
    ("LaunchTemplate", Map),
    ("MaxInstanceLifetime", Number),
    ("MaxSize", Number),
    ("MinSize", Number),
    ("MixedInstancesPolicy", Map),
    ("NewInstancesProtectedFromScaleIn", Truth),
    ("PlacementGroup", Text),
    ("Tags", List),
    ("TerminationPolicies", List),
    ("VPCZoneIdentifier", Text),
];
