//! A small AWS that speaks the wire protocol: Amazon ECS (with Managed Instances and Neuron devices), the part of EC2
//! and Auto Scaling that runs its container instances, the parameters of Systems Manager, the log streams of CloudWatch, and STS identity. For tests in virtual time and for users without an account.
//!
//! It is written from AWS's documents and service models and depends on nothing else of this workspace, so that it cannot
//! share our misunderstandings. What it does not model it refuses with the code `NotModelledBySimulator`.

mod autoscaling;
mod aws;
mod behaviour;
mod catalog;
pub mod connector;
mod disturb;
mod ec2;
mod ecs;
mod engine;
mod ids;
mod logs;
mod options;
mod quirks;
mod record;
mod shared;
mod socket;
mod ssm;
mod stages;
mod state;
mod sts;
mod tasks;
mod throttle;
mod wire;
mod world;

pub use aws::Aws;
pub use behaviour::{Acts, AlarmState, Behaviour, HookActs, Reservation, Shortage};
pub use disturb::Disturbance;
pub use ec2::image::{Image, ImageActs, ImageState};
pub use ec2::{Loss, RunningGroup, RunningMachine};
pub use options::{LogGroups, Options};
pub use quirks::{
    ClusterNamespace, CrashAfterRunning, DefaultStrategyOnDelete, DeregisteredImage, DeviceDefaults, EmptyLogPages,
    ExistingCluster, GroupProviderCreation, GroupTemplate, LaggingLists, Launchable, LostTaskCode, ManagedNamesInPut,
    NeuronOverride, NeuronResource, NewerAcceleratorNames, OmittedOnUpdate, PageMarks, PriceProtection, Quirks,
    RecreatedParameter, StartedByWithStatus, StoppedTaskTags, StoppingCounts, StrategyAlone, TaskGroupCounts,
    Trainium2Memory, Trn2uNeuronInfo, TypeNamesWithMaxResults,
};
pub use record::{Breach, Call, LiveTask, LoneTurn, Stopping, Turn, Violation};
pub use shared::{Clock, Shared};
pub use socket::serve;
pub use throttle::Throttling;
pub use wire::{
    fault::{Fault, NOT_MODELLED},
    shape::breaches,
};
pub use world::{Connection, Health, World};
