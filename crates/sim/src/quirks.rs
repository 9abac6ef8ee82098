//! One switch for each behaviour of AWS that its documents leave open or contradict. Neighbours: `ecs` reads them.
//! A behaviour that AWS states plainly has no switch.

/// Unconfirmed behaviours. The defaults are the readings that demand most of a client, or the one AWS states more recently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quirks {
    /// Optional members left out of UpdateCapacityProvider.
    pub omitted_on_update: OmittedOnUpdate,
    /// The type of the NEURON_DEVICES resource of a container instance.
    pub neuron_resource: NeuronResource,
    /// Whether a changed capacityProviderStrategy alone starts a deployment.
    pub strategy_alone: StrategyAlone,
    /// Managed Instances names in PutClusterCapacityProviders' capacityProviders.
    pub managed_names_in_put: ManagedNamesInPut,
    /// CreateCluster with the name of an active cluster.
    pub existing_cluster: ExistingCluster,
    /// How a cluster describes the namespace of `serviceConnectDefaults` that was set by its name.
    pub cluster_namespace: ClusterNamespace,
    /// `inferentia2`, `trainium` and `trainium2` as acceleratorNames.
    pub newer_accelerator_names: NewerAcceleratorNames,
    /// Which Neuron families Managed Instances launch.
    pub launchable: Launchable,
    /// The price protection that applies when instanceRequirements states none.
    pub price_protection: PriceProtection,
    /// Whether a task that ran and then ended counts as a failed task of its deployment.
    pub crash_after_running: CrashAfterRunning,
    /// Deleting a provider that the cluster's default strategy names.
    pub default_strategy_on_delete: DefaultStrategyOnDelete,
    /// RunTask overrides that ask for NeuronDevice.
    pub neuron_override: NeuronOverride,
    /// Whether `permissions` and `containerPath` of devices are filled in.
    pub device_defaults: DeviceDefaults,
    /// Whether a group checks that its launch template could launch an instance.
    pub group_template: GroupTemplate,
    /// What DescribeImages says of an image that was deregistered.
    pub deregistered_image: DeregisteredImage,
    /// `MemoryInfo` of the devices of trn2 types in DescribeInstanceTypes.
    pub trainium2_memory: Trainium2Memory,
    /// NeuronInfo of trn2u in DescribeInstanceTypes.
    pub trn2u_neuron_info: Trn2uNeuronInfo,
    /// InstanceTypes together with MaxResults in DescribeInstanceTypes.
    pub type_names_with_max_results: TypeNamesWithMaxResults,
    /// Describe operations, and reads of parameters, show the world as it was this many seconds ago, or up to one less, while
    /// something changed since.
    pub read_lag_seconds: i64,
    /// How long a deleted service can be described.
    pub inactive_service_seconds: i64,
    /// How long a deleted provider can be described and blocks its name.
    pub inactive_provider_seconds: i64,
    /// How long a deleted cluster can be described.
    pub inactive_cluster_seconds: i64,
    /// How long a managed instance is kept without tasks when scaleInAfter is not set.
    pub scale_in_seconds: i64,
    /// Whether the provider of an Auto Scaling group is usable as soon as it is created.
    pub group_provider_creation: GroupProviderCreation,
    /// Until when a task that stops counts against maximumPercent.
    pub stopping_counts: StoppingCounts,
    /// Which tasks of an instance `task:group` sees in placement constraints.
    pub task_group_counts: TaskGroupCounts,
    /// How many seconds a task of an Auto Scaling group's provider waits in PROVISIONING before it fails to start; none waits on.
    pub provisioning_limit_seconds: Option<i64>,
    /// How many instances managed scaling asks for when a group has none.
    pub first_scale_out: i64,
    /// How many one-minute data points below the target come before a group shrinks.
    pub scale_in_points: i64,
    /// PutParameter with the name of a parameter that was deleted less than 30 seconds ago.
    pub recreated_parameter: RecreatedParameter,
    /// `stopCode` of tasks whose EC2 instance is gone.
    pub lost_task_code: LostTaskCode,
    /// Whether a task that stops by itself keeps its tags.
    pub stopped_task_tags: StoppedTaskTags,
    /// `desiredStatus` beside `startedBy` in ListTasks.
    pub started_by_with_status: StartedByWithStatus,
    /// Whether List operations trail writes, where `read_lag_seconds` lets Describe operations trail them.
    pub lagging_lists: LaggingLists,
    /// Where a list goes on when something in it came or went since the page before.
    pub page_marks: PageMarks,
    /// Most items on a page of a list, whatever was asked for: AWS's documents call `maxResults` a limit, not what one gets.
    /// None: as many as were asked for.
    pub short_pages: Option<i64>,
    /// How long after it was written a line can be read. Docker's driver sends what it has every five seconds; how long CloudWatch
    /// takes then is not documented.
    pub log_lag_seconds: i64,
    /// Pages of log events without events, of which AWS says that there may be some.
    pub empty_log_pages: EmptyLogPages,
}

/// See [`Quirks::empty_log_pages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyLogPages {
    /// There are none before the end.
    Never,
    /// The first page of FilterLogEvents, and of GetLogEvents from the head, is empty.
    First,
}

/// See [`Quirks::lost_task_code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostTaskCode {
    /// TerminationNotice whatever the cause, as users quote it for EC2.
    TerminationNotice,
    /// SpotInterruption when EC2 took Spot capacity back, else InfrastructureHealth.
    ByCause,
}

/// See [`Quirks::stopped_task_tags`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoppedTaskTags {
    /// No stopped task has tags.
    Gone,
    /// Only StopTask deletes the tags.
    KeptUnlessStopped,
}

/// See [`Quirks::started_by_with_status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartedByWithStatus {
    /// It is no filter in the sense of "startedBy must be the only filter".
    Accepted,
    /// InvalidParameterException.
    Rejected,
}

/// See [`Quirks::lagging_lists`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaggingLists {
    /// They show what is true.
    Never,
    /// They trail writes as Describe operations do.
    LikeDescribe,
}

/// See [`Quirks::page_marks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageMarks {
    /// At the item that came next. If that one has gone, where it was: then the list skips as many as have gone before it.
    Item,
    /// Behind as many as it had shown: it skips or repeats as many as went or came before.
    Position,
}

/// See [`Quirks::recreated_parameter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecreatedParameter {
    /// TooManyUpdates: AWS says to wait, and not what happens otherwise.
    Refused,
    /// A new parameter.
    Accepted,
}

/// See [`Quirks::group_provider_creation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupProviderCreation {
    /// PROVISIONING first, as providers of managed instances.
    Asynchronous,
    /// ACTIVE in the answer, as older examples of AWS show it.
    AtOnce,
}

/// See [`Quirks::task_group_counts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskGroupCounts {
    /// Those that are meant to run, as for distinctInstance.
    DesiredRunning,
    /// All that have not stopped.
    NotStopped,
}

/// See [`Quirks::stopping_counts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoppingCounts {
    /// Until it has STOPPED.
    UntilStopped,
    /// Until it is meant to stop; what it holds stays held.
    UntilDesiredStopped,
}

/// See [`Quirks::omitted_on_update`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OmittedOnUpdate {
    /// The stored value stays.
    Keep,
    /// The default comes back.
    Reset,
}

/// See [`Quirks::neuron_resource`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeuronResource {
    /// A count.
    Integer,
    /// A set of device ids.
    StringSet,
}

/// See [`Quirks::strategy_alone`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrategyAlone {
    /// No deployment starts.
    NoDeployment,
    /// A deployment starts.
    Deployment,
}

/// See [`Quirks::managed_names_in_put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManagedNamesInPut {
    /// InvalidParameterException.
    Rejected,
    /// Taken and ignored.
    Accepted,
}

/// See [`Quirks::cluster_namespace`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterNamespace {
    /// By an ARN that ends in an id, not in the name.
    Arn,
    /// As it was sent.
    AsSent,
}

/// See [`Quirks::existing_cluster`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExistingCluster {
    /// The cluster is returned as it is.
    Returned,
    /// ClientException.
    Rejected,
}

/// See [`Quirks::newer_accelerator_names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewerAcceleratorNames {
    /// The published enum is all there is.
    Rejected,
    /// The developer guide's examples work.
    Accepted,
}

/// See [`Quirks::launchable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Launchable {
    /// inf2 and trn1, on which AWS's pages agree.
    Agreed,
    /// Also trn1n, trn2 and trn2u.
    WithTrainium2,
    /// Also inf1.
    EveryNeuronType,
}

/// See [`Quirks::price_protection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceProtection {
    /// None.
    Off,
    /// Twenty per cent over the cheapest, as EC2 has it.
    LikeEc2,
}

/// See [`Quirks::crash_after_running`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashAfterRunning {
    /// Only tasks that never ran, or failed a health check, count.
    NotAFailure,
    /// Every task that ends by itself counts.
    AFailure,
}

/// See [`Quirks::default_strategy_on_delete`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultStrategyOnDelete {
    /// The deletion is refused.
    Refused,
    /// The deletion goes on.
    Allowed,
}

/// See [`Quirks::neuron_override`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeuronOverride {
    /// InvalidParameterException.
    Rejected,
    /// The override applies.
    Accepted,
}

/// See [`Quirks::device_defaults`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceDefaults {
    /// Described as it was registered.
    AsSent,
    /// Filled in.
    Filled,
}

/// See [`Quirks::group_template`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupTemplate {
    /// Creating and updating a group tries a dry run: an unknown image is a ValidationError.
    Checked,
    /// Only that the template and the version exist; the rest fails at launch.
    CheckedAtLaunch,
}

/// See [`Quirks::deregistered_image`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeregisteredImage {
    /// InvalidAMIID.NotFound.
    NotFound,
    /// InvalidAMIID.Unavailable.
    Unavailable,
}

/// See [`Quirks::trainium2_memory`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trainium2Memory {
    /// 512 GiB for each device, as in the table that AWS generates from the API.
    AsTable,
    /// 96 GiB, as a chip has.
    AsChip,
}

/// See [`Quirks::trn2u_neuron_info`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trn2uNeuronInfo {
    /// There is none, as in the table that AWS generates from the API.
    Absent,
    /// Like trn2.
    Present,
}

/// See [`Quirks::type_names_with_max_results`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeNamesWithMaxResults {
    /// InvalidParameterCombination.
    Rejected,
    /// Pages of the named types.
    Accepted,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            omitted_on_update: OmittedOnUpdate::Reset,
            neuron_resource: NeuronResource::StringSet,
            strategy_alone: StrategyAlone::NoDeployment,
            managed_names_in_put: ManagedNamesInPut::Rejected,
            existing_cluster: ExistingCluster::Returned,
            cluster_namespace: ClusterNamespace::Arn,
            newer_accelerator_names: NewerAcceleratorNames::Rejected,
            launchable: Launchable::Agreed,
            price_protection: PriceProtection::Off,
            crash_after_running: CrashAfterRunning::NotAFailure,
            default_strategy_on_delete: DefaultStrategyOnDelete::Refused,
            neuron_override: NeuronOverride::Rejected,
            device_defaults: DeviceDefaults::AsSent,
            group_template: GroupTemplate::Checked,
            deregistered_image: DeregisteredImage::NotFound,
            trainium2_memory: Trainium2Memory::AsTable,
            trn2u_neuron_info: Trn2uNeuronInfo::Absent,
            type_names_with_max_results: TypeNamesWithMaxResults::Rejected,
            read_lag_seconds: 0,
            inactive_service_seconds: 3600,
            inactive_provider_seconds: 600,
            inactive_cluster_seconds: 3600,
            scale_in_seconds: 300,
            group_provider_creation: GroupProviderCreation::Asynchronous,
            stopping_counts: StoppingCounts::UntilStopped,
            task_group_counts: TaskGroupCounts::DesiredRunning,
            provisioning_limit_seconds: None,
            first_scale_out: 2,
            scale_in_points: 15,
            recreated_parameter: RecreatedParameter::Refused,
            lost_task_code: LostTaskCode::TerminationNotice,
            stopped_task_tags: StoppedTaskTags::Gone,
            started_by_with_status: StartedByWithStatus::Accepted,
            lagging_lists: LaggingLists::Never,
            page_marks: PageMarks::Item,
            short_pages: None,
            log_lag_seconds: 5,
            empty_log_pages: EmptyLogPages::First,
        }
    }
}
