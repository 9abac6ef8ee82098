//! Why something is not done now, as data: `judge` turns it into conditions, the command line into text.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::wait_texts::{changed, compile, gone, image, kept, quarantined, retry, rolled_back, subnets, surplus};
use super::{Deviation, JobWait, PruneBlock};
use crate::cloud::CloudError;
use crate::spec::ObjectKey;
use crate::step::Resource;

/// An object and what it waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Waiting {
    /// Who waits.
    pub object: ObjectKey,
    /// For what.
    #[serde(flatten)]
    pub on: Wait,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "waitsFor", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Wait {
    /// Nothing was read yet about a place.
    NotRead {
        /// What is to be read, in words.
        what: String,
    },
    /// A call on the same resource is being made.
    InFlight {
        /// Which.
        operation: &'static str,
    },
    /// Another step of this plan writes the same resource first.
    Turn {
        /// Which.
        resource: Resource,
    },
    /// The cluster is not ready to be used.
    Cluster {
        /// Cluster name.
        cluster: String,
        /// What it is instead.
        status: String,
    },
    /// A capacity provider is not ready to be used.
    Provider {
        /// Provider name.
        provider: String,
        /// What it is instead.
        status: String,
        /// AWS's reason, if it gives one.
        reason: Option<String>,
    },
    /// Another object must be resolved first.
    Object {
        /// Which.
        object: ObjectKey,
    },
    /// A job must have compiled the model first.
    Compile {
        /// Which.
        job: ObjectKey,
        /// How its run has ended, if it was not complete.
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<String>,
    },
    /// A revision of the task definition is about to exist.
    Revision {
        /// Family.
        family: String,
    },
    /// Something that is not ours has the name.
    NameTaken {
        /// What has it.
        resource: Resource,
        /// Whose it is, in words.
        owner: String,
    },
    /// A deleted service still stops its tasks; its name is not free yet.
    Draining {
        /// Cluster name.
        cluster: String,
        /// Service name.
        service: String,
    },
    /// A capacity provider still has users.
    InUse {
        /// Provider name.
        provider: String,
        /// Services that use it.
        by: Vec<String>,
    },
    /// A replacement must be steady before the old one goes.
    Replacement {
        /// What goes then.
        resource: Resource,
    },
    /// Tasks have their places in other ECS services now, and must be healthy there before these go.
    Surplus {
        /// The ECS service that still has them.
        resource: Resource,
        /// How many tasks.
        tasks: u32,
    },
    /// A cluster still has something in it.
    NotEmpty {
        /// Cluster name.
        cluster: String,
        /// What is in it, in words.
        contents: String,
    },
    /// A step failed; the next try has its time.
    Retry {
        /// What AWS answered.
        error: CloudError,
        /// Failures in a row.
        attempts: u32,
        /// When it is tried again.
        not_before: Timestamp,
    },
    /// The step has been made; readings do not show it yet.
    ReadLag {
        /// Which call.
        operation: &'static str,
        /// When it was accepted.
        since: Timestamp,
    },
    /// ECS has rolled this very specification back. It is not tried again until the specification changes.
    RolledBack {
        /// ECS's reason.
        reason: String,
    },
    /// An Auto Scaling group cannot be used now.
    Group {
        /// Group name.
        group: String,
        /// What Auto Scaling says of it.
        status: String,
    },
    /// Subnets of a pool do not exist.
    Subnets {
        /// Group name.
        group: String,
        /// Ids of those that EC2 does not know.
        missing: Vec<String>,
    },
    /// The source of an image leads nowhere; the last good one stays in force.
    Image {
        /// What is wrong with it.
        problem: String,
        /// The image that stays in force, if there is one.
        kept: Option<String>,
    },
    /// A rollout has failed with this image or these contents. They are not tried again until something newer appears.
    Quarantined {
        /// What failed.
        what: String,
        /// The launch template whose tag says so.
        template: String,
        /// The image that is in force instead.
        kept: Option<String>,
    },
    /// Instances are being replaced.
    Rollout {
        /// Group name.
        group: String,
        /// What is waited for, in words.
        what: String,
    },
    /// New instances and their tasks are watched before the next one is replaced.
    Soak {
        /// Group name.
        group: String,
        /// Until when.
        until: Timestamp,
    },
    /// Instances are out of date, and no maintenance window is open.
    Window {
        /// Group name.
        group: String,
        /// When the next one opens.
        opens: Timestamp,
    },
    /// Fewer or more replicas at once would break the budget of the service.
    Budget {
        /// ECS service that waits.
        service: String,
        /// Replicas that are available.
        available: u32,
        /// Those of them that ECS surely counts as healthy.
        healthy: u32,
        /// Fewest that must be.
        floor: u32,
        /// Tasks that there are.
        total: u32,
        /// Most that there may be.
        ceiling: u32,
    },
    /// Replicas have no devices.
    Devices {
        /// How many.
        replicas: u32,
        /// Why, in words.
        why: String,
    },
    /// A person has suspended the object.
    Suspended,
    /// Writing is switched off.
    ReadOnly {
        /// What would be called.
        operation: &'static str,
    },
    /// Removing what is no longer declared is not allowed now.
    PruneBlocked {
        /// Why.
        why: PruneBlock,
        /// Names of objects that would go, if they were counted.
        #[serde(skip_serializing_if = "String::is_empty")]
        which: String,
        /// What would be removed.
        resource: Resource,
    },
    /// Somebody else has changed it, and that is only reported.
    Drift {
        /// What was changed.
        resource: Resource,
        /// Its fields.
        fields: Vec<Deviation>,
    },
    /// Somebody else has removed it, and that is only reported.
    Gone {
        /// What is missing.
        resource: Resource,
    },
    /// Something of a job.
    Job(JobWait),
}

impl Wait {
    /// Whether nothing is wrong meanwhile, because the specification wants it so: it goes on by itself at a time that was
    /// chosen, or is only to be reported.
    pub const fn is_planned(&self) -> bool {
        if let Self::Job(wait) = self {
            return wait.is_planned();
        }
        matches!(self, Self::Window { .. } | Self::Drift { .. })
    }

    /// Whether time alone can end this, without a person, and soon enough to wait for it.
    pub const fn passes(&self) -> bool {
        match self {
            Self::NotRead { .. }
            | Self::InFlight { .. }
            | Self::Turn { .. }
            | Self::Cluster { .. }
            | Self::Provider { .. }
            | Self::Object { .. }
            | Self::Compile { failure: None, .. }
            | Self::Revision { .. }
            | Self::Draining { .. }
            | Self::InUse { .. }
            | Self::Replacement { .. }
            | Self::Surplus { .. }
            | Self::NotEmpty { .. }
            | Self::Retry { .. }
            | Self::Group { .. }
            | Self::Rollout { .. }
            | Self::Soak { .. }
            | Self::Budget { .. }
            | Self::ReadLag { .. } => true,
            Self::Job(wait) => wait.passes(),
            Self::NameTaken { .. }
            | Self::Compile { failure: Some(_), .. }
            | Self::Subnets { .. }
            | Self::Image { .. }
            | Self::Quarantined { .. }
            | Self::Window { .. }
            | Self::Devices { .. }
            | Self::RolledBack { .. }
            | Self::Suspended
            | Self::ReadOnly { .. }
            | Self::Drift { .. }
            | Self::Gone { .. }
            | Self::PruneBlocked { .. } => false,
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRead { what } => write!(f, "waits for the first reading of {what}"),
            Self::InFlight { operation } => write!(f, "{operation} is being called"),
            Self::Turn { resource } => write!(f, "waits for the step before it on {resource}"),
            Self::Cluster { cluster, status } => write!(f, "waits for cluster {cluster}, which is {status}"),
            Self::Provider { provider, status, reason } => {
                write!(f, "waits for capacity provider {provider}, which is {status}")?;
                reason.as_ref().map_or(Ok(()), |reason| write!(f, " ({reason})"))
            }
            Self::Object { object } => write!(f, "waits for {object}"),
            Self::Compile { job, failure } => f.write_str(&compile(job, failure.as_deref())),
            Self::Revision { family } => write!(f, "waits for a revision of task definition {family}"),
            Self::NameTaken { resource, owner } => write!(
                f,
                "{resource} exists and {owner}; it is left alone. Choose another name, or set the annotation neuron.ecs/adopt to take it over"
            ),
            Self::Draining { cluster, service } => {
                write!(
                    f,
                    "waits for the deleted service {cluster}/{service} to stop its tasks; its name is not free yet"
                )
            }
            Self::InUse { provider, by } => {
                write!(f, "capacity provider {provider} stays until {} no longer use it", by.join(", "))
            }
            Self::Replacement { resource } => write!(f, "{resource} stays until its replacement is steady"),
            Self::Surplus { resource, tasks } => f.write_str(&surplus(resource, *tasks)),
            Self::NotEmpty { cluster, contents } => write!(f, "cluster {cluster} stays while it holds {contents}"),
            Self::Retry { error, attempts, not_before } => f.write_str(&retry(error, *attempts, *not_before)),
            Self::ReadLag { operation, since } => {
                write!(f, "{operation} was sent at {since:.0}; waits for AWS to show what came of it")
            }
            Self::RolledBack { reason } => f.write_str(&rolled_back(reason)),
            Self::Group { group, status } => write!(f, "waits for Auto Scaling group {group}: {status}"),
            Self::Subnets { group, missing } => f.write_str(&subnets(group, missing)),
            Self::Image { problem, kept } => f.write_str(&image(problem, kept.as_deref())),
            Self::Quarantined { what, template, kept } => f.write_str(&quarantined(what, template, kept.as_deref())),
            Self::Rollout { group, what } => write!(f, "instances of {group} are being replaced: {what}"),
            Self::Soak { group, until } => {
                write!(f, "instances of {group} are being replaced: new ones are watched until {until:.0}")
            }
            Self::Window { group, opens } => {
                write!(f, "instances of {group} are out of date; the next maintenance window opens at {opens:.0}")
            }
            Self::Budget { service, available, healthy, floor, total, ceiling } => write!(
                f,
                "{service} waits for its turn: {available} replicas are available, {healthy} of them healthy, and {floor} must \
                 be, {total} tasks of at most {ceiling} exist"
            ),
            Self::Devices { replicas, why } => {
                write!(f, "{replicas} replicas have no Neuron devices ({why}); raise maxSize or ask for less")
            }
            Self::Drift { resource, fields } => f.write_str(&changed(resource, fields)),
            Self::Gone { resource } => f.write_str(&gone(resource)),
            Self::Suspended => f.write_str("suspended by the annotation neuron.ecs/suspend"),
            Self::ReadOnly { operation } => write!(f, "{operation} is due, but writing is switched off"),
            Self::Job(wait) => wait.fmt(f),
            Self::PruneBlocked { why, which, resource } => f.write_str(&kept(resource, &why.in_words(which))),
        }
    }
}
