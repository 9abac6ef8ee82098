//! The statements of the policies, as data: one row each, the narrowest that AWS can check.
//!
//! Neighbours: `scope` says which calls fall under a row; the parent module writes JSON. Sources: the Service
//! Authorization Reference and the pages on permissions in the guides of ECS, EC2 and EC2 Auto Scaling.

use super::Policy;
use super::scope::Scope;

/// One statement that allows something.
pub(super) struct Statement {
    pub(super) sid: &'static str,
    /// The policies that have it.
    pub(super) policies: &'static [Policy],
    pub(super) actions: Actions,
    pub(super) resources: &'static [&'static str],
    pub(super) conditions: &'static [Condition],
}

/// Where the actions of a statement come from.
#[derive(Clone, Copy)]
pub(super) enum Actions {
    /// The calls that Axon makes in this scope.
    Calls(Scope),
    /// These, which AWS checks on Axon's behalf.
    Named(&'static [&'static str]),
}

/// One condition; all of a statement must hold.
pub(super) struct Condition {
    pub(super) operator: &'static str,
    pub(super) key: &'static str,
    pub(super) values: &'static [&'static str],
}

const fn equals(key: &'static str, values: &'static [&'static str]) -> Condition {
    Condition { operator: "StringEquals", key, values }
}

const OPERATOR: &[Policy] = &[Policy::Operator];
/// In addition, for pools of Auto Scaling groups.
const GROUP_POOLS: &[Policy] = &[Policy::Groups];
/// In addition, for NeuronJobs.
const JOBS: &[Policy] = &[Policy::Jobs];
const ADOPTION: &[Policy] = &[Policy::Adoption];
/// In addition to the read-only one, for people.
const LOGS: &[Policy] = &[Policy::Logs];
const READERS: &[Policy] = &[Policy::Operator, Policy::ReadOnly];

const OURS: Condition = equals("aws:ResourceTag/neuron.ecs/managed-by", &["${Installation}"]);
const BORN_OURS: Condition = equals("aws:RequestTag/neuron.ecs/managed-by", &["${Installation}"]);
/// For what cannot be restricted by an ARN.
const IN_REGION: Condition = equals("aws:RequestedRegion", &["${AWS::Region}"]);

const EVERYTHING: &[&str] = &["*"];
const IN_ECS: &[&str] = &[
    "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:cluster/*",
    "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:capacity-provider/*",
    "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:task-definition/*",
    "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:service/*",
];
const LAUNCH_TEMPLATES: &[&str] = &["arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:launch-template/*"];
const RECORDS: &[&str] = &[
    "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/axon/${Installation}/jobs",
    "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/axon/${Installation}/jobs/*",
];
const GROUPS: &[&str] =
    &["arn:${AWS::Partition}:autoscaling:${AWS::Region}:${AWS::AccountId}:autoScalingGroup:*:autoScalingGroupName/*"];

/// Every statement.
pub(super) const TABLE: &[Statement] = &[
    Statement {
        sid: "Read",
        policies: READERS,
        actions: Actions::Calls(Scope::Listing),
        resources: EVERYTHING,
        conditions: &[],
    },
    Statement {
        sid: "ReadImageParameters",
        policies: READERS,
        actions: Actions::Calls(Scope::ImageParameters),
        // AWS's public parameters have no account; those under /axon/ are for images of one's own.
        resources: &[
            "arn:${AWS::Partition}:ssm:${AWS::Region}::parameter/aws/service/ecs/optimized-ami/*",
            "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/axon/*",
        ],
        conditions: &[],
    },
    Statement {
        sid: "ReadRecordsOfJobs",
        policies: READERS,
        actions: Actions::Calls(Scope::RecordsRead),
        resources: RECORDS,
        conditions: &[],
    },
    Statement {
        sid: "ReadLogsOfContainers",
        policies: LOGS,
        actions: Actions::Calls(Scope::LogStreams),
        resources: &["arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:*:log-stream:*"],
        conditions: &[],
    },
    Statement {
        sid: "CreateInEcs",
        policies: OPERATOR,
        actions: Actions::Calls(Scope::NewOfEcs),
        // AWS's pages disagree on whether clusters and task definitions can be named here; the tag holds either way.
        resources: EVERYTHING,
        conditions: &[BORN_OURS, IN_REGION],
    },
    Statement {
        sid: "TagWhatIsCreatedInEcs",
        policies: OPERATOR,
        actions: Actions::Calls(Scope::TagsOfNewInEcs),
        resources: IN_ECS,
        conditions: &[
            equals(
                "ecs:CreateAction",
                &["CreateCluster", "CreateCapacityProvider", "RegisterTaskDefinition", "CreateService"],
            ),
            BORN_OURS,
        ],
    },
    Statement {
        sid: "ChangeOursInEcs",
        policies: OPERATOR,
        actions: Actions::Calls(Scope::OursInEcs),
        resources: IN_ECS,
        conditions: &[OURS],
    },
    Statement {
        sid: "RetireRevisions",
        policies: OPERATOR,
        actions: Actions::Calls(Scope::Revisions),
        resources: EVERYTHING,
        conditions: &[IN_REGION],
    },
    Statement {
        sid: "DrainInstances",
        policies: GROUP_POOLS,
        actions: Actions::Calls(Scope::ContainerInstances),
        resources: &["arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:container-instance/*"],
        conditions: &[],
    },
    Statement {
        sid: "CreateLaunchTemplates",
        policies: GROUP_POOLS,
        actions: Actions::Calls(Scope::NewLaunchTemplate),
        resources: LAUNCH_TEMPLATES,
        conditions: &[BORN_OURS],
    },
    Statement {
        sid: "ChangeOurLaunchTemplates",
        policies: GROUP_POOLS,
        actions: Actions::Calls(Scope::OurLaunchTemplates),
        resources: LAUNCH_TEMPLATES,
        conditions: &[OURS],
    },
    Statement {
        sid: "TagWhatIsCreatedInEc2",
        policies: GROUP_POOLS,
        actions: Actions::Calls(Scope::TagsOfNewInEc2),
        resources: &[
            "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:launch-template/*",
            "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:instance/*",
            "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:volume/*",
        ],
        conditions: &[equals("ec2:CreateAction", &["CreateLaunchTemplate", "RunInstances"]), BORN_OURS],
    },
    Statement {
        sid: "CreateGroups",
        policies: GROUP_POOLS,
        actions: Actions::Calls(Scope::NewGroup),
        resources: GROUPS,
        conditions: &[BORN_OURS],
    },
    Statement {
        sid: "ChangeOurGroups",
        policies: GROUP_POOLS,
        actions: Actions::Calls(Scope::OurGroups),
        resources: GROUPS,
        conditions: &[OURS],
    },
    Statement {
        sid: "RecordJobs",
        policies: JOBS,
        actions: Actions::Calls(Scope::Records),
        resources: RECORDS,
        conditions: &[],
    },
    Statement {
        sid: "RunTasksOfOurRevisions",
        policies: JOBS,
        actions: Actions::Calls(Scope::NewTasks),
        resources: &["arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:task-definition/*"],
        conditions: &[OURS],
    },
    Statement {
        sid: "TagTasks",
        policies: JOBS,
        actions: Actions::Calls(Scope::TagsOfNewTasks),
        resources: &["arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:task/*"],
        conditions: &[equals("ecs:CreateAction", &["RunTask"])],
    },
    Statement {
        sid: "StopOurTasks",
        policies: JOBS,
        actions: Actions::Calls(Scope::OurTasks),
        resources: &["arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:task/*"],
        conditions: &[OURS],
    },
    // A group with a launch template may be made by whoever may launch from it.
    Statement {
        sid: "LaunchFromOurTemplates",
        policies: GROUP_POOLS,
        actions: Actions::Named(&["ec2:RunInstances"]),
        resources: LAUNCH_TEMPLATES,
        conditions: &[OURS],
    },
    Statement {
        sid: "LaunchOnlyFromTemplates",
        policies: GROUP_POOLS,
        actions: Actions::Named(&["ec2:RunInstances"]),
        resources: &[
            "arn:${AWS::Partition}:ec2:${AWS::Region}::image/*",
            "arn:${AWS::Partition}:ec2:${AWS::Region}:*:instance/*",
            "arn:${AWS::Partition}:ec2:${AWS::Region}:*:key-pair/*",
            "arn:${AWS::Partition}:ec2:${AWS::Region}:*:network-interface/*",
            "arn:${AWS::Partition}:ec2:${AWS::Region}:*:placement-group/*",
            "arn:${AWS::Partition}:ec2:${AWS::Region}:*:security-group/*",
            "arn:${AWS::Partition}:ec2:${AWS::Region}:*:subnet/*",
            "arn:${AWS::Partition}:ec2:${AWS::Region}:*:volume/*",
        ],
        conditions: &[Condition { operator: "ArnLike", key: "ec2:LaunchTemplate", values: LAUNCH_TEMPLATES }],
    },
    // Whoever writes specifications chooses roles: these are the ones they may choose from.
    Statement {
        sid: "PassRolesToTasks",
        policies: OPERATOR,
        actions: Actions::Named(&["iam:PassRole"]),
        resources: &["${TaskRoleArns}"],
        conditions: &[equals("iam:PassedToService", &["ecs-tasks.amazonaws.com", "ecs.amazonaws.com"])],
    },
    Statement {
        sid: "PassRolesToEcs",
        policies: OPERATOR,
        actions: Actions::Named(&["iam:PassRole"]),
        resources: &["${InfrastructureRoleArns}"],
        conditions: &[equals("iam:PassedToService", &["ecs.amazonaws.com"])],
    },
    Statement {
        sid: "PassRolesToInstances",
        policies: GROUP_POOLS,
        actions: Actions::Named(&["iam:PassRole"]),
        resources: &["${InstanceRoleArns}"],
        conditions: &[equals("iam:PassedToService", &["ec2.amazonaws.com"])],
    },
    Statement {
        sid: "FirstUseOfEcs",
        policies: OPERATOR,
        actions: Actions::Named(&["iam:CreateServiceLinkedRole"]),
        // The second is for Managed Instances.
        resources: &[
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/aws-service-role/ecs.amazonaws.com/*",
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/aws-service-role/ecs-compute.amazonaws.com/*",
        ],
        conditions: &[equals("iam:AWSServiceName", &["ecs.amazonaws.com", "ecs-compute.amazonaws.com"])],
    },
    Statement {
        sid: "FirstUseOfAutoScaling",
        policies: GROUP_POOLS,
        actions: Actions::Named(&["iam:CreateServiceLinkedRole"]),
        resources: &["arn:${AWS::Partition}:iam::${AWS::AccountId}:role/aws-service-role/autoscaling.amazonaws.com/*"],
        conditions: &[equals("iam:AWSServiceName", &["autoscaling.amazonaws.com"])],
    },
    // Only what nobody owns: what bears the tag of another installation has to lose it first.
    Statement {
        sid: "TakeOverWhatNobodyOwns",
        policies: ADOPTION,
        actions: Actions::Named(&["ecs:TagResource"]),
        resources: &[
            "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:cluster/*",
            "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:service/*",
        ],
        conditions: &[
            BORN_OURS,
            Condition { operator: "Null", key: "aws:ResourceTag/neuron.ecs/managed-by", values: &["true"] },
        ],
    },
];
