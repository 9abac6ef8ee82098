//! How far each call may reach: the table that the compiler wants a new operation to be entered in.
//!
//! Neighbours: `statements` turns a scope into resources and conditions. Facts on what AWS can restrict are from the
//! Service Authorization Reference; `tests/deploy` compares the policies with it.

use crate::operations::Operation;

/// What a call reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything in account and Region: lists and descriptions.
    Listing,
    /// Parameters that name images.
    ImageParameters,
    /// Something new of ECS, which bears our tag from the start.
    NewOfEcs,
    /// What bears our tag in ECS.
    OursInEcs,
    /// Tags of something that ECS is just making for us.
    TagsOfNewInEcs,
    /// Revisions of task definitions; AWS offers no restriction.
    Revisions,
    /// Container instances, which bear no tag of ours.
    ContainerInstances,
    /// A new launch template, which bears our tag from the start.
    NewLaunchTemplate,
    /// Launch templates that bear our tag.
    OurLaunchTemplates,
    /// Tags of something that EC2 is just making for us.
    TagsOfNewInEc2,
    /// A new Auto Scaling group, which bears our tag from the start.
    NewGroup,
    /// Auto Scaling groups that bear our tag.
    OurGroups,
    /// Records of jobs.
    Records,
    /// The same, to read them.
    RecordsRead,
    /// Log streams of containers, to read them.
    LogStreams,
    /// Tasks of jobs, started from our task definitions.
    NewTasks,
    /// Tasks that bear our tag.
    OurTasks,
    /// Tags of a task that ECS is just starting for us.
    TagsOfNewTasks,
}

/// The scopes in which Axon makes a call.
pub(super) const fn scopes(operation: Operation) -> &'static [Scope] {
    use Operation as O;
    match operation {
        O::GetCallerIdentity
        | O::ListClusters
        | O::DescribeClusters
        | O::DescribeCapacityProviders
        | O::ListServices
        | O::DescribeServices
        | O::ListTaskDefinitions
        | O::DescribeTaskDefinition
        | O::ListTasks
        | O::DescribeTasks
        | O::DescribeContainerInstances
        | O::ListServiceDeployments
        | O::ListContainerInstances
        | O::DescribeImages
        | O::DescribeInstanceTypes
        | O::DescribeInstances
        | O::DescribeSubnets
        | O::DescribeLaunchTemplates
        | O::DescribeLaunchTemplateVersions
        | O::DescribeAutoScalingGroups
        | O::DescribeScalingActivities => &[Scope::Listing],
        O::GetParameters => &[Scope::ImageParameters, Scope::RecordsRead],
        O::CreateCluster | O::CreateCapacityProvider | O::RegisterTaskDefinition | O::CreateService => {
            &[Scope::NewOfEcs]
        }
        O::UpdateCluster
        | O::DeleteCluster
        | O::PutClusterCapacityProviders
        | O::UpdateCapacityProvider
        | O::DeleteCapacityProvider
        | O::UpdateService
        | O::DeleteService
        | O::UntagResource => &[Scope::OursInEcs],
        O::TagResource => &[Scope::OursInEcs, Scope::TagsOfNewInEcs, Scope::TagsOfNewTasks],
        O::GetParametersByPath => &[Scope::RecordsRead],
        O::GetLogEvents => &[Scope::LogStreams],
        O::PutParameter | O::DeleteParameters => &[Scope::Records],
        O::RunTask => &[Scope::NewTasks],
        O::StopTask => &[Scope::OurTasks],
        O::DeregisterTaskDefinition => &[Scope::Revisions],
        O::UpdateContainerInstancesState => &[Scope::ContainerInstances],
        O::CreateLaunchTemplate => &[Scope::NewLaunchTemplate],
        O::CreateLaunchTemplateVersion | O::DeleteLaunchTemplate | O::DeleteTags => &[Scope::OurLaunchTemplates],
        O::CreateTags => &[Scope::OurLaunchTemplates, Scope::TagsOfNewInEc2],
        O::CreateAutoScalingGroup => &[Scope::NewGroup],
        O::UpdateAutoScalingGroup
        | O::DeleteAutoScalingGroup
        | O::CreateOrUpdateTags
        | O::DeleteGroupTags
        | O::SetDesiredCapacity
        | O::TerminateInstanceInAutoScalingGroup => &[Scope::OurGroups],
    }
}
