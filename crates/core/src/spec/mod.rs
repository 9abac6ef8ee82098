//! The objects users write in git, as plain types: what a NeuronCluster, NeuronPool, NeuronService and NeuronJob can say.
//!
//! Neighbours: `parse` reads YAML into these types, `validate` judges them against the Neuron catalog and one another,
//! `resolve` and `plan` read them. The doc comment of every field is its description in the JSON Schema.
//! Not here: reading text, rules that need more than one field, and anything AWS answers.

mod auto_scaling_group;
mod cluster;
mod compile;
mod container;
mod deployment;
mod drift;
mod duration;
mod fleet;
mod gang;
#[cfg(any(test, feature = "generate"))]
pub mod generate;
mod job;
mod linux;
mod metadata;
mod name;
mod networking;
mod object;
mod overrides;
mod policy;
mod pool;
mod pool_rollout;
mod requirements;
mod retry;
mod rollout_window;
mod schedule;
mod schema;
mod service;
mod service_connect;
mod template;
mod volume;

pub use auto_scaling_group::{
    Ami, AmiSource, AutoScalingGroup, Consolidation, Efa, JobPreemption, NEURON_AMI_PARAMETERS, RootVolume, Scaling,
    VolumeType,
};
pub use cluster::{
    ClusterSpec, ContainerInsights, ExecuteCommandLogging, ExecuteCommandLogs, ExecuteCommandSettings, ManagedStorage,
    ServiceConnectDefaults,
};
pub use compile::{COMPILE_CACHE, Compile};
pub use container::{
    AppProtocol, Container, ContainerDependency, DependencyCondition, Firelens, FirelensType, HealthCheck, LogDriver,
    Logging, Mount, Port, Protocol, RestartPolicy,
};
pub use deployment::{
    Alarms, Canary, CircuitBreaker, Deployment, FailureThreshold, HookTarget, HookTimeout, HookTimeoutAction,
    LifecycleHook, LifecycleStage, Linear, Strategy, ThresholdType,
};
pub use drift::{Drift, DriftPolicy};
pub use duration::{Duration, ParseDurationError};
pub use fleet::{Accepted, Completeness, Fleet};
pub use gang::Gang;
pub use job::{DEFAULT_BACKOFF_LIMIT, JobSpec, MAX_COMPLETIONS, MAX_NODES};
pub use linux::{Capabilities, Linux, SystemControl, Tmpfs, Ulimit, UlimitName};
pub use metadata::Metadata;
pub use name::{Name, ParseNameError};
pub use networking::{LoadBalancer, NetworkMode, Networking, ServiceRegistry, TrafficShift, VpcLattice};
pub use object::{
    API_VERSION, ApiVersion, Kind, NeuronCluster, NeuronClusterKind, NeuronJob, NeuronJobKind, NeuronPool,
    NeuronPoolKind, NeuronService, NeuronServiceKind, Object, ObjectKey,
};
pub use overrides::{ClusterOverrides, JobOverrides, PoolOverrides, Raw, ServiceOverrides};
pub use policy::{ADOPT, Adopt, BadAnnotation, PREFIX, PRUNE, Policy, Prune, SUSPEND};
pub use pool::{
    AutoRepair, Capacity, CapacityOption, ManagedInstances, Monitoring, PoolSpec, PropagatePoolTags,
    ReservationPreference, Reservations, ScaleIn,
};
pub use pool_rollout::{PoolRollout, RolloutPolicy};
pub use requirements::{
    AcceleratorManufacturer, AcceleratorType, Bounds, CpuManufacturer, DecimalBounds, Inclusion, InstanceGeneration,
    InstanceRequirements, LocalStorageType, MinBounds, NO_PRICE_PROTECTION,
};
pub use retry::{Checkpoint, Failure, RetryAction, RetryPolicy, RetryRule, UnknownOutcome};
pub use rollout_window::{ParseTimeOfDayError, RolloutWindow, TimeOfDay, Weekday};
pub(crate) use rollout_window::{zone, zone_like};
pub use schedule::{Calendar, ConcurrencyPolicy, Schedule, ScheduleError};
pub use schema::{field_doc, schema, schema_text};
pub(crate) use schema::{resolve_schema, shared_schema};
pub use service::{
    AvailabilityZoneRebalancing, DEFAULT_REVISION_HISTORY, Devices, PoolShare, PropagateTags, ServiceSpec, Spread,
};
pub use service_connect::{
    AccessLog, AccessLogFormat, ClientAlias, HeaderMatch, QueryParameters, ServiceConnect, ServiceConnectPort,
    ServiceConnectTimeout, ServiceConnectTls,
};
pub use template::{PidMode, Template};
pub use volume::{Efs, EfsAuthorization, HostVolume, S3Files, Toggle, Volume};
