//! The AWS operations that this crate calls, as data: `call` names them, `error_table` classifies their errors, and
//! the IAM policy and the reference pages are generated from the list.
//!
//! A variant that no code calls does not build without a warning; that every call is listed is shown by a test.

/// Whether an operation changes anything. What an unknown outcome means depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Asks only.
    Read,
    /// Changes something.
    Write,
}

/// AWS's name of an operation: that of its variant, unless two services have one of the same name.
macro_rules! called {
    ($name:ident) => {
        stringify!($name)
    };
    ($name:ident $called:ident) => {
        stringify!($called)
    };
}

macro_rules! operations {
    ($($service:ident $access:ident $name:ident $(as $called:ident)?),+ $(,)?) => {
        /// One AWS operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Operation {
            $($name),+
        }

        impl Operation {
            /// AWS's name of it.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => called!($name $($called)?)),+
                }
            }

            /// Service prefix, as IAM spells it.
            pub(crate) const fn service(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($service)),+
                }
            }

            /// Whether it changes anything.
            pub(crate) const fn access(self) -> Access {
                match self {
                    $(Self::$name => Access::$access),+
                }
            }
        }

        /// Every operation that this crate calls: service prefix as in IAM, AWS's name of the operation.
        pub const OPERATIONS: &[(&str, &str)] = &[$((stringify!($service), called!($name $($called)?))),+];

        /// The same, for whoever wants to know more of each.
        pub(crate) const ALL: &[Operation] = &[$(Operation::$name),+];
    };
}

operations! {
    sts Read GetCallerIdentity,
    ecs Read ListClusters,
    ecs Read DescribeClusters,
    ecs Read DescribeCapacityProviders,
    ecs Read ListServices,
    ecs Read DescribeServices,
    ecs Read ListTaskDefinitions,
    ecs Read DescribeTaskDefinition,
    ecs Read ListTasks,
    ecs Read DescribeTasks,
    ecs Read DescribeContainerInstances,
    ecs Read ListServiceDeployments,
    ecs Read ListContainerInstances,
    ssm Read GetParameters,
    ssm Read GetParametersByPath,
    logs Read GetLogEvents,
    ec2 Read DescribeImages,
    ec2 Read DescribeInstanceTypes,
    ec2 Read DescribeInstances,
    ec2 Read DescribeLaunchTemplates,
    ec2 Read DescribeLaunchTemplateVersions,
    ec2 Read DescribeSubnets,
    autoscaling Read DescribeAutoScalingGroups,
    autoscaling Read DescribeScalingActivities,
    ecs Write CreateCluster,
    ecs Write UpdateCluster,
    ecs Write DeleteCluster,
    ecs Write PutClusterCapacityProviders,
    ec2 Write CreateLaunchTemplate,
    ec2 Write CreateLaunchTemplateVersion,
    ec2 Write DeleteLaunchTemplate,
    ec2 Write CreateTags,
    ec2 Write DeleteTags,
    autoscaling Write CreateAutoScalingGroup,
    autoscaling Write UpdateAutoScalingGroup,
    autoscaling Write DeleteAutoScalingGroup,
    autoscaling Write CreateOrUpdateTags,
    autoscaling Write DeleteGroupTags as DeleteTags,
    autoscaling Write SetDesiredCapacity,
    autoscaling Write TerminateInstanceInAutoScalingGroup,
    ecs Write UpdateContainerInstancesState,
    ecs Write CreateCapacityProvider,
    ecs Write UpdateCapacityProvider,
    ecs Write DeleteCapacityProvider,
    ecs Write RegisterTaskDefinition,
    ecs Write DeregisterTaskDefinition,
    ecs Write CreateService,
    ecs Write UpdateService,
    ecs Write DeleteService,
    ecs Write RunTask,
    ecs Write StopTask,
    ssm Write PutParameter,
    ssm Write DeleteParameters,
    ecs Write TagResource,
    ecs Write UntagResource,
}
