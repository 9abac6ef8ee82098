//! What is true about the EC2 path: images, launch templates, Auto Scaling groups and their machines.
//!
//! Part of `observe`; the container instances that ECS sees on the machines are there. Readings without opinion: which
//! image is good and which machine is out of date is decided by [`crate::plan`].

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::ownership::Tags;
use crate::shape;

/// Where an AMI comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ImageSource {
    /// The name of an SSM parameter. It holds the JSON document of AWS's public parameters, or nothing but an image id.
    Parameter(String),
    /// An image id, `ami-…`.
    Id(String),
}

impl std::fmt::Display for ImageSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Parameter(name) => write!(f, "SSM parameter {name}"),
            Self::Id(id) => write!(f, "image {id}"),
        }
    }
}

/// What a source led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageAnswer {
    /// An image that EC2 describes.
    Found(Image),
    /// No image: the parameter does not exist, cannot be understood, or names an image that EC2 does not know.
    Dangling {
        /// What was found instead, as evidence.
        evidence: String,
    },
}

/// An Amazon Machine Image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// `ami-…`.
    pub id: String,
    /// Its name, for instance `al2023-ami-ecs-neuron-hvm-2023.0.20260922-kernel-6.1-x86_64`.
    pub name: Option<String>,
    /// Version of the ECS agent in it, as the SSM parameter tells.
    pub agent_version: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// From when on it is deprecated.
    pub deprecated: Option<Timestamp>,
    /// `state`, AWS's own word; only `available` images can be launched.
    pub state: String,
    /// `architecture`, AWS's own word.
    pub architecture: String,
    /// Device name of its root volume, for instance `/dev/xvda`.
    pub root_device: Option<String>,
}

/// What EC2 knows of the id of a subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubnetAnswer {
    /// The subnet is there.
    Found {
        /// Its Availability Zone, for instance `us-east-1a`.
        zone: String,
    },
    /// There is none of this id in the account and Region.
    Missing,
}

/// A launch template with its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// `lt-…`.
    pub id: String,
    /// Its name, unique in account and Region.
    pub name: String,
    /// Tags.
    pub tags: Tags,
    /// Its versions, oldest first.
    pub versions: Vec<TemplateVersion>,
}

/// One version of a launch template. Versions never change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateVersion {
    /// Number, 1 and up.
    pub number: i64,
    /// `VersionDescription`. Axon writes the fingerprint of the contents there.
    pub description: Option<String>,
    /// The image that it launches, if it names one.
    pub image: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
}

/// An Auto Scaling group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name, unique in account and Region.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Everything that `UpdateAutoScalingGroup` could change, as it stands.
    pub settings: shape::scaling_group::UpdateAutoScalingGroup,
    /// How many instances it should have.
    pub desired: i32,
    /// `Status`: set while the group is being deleted.
    pub status: Option<String>,
    /// Its instances.
    pub members: Vec<GroupMember>,
    /// Tags.
    pub tags: Tags,
    /// The newest scaling activities, newest first; read while the group lacks instances or has some of different versions of
    /// its template, otherwise empty.
    pub activities: Vec<Activity>,
}

/// How long EC2 refuses one instance type before replicas that wait for it go to another.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// How long after an instance has left its group there is a data point of CapacityProviderReservation without it, which the alarm
/// has seen: one is published each minute, and an alarm is evaluated each minute. Source: "Amazon ECS managed scaling behavior".
const COUNTED: SignedDuration = SignedDuration::from_mins(3);

impl Group {
    /// Instances that count towards the desired capacity.
    pub fn staying(&self) -> i32 {
        let counts = |lifecycle: &str| lifecycle.starts_with("Pending") || lifecycle == "InService";
        let staying = self.members.iter().filter(|member| counts(&member.lifecycle)).count();
        i32::try_from(staying).unwrap_or(i32::MAX)
    }

    /// The newest activities, as long as EC2 had nothing to give, newest first; none if no instance is missing.
    pub fn refusals(&self) -> Vec<&Activity> {
        if self.staying() >= self.desired {
            return Vec::new();
        }
        self.activities.iter().take_while(|activity| activity.is_refusal()).collect()
    }

    /// Whether managed scaling has counted the group without the instances that have left it. The alarm that took them is over
    /// then, and an instance more stays for the quarter of an hour that the next alarm takes.
    pub fn is_counted(&self, now: Timestamp) -> bool {
        let mut left = self.activities.iter().filter(|activity| activity.is_termination());
        left.all(|activity| activity.ended.is_some_and(|at| now.duration_since(at) >= COUNTED))
    }

    /// Whether EC2 has had nothing to give for long enough to look elsewhere: for five minutes, or as often as was read.
    pub fn is_short(&self) -> bool {
        let refusals = self.refusals();
        let (Some(newest), Some(oldest)) = (refusals.first(), refusals.last()) else { return false };
        let patience = newest.started.zip(oldest.started).is_some_and(|(to, from)| to.duration_since(from) >= PATIENCE);
        patience || i32::try_from(refusals.len()).is_ok_and(|count| count >= NEWEST_ACTIVITIES)
    }
}

/// An instance of a group (Auto Scaling `Instance`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// `i-…`.
    pub id: String,
    /// Its type.
    pub instance_type: Option<String>,
    /// Availability Zone.
    pub zone: String,
    /// `LifecycleState`, AWS's own word (`Pending`, `InService`, `Terminating:Wait` …).
    pub lifecycle: String,
    /// `HealthStatus` is `Healthy`.
    pub healthy: bool,
    /// Whether scale-in leaves it alone.
    pub protected: bool,
    /// The launch template that it was launched from (`lt-…`).
    pub template: Option<String>,
    /// Version of that launch template.
    pub template_version: Option<String>,
}

/// How many activities of a group are read: the newest.
pub const NEWEST_ACTIVITIES: i32 = 10;

/// A scaling activity of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// `StatusCode`, AWS's own word (`Failed`, `InProgress`, `Successful` …).
    pub status: String,
    /// `StatusMessage`: why it failed.
    pub message: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// Words in the StatusMessage of a scaling activity that mean: EC2 has no such instance to give. The first is
/// InsufficientInstanceCapacity ("We currently do not have sufficient … capacity"), the second Spot capacity, the third a
/// quota (VcpuLimitExceeded). Source: "Troubleshoot Amazon EC2 Auto Scaling: EC2 instance launch failures".
const NO_CAPACITY: [&str; 3] =
    ["not have sufficient", "no Spot capacity", "vCPU capacity than your current vCPU limit"];

impl Activity {
    /// Whether an instance leaves. The description is AWS's ("Verify a scaling activity for an Auto Scaling group").
    pub fn is_termination(&self) -> bool {
        self.description.as_deref().is_some_and(|text| text.starts_with("Terminating EC2 instance"))
    }

    /// Whether EC2 had no instance to give.
    pub fn is_refusal(&self) -> bool {
        let message = self.message.as_deref().unwrap_or_default();
        self.status == "Failed" && NO_CAPACITY.iter().any(|words| message.contains(words))
    }
}

/// An EC2 instance of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// `i-…`.
    pub id: String,
    /// The image that it runs.
    pub image: Option<String>,
    /// `State.Name`, AWS's own word (`pending`, `running`, `shutting-down`, `terminated` …).
    pub state: String,
    /// When it was launched.
    pub launched: Option<Timestamp>,
    /// Its first private IPv4 address, by which others of its VPC reach it.
    pub address: Option<String>,
    /// Tag `aws:autoscaling:groupName`.
    pub group: Option<String>,
    /// Tags.
    pub tags: Tags,
}
