//! Every finding Axon can make about what users wrote: one table of numbers, severities and titles.
//!
//! Neighbours: `parse` and `validate` use the codes, `crates/core/pages` holds one page for each.
//! Not here: the texts of single findings. A number is never given to another meaning.

use std::fmt;

use super::Severity;

macro_rules! codes {
    ($($name:ident = $number:literal, $severity:ident, $title:literal;)+) => {
        /// The number of a finding. AX01xx is about reading YAML, AX02xx about identity, references and tags, AX03xx
        /// about pools, AX04xx about devices, AX05xx about tasks, AX06xx about services, AX07xx about overrides, AX08xx
        /// about jobs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = concat!($number, ": ", $title, ".")] $name,)+
        }

        impl Code {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The number, such as `AX0101`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $number,)+
                }
            }

            /// What the finding is about, in a few words.
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)+
                }
            }

            /// Whether the object can be used in spite of it.
            pub const fn severity(self) -> Severity {
                match self {
                    $(Self::$name => Severity::$severity,)+
                }
            }

            /// The page behind the code, as Markdown.
            pub const fn page(self) -> &'static str {
                match self {
                    $(Self::$name => include_str!(concat!("../../pages/", $number, ".md")),)+
                }
            }
        }
    };
}

codes! {
    YamlSyntax = "AX0101", Error, "The text is not YAML";
    TooLarge = "AX0102", Error, "The file or document is too large";
    AnchorOrAlias = "AX0103", Error, "Anchors, aliases, tags and merge keys are not read";
    DuplicateKey = "AX0104", Error, "A key occurs twice";
    NotAnObject = "AX0105", Error, "The document is not an object of Axon";
    UnknownApiVersion = "AX0106", Error, "Unknown apiVersion";
    UnknownKind = "AX0107", Error, "Unknown kind";
    UnknownField = "AX0108", Error, "Unknown field";
    MissingField = "AX0109", Error, "A required field is missing";
    WrongType = "AX0110", Error, "A value has the wrong type";
    UnknownValue = "AX0111", Error, "A value is not one of the allowed ones";
    OutOfRange = "AX0112", Error, "A number is out of range";
    BadDuration = "AX0113", Error, "A duration cannot be read";
    EmptyValue = "AX0114", Error, "A field has no value";
    ControlCharacter = "AX0115", Error, "A control character in a text";
    BadName = "AX0201", Error, "A name has characters ECS does not accept";
    DuplicateObject = "AX0202", Error, "Two documents declare the same object";
    UnknownPool = "AX0203", Error, "The service names a pool that does not exist";
    UnknownCluster = "AX0204", Error, "The pool names a cluster that does not exist";
    BadAnnotation = "AX0205", Error, "An annotation of Axon has a value it does not know";
    DifferentClusters = "AX0206", Error, "The pools of a service belong to different clusters";
    ReservedTag = "AX0207", Error, "A tag uses a reserved prefix";
    BadTag = "AX0208", Error, "A tag has characters or a length AWS does not accept";
    TooManyTags = "AX0209", Error, "Too many tags";
    BadArn = "AX0210", Error, "An ARN does not name what is needed here";
    BadResourceId = "AX0211", Error, "A resource id has the wrong form";
    UnusedObject = "AX0212", Warning, "Nothing uses this object";
    BadPointer = "AX0213", Error, "A text is no JSON pointer";
    PointerToNothing = "AX0214", Error, "A pointer leads to nothing that is compared";
    RoleRefused = "AX0215", Error, "A role that the operator does not let specifications pass";
    ReservedPoolName = "AX0302", Error, "The name of a pool begins with a reserved word";
    PoolNameTooLong = "AX0303", Error, "The name of a pool is too long";
    NoMatchingType = "AX0304", Error, "No Neuron instance type meets the requirements";
    AllowedAndExcluded = "AX0305", Error, "allowedInstanceTypes and excludedInstanceTypes together";
    AcceleratorNameUnsure = "AX0306", Warning, "ECS may not know this accelerator name";
    Inf1OnManaged = "AX0307", Error, "Inf1 cannot run on Managed Instances";
    LaunchUnconfirmed = "AX0308", Warning, "It is not confirmed that Managed Instances launch this type";
    StorageSize = "AX0309", Error, "The data volume has an impossible size";
    ReservationMismatch = "AX0311", Error, "capacityOption and reservations do not fit";
    ScaleInRange = "AX0312", Error, "scaleInAfter is longer than an hour";
    ScaleInNever = "AX0313", Warning, "Idle Neuron instances are never terminated";
    InstanceRoleName = "AX0314", Warning, "AWS's managed policy does not pass this instance role";
    RangeReversed = "AX0315", Error, "A range ends before it begins";
    NoSubnets = "AX0316", Error, "The pool has no subnets";
    TooManyPatterns = "AX0317", Error, "A list of instance types is too long";
    AcceleratorTypeUnsure = "AX0318", Warning, "Whether Trainium counts as an inference accelerator is not documented";
    SpotUnavailable = "AX0319", Error, "None of the matching types is sold as Spot";
    NoLocalStorage = "AX0320", Error, "localStorage without instance store";
    PriceProtection = "AX0321", Warning, "The price limit excludes larger sizes";
    CapacityChoice = "AX0322", Error, "Give either managedInstances or autoScalingGroup";
    TypeChoice = "AX0323", Error, "Give either instanceTypes or instanceRequirements";
    UnknownInstanceType = "AX0324", Error, "Not a Neuron instance type that Axon knows";
    DuplicateInstanceType = "AX0325", Error, "An instance type is named twice";
    AmiChoice = "AX0326", Error, "An image is named in several ways";
    BadAmi = "AX0327", Error, "The name of an image or its parameter cannot be right";
    ReservedOnGroup = "AX0328", Error, "Auto Scaling groups do not use capacity reservations";
    RootVolumeSettings = "AX0329", Error, "The settings of the root volume do not fit together";
    NoEfa = "AX0330", Error, "An instance type without Elastic Fabric Adapter";
    BadPlacementGroup = "AX0331", Error, "The name of a placement group cannot be right";
    BadAttribute = "AX0332", Error, "An attribute of instances that ECS does not accept";
    UserData = "AX0333", Error, "userData cannot be run";
    ScalingRange = "AX0334", Error, "A setting of the scaling is out of range";
    RolloutSetting = "AX0335", Error, "A setting of the rollout cannot work";
    WindowsUnused = "AX0336", Warning, "Windows for a rollout that never happens";
    RequirementUnused = "AX0337", Warning, "A requirement that has no effect on Auto Scaling groups";
    ReservedMemory = "AX0338", Error, "The agent keeps all memory of an instance";
    DeviceCountNeedsOneType = "AX0402", Error, "A number of devices needs a pool with one instance type";
    DeviceCountImpossible = "AX0403", Error, "This number of devices cannot be given out on the instance type";
    TwoNeuronContainers = "AX0404", Error, "Two containers want the Neuron devices";
    NoNeuronContainer = "AX0405", Error, "No container gets the Neuron devices";
    DevicesByHand = "AX0406", Error, "Neuron devices are written by hand";
    BothDeviceModes = "AX0407", Error, "Both ways to give out devices in one task definition";
    VisibleDevicesEnv = "AX0408", Warning, "AWS_NEURON_VISIBLE_DEVICES is not for Axon's containers";
    TooManyCores = "AX0409", Error, "The model is split over more cores than any matching type has";
    MayLackCores = "AX0410", Warning, "The type ECS is likely to choose has too few cores";
    OversizedInstance = "AX0411", Warning, "The replica would occupy far more chips than it uses";
    TaskTooLarge = "AX0412", Error, "The task does not fit on any matching type";
    CpuOverTen = "AX0413", Warning, "AWS's documents disagree on more than 10 vCPU per task";
    MixedChipCounts = "AX0414", Warning, "Replicas may get instances with different numbers of chips";
    TypeNeverUsed = "AX0415", Warning, "An instance type of the pool is of no use to the service";
    TasksCouldMeet = "AX0416", Error, "Nothing keeps two tasks off the same Neuron devices";
    HostPortTaken = "AX0417", Error, "A port of the instance that is not free";
    OneReplicaPerInstance = "AX0418", Warning, "A fixed port allows one replica on each instance";
    ChipsWasted = "AX0419", Warning, "CPU or memory of the task leaves chips without work";
    MaxSizeTooSmall = "AX0420", Error, "The replicas need more instances than the pool may have";
    PoolOvercommitted = "AX0421", Warning, "The services of a pool need more devices than it may have";
    MixedDeviceModes = "AX0422", Error, "Both ways to give out devices on one pool";
    DeviceSets = "AX0423", Error, "A setting that works for one device set only";
    NoContainers = "AX0501", Error, "The task has no containers";
    TooManyContainers = "AX0502", Error, "The task has more than 10 containers";
    DuplicateContainer = "AX0503", Error, "Two containers have the same name";
    NoEssential = "AX0504", Error, "No container is essential";
    BadImage = "AX0505", Error, "The image name cannot be right";
    EnvAndSecret = "AX0506", Error, "A variable is both in env and in secrets";
    SecretNotArn = "AX0507", Error, "A secret is not an ARN of Secrets Manager or Parameter Store";
    NoExecutionRole = "AX0508", Error, "Secrets without an execution role";
    DuplicatePort = "AX0509", Error, "A port or the name of a port occurs twice";
    HostPortDiffers = "AX0510", Error, "hostPort differs from containerPort";
    HealthCheckRange = "AX0511", Error, "A number of the health check is out of range";
    UnknownDependency = "AX0512", Error, "dependsOn names a container that does not exist";
    DependencyCycle = "AX0513", Error, "Containers wait for one another in a circle";
    DependencyCondition = "AX0514", Error, "A condition the other container cannot reach";
    TimeoutRange = "AX0515", Error, "startTimeout or stopTimeout is too long";
    NotOnManaged = "AX0516", Error, "Managed Instances refuse this setting";
    LogOptions = "AX0517", Error, "The log settings do not fit the driver";
    UnknownVolume = "AX0518", Error, "A mount names a volume that does not exist";
    DuplicateVolume = "AX0519", Error, "Two volumes have the same name";
    VolumeKinds = "AX0520", Error, "A volume is of more than one kind";
    BadPath = "AX0521", Error, "A path is not absolute";
    HostPathReadOnly = "AX0522", Warning, "Managed Instances cannot write to this directory";
    ContainersExceedTask = "AX0523", Error, "Containers ask for more than the task has";
    UlimitReversed = "AX0524", Error, "The soft limit is above the hard limit";
    RestartPeriod = "AX0525", Error, "attemptPeriod is out of range";
    PortName = "AX0526", Error, "The name of a port has characters ECS does not accept";
    PoolChoice = "AX0601", Error, "Give either pool or pools";
    PoolShares = "AX0602", Error, "The shares of the pools cannot work";
    UnknownContainer = "AX0603", Error, "A target names a container that does not exist";
    UnknownPort = "AX0604", Error, "A target names a port the container does not have";
    TooManyTargets = "AX0605", Error, "More than 5 load balancers";
    NetworkLimits = "AX0606", Error, "Too many subnets or security groups";
    HostNetworking = "AX0607", Error, "Network settings that only AwsVpc has";
    NeverRolls = "AX0608", Error, "This deployment can never replace a task";
    StrategySetting = "AX0609", Error, "A setting of another deployment strategy";
    NoTrafficShift = "AX0610", Error, "Nothing can move traffic for this strategy";
    BakeTime = "AX0611", Error, "A bake time cannot be sent";
    StepPercent = "AX0612", Error, "A share of traffic is out of range";
    NoHealthSignal = "AX0613", Warning, "Nothing tells when the model is loaded";
    HookSettings = "AX0614", Error, "A lifecycle hook is incomplete";
    NoNamespace = "AX0615", Error, "Service Connect without a namespace";
    SurgeOnReserved = "AX0616", Warning, "A deployment may wait for reserved capacity that is not there";
    RegistryTarget = "AX0617", Error, "A service registry needs container and port together";
    PublicIpUnsure = "AX0618", Warning, "Public addresses on Managed Instances are not settled";
    NoAlarms = "AX0619", Error, "Alarms without names";
    RebalancingNeedsRoom = "AX0620", Error, "Rebalancing needs room for extra tasks";
    HostTargetType = "AX0621", Warning, "The target group must be of type instance";
    NameOfDiscovery = "AX0622", Error, "A Service Connect name cannot be used";
    ExecLogs = "AX0623", Error, "execute-command logs without a destination";
    MixedCapacity = "AX0624", Error, "Managed Instances and Auto Scaling groups in one service";
    OneGroupPool = "AX0625", Error, "A service on several pools of Auto Scaling groups";
    SpreadOnManaged = "AX0626", Error, "Managed Instances choose where tasks run";
    BridgeOnManaged = "AX0627", Error, "Managed Instances know no bridge network";
    PublicIpOnGroup = "AX0628", Error, "Tasks on EC2 instances get no public address";
    RebalancingNeedsSpread = "AX0629", Error, "Rebalancing needs replicas that spread over zones";
    NoRoomToRoll = "AX0630", Warning, "A deployment has no instance to start on";
    UnknownMember = "AX0701", Error, "An override AWS does not know";
    OwnedMember = "AX0702", Error, "An override of something Axon decides";
    RefusedMember = "AX0703", Error, "An override that is refused where the tasks run";
    OverrideContainer = "AX0704", Error, "An override of a container that does not exist";
    OverrideShape = "AX0705", Error, "An override has the wrong shape";
    JobAndService = "AX0801", Error, "A job and a service of one cluster have the same name";
    JobNameTooLong = "AX0802", Error, "The name of a job is too long";
    BadSchedule = "AX0803", Error, "A schedule cannot be read";
    NeverDue = "AX0804", Warning, "A schedule by which nothing ever runs";
    NoTime = "AX0805", Error, "A deadline that leaves no time";
    ParallelismUnused = "AX0806", Warning, "More tasks at once than there are";
    RetryRule = "AX0807", Error, "A rule of retryPolicy cannot work";
    RetryContainer = "AX0808", Error, "A rule of retryPolicy names a container that does not exist";
    UnknownJob = "AX0809", Error, "dependsOn names a job that does not exist";
    JobCycle = "AX0810", Error, "Jobs wait for one another in a circle";
    WaitsForSchedule = "AX0811", Error, "dependsOn names a job with a schedule";
    CheckpointVariable = "AX0812", Error, "The variable of a checkpoint cannot be used";
    CheckpointLocation = "AX0813", Error, "The location of checkpoints cannot be used";
    ReservedVariable = "AX0814", Error, "A container sets a variable that Axon sets";
    WorkDoesNotEnd = "AX0815", Error, "The container that does the work does not end the task";
    OutlivesInstance = "AX0816", Warning, "A job may take longer than Managed Instances live";
    AdoptUnused = "AX0817", Warning, "A job has nothing that could be adopted";
    GangOnManaged = "AX0818", Error, "A job of several nodes on Managed Instances";
    GangDevices = "AX0819", Error, "A node gets less than a whole instance";
    GangNetwork = "AX0820", Error, "Nodes without the network of their instance";
    GangSubnets = "AX0821", Error, "Nodes in several subnets";
    GangRoom = "AX0822", Error, "More nodes than the pool may have instances";
    GangRecords = "AX0823", Error, "A job of too many tasks";
    GangPort = "AX0824", Error, "A port of node 0 that cannot be used";
    GangUnused = "AX0825", Warning, "Settings for several nodes where there is one";
    GangFabric = "AX0826", Warning, "Nodes without EFA or a placement group";
    CompileCache = "AX0827", Error, "The compile cache cannot be used";
    CompileCommand = "AX0828", Error, "Compiling without a command";
    CompileByTag = "AX0829", Warning, "Compiling an image that is named by its tag";
    CompileJobTaken = "AX0830", Error, "The name of the job that compiles is taken";
}

impl Code {
    /// The code with this number; upper and lower case are the same.
    pub fn named(number: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(number))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
