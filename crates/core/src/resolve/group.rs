//! NeuronPool with `autoScalingGroup` → launch template, Auto Scaling group and capacity provider, for each instance type.
//!
//! Part of `resolve`. The image is a source here: `plan` puts the image in force into the template, and the version of
//! the template into the group. Sources: ECS developer guide (bootstrapping container instances, capacity providers of
//! Auto Scaling groups), EC2 user guide (EFA), Auto Scaling API reference.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::{Context, int, overrides};
use crate::desired::{DesiredCapacity, DesiredGroup, DesiredPool, DesiredProvider};
use crate::fingerprint;
use crate::layout::Host;
use crate::neuron::{Catalog, InstanceType};
use crate::observe::ImageSource;
use crate::ownership::Tags;
use crate::shape::launch_template::{
    BlockDeviceMapping, EbsBlockDevice, IamInstanceProfile, LaunchTemplateData, MetadataOptions,
    Monitoring as DetailedMonitoring, NetworkInterface, TagSpecification,
};
use crate::shape::provider::{AutoScalingGroupProvider, ManagedScaling};
use crate::shape::scaling_group::{
    Ec2Tag, InstancesDistribution, LaunchTemplateOverride, LaunchTemplateSpecification, MixedInstancesPolicy,
    MixedLaunchTemplate, UpdateAutoScalingGroup,
};
use crate::spec::{
    Accepted, AmiSource, AutoScalingGroup, Capacity, CapacityOption, Efa, Monitoring, NeuronPool, RootVolume, Scaling,
};

/// The root device of the ECS-optimized Amazon Linux 2023 images.
const ROOT_DEVICE: &str = "/dev/xvda";

/// How long Auto Scaling does not look at the health of a new instance. The first boot of an Inf1 instance installs an
/// older Neuron driver, so this is longer than AWS's examples.
const HEALTH_GRACE_SECONDS: i32 = 600;

pub(super) fn pool(
    accepted: &Accepted<NeuronPool>,
    given: &AutoScalingGroup,
    catalog: &Catalog,
    context: Context<'_>,
) -> Result<DesiredPool, String> {
    let spec = &accepted.spec;
    let object = accepted.key();
    let tags = super::tags(accepted, &object, &[&spec.tags], context);
    let kinds = catalog.types_of(Capacity::AutoScalingGroup(given));
    let groups: Result<Vec<DesiredGroup>, String> =
        kinds.into_iter().map(|kind| group(&Source { accepted, given, kind, tags: &tags, context })).collect();
    let groups = groups?;
    if groups.is_empty() {
        return Err("none of its instance types is known to have Neuron devices".to_owned());
    }
    Ok(DesiredPool {
        object,
        cluster: spec.cluster.clone(),
        capacity: DesiredCapacity::Groups(groups),
        job_preemption: given.job_preemption,
        tags,
    })
}

/// What one group is rendered from.
struct Source<'a> {
    accepted: &'a Accepted<NeuronPool>,
    given: &'a AutoScalingGroup,
    kind: &'a InstanceType,
    tags: &'a Tags,
    context: Context<'a>,
}

fn group(source: &Source<'_>) -> Result<DesiredGroup, String> {
    let Source { accepted, given, kind, context, .. } = source;
    let cluster = &accepted.spec.cluster;
    // Names of templates and groups are unique in an account and Region, where other installations may be, too.
    let identity = json!({ "installation": context.installation, "cluster": cluster, "type": kind.name });
    let generation = fingerprint::hex(&identity.to_string(), 8);
    let name = format!("axon-{}-{}-{generation}", accepted.metadata.name, kind.name.replace('.', "-"));
    let template = overrides::merge(template(source), &accepted.spec.overrides.launch_template)?;
    let settings = overrides::merge(settings(given, &name, &kind.name), &accepted.spec.overrides.auto_scaling_group)?;
    let document = overrides::merge(provider(&given.scaling), &accepted.spec.overrides.capacity_provider)?;
    let (cpu, memory) = kind.offers(given.reserved_memory_mib);
    Ok(DesiredGroup {
        instance_type: kind.name.clone(),
        host: Host::new(kind, cpu, memory),
        image: match given.ami.source() {
            AmiSource::Parameter(parameter) => ImageSource::Parameter(parameter.into_owned()),
            AmiSource::Id(id) => ImageSource::Id(id.to_owned()),
        },
        template,
        settings,
        provider: DesiredProvider { name: format!("{}-{generation}", accepted.metadata.name), generation },
        document,
        max_size: given.max_size,
        rollout: given.rollout.clone(),
        consolidation: given.scaling.consolidation,
        name,
    })
}

fn template(source: &Source<'_>) -> LaunchTemplateData {
    let Source { given, kind, tags, .. } = source;
    let with_efa = given.efa == Efa::Enabled;
    let tags: Vec<Ec2Tag> = tags.iter().map(|(key, value)| Ec2Tag { key: key.clone(), value: value.clone() }).collect();
    let tagged = |resource: &str| TagSpecification { resource_type: resource.to_owned(), tags: tags.clone() };
    LaunchTemplateData {
        instance_type: Some(kind.name.clone()),
        ebs_optimized: Some(true),
        iam_instance_profile: Some(IamInstanceProfile { arn: Some(given.instance_profile_arn.clone()), name: None }),
        user_data: Some(BASE64_STANDARD.encode(user_data(source))),
        block_device_mappings: vec![root_volume(&given.root_volume)],
        // Version 2 only: a container must not get the instance's credentials through a forged request.
        metadata_options: Some(MetadataOptions {
            http_tokens: Some("required".to_owned()),
            http_put_response_hop_limit: Some(int(given.metadata_hop_limit)),
            http_endpoint: Some("enabled".to_owned()),
            instance_metadata_tags: None,
        }),
        monitoring: Some(DetailedMonitoring { enabled: Some(given.monitoring == Monitoring::Detailed) }),
        network_interfaces: if with_efa { interfaces(kind, &given.security_groups) } else { Vec::new() },
        // EC2 takes security groups either here or on the interfaces.
        security_group_ids: if with_efa { Vec::new() } else { given.security_groups.clone() },
        tag_specifications: vec![tagged("instance"), tagged("volume")],
        ..LaunchTemplateData::default()
    }
}

/// The agent reads its settings when it starts, which is after user data has run.
fn user_data(source: &Source<'_>) -> String {
    let Source { accepted, given, .. } = source;
    let mut attributes = given.attributes.clone();
    attributes.insert(POOL_ATTRIBUTE.to_owned(), accepted.metadata.name.to_string());
    let attributes = json!(attributes);
    let mut lines = vec!["#!/bin/bash".to_owned()];
    lines.extend(given.user_data.as_deref().map(|extra| extra.trim_end().to_owned()));
    lines.push("cat >> /etc/ecs/ecs.config <<'AXON'".to_owned());
    lines.push(format!("ECS_CLUSTER={}", accepted.spec.cluster));
    lines.push(format!("ECS_INSTANCE_ATTRIBUTES={attributes}"));
    lines.push(format!("ECS_RESERVED_MEMORY={}", given.reserved_memory_mib));
    lines.push("AXON".to_owned());
    lines.join("\n") + "\n"
}

/// The ECS attribute that names the pool of an instance.
pub const POOL_ATTRIBUTE: &str = "neuron.ecs.pool";

fn root_volume(given: &RootVolume) -> BlockDeviceMapping {
    BlockDeviceMapping {
        device_name: Some(ROOT_DEVICE.to_owned()),
        ebs: Some(EbsBlockDevice {
            encrypted: Some(given.encrypted),
            delete_on_termination: Some(true),
            iops: given.iops.map(int),
            kms_key_id: given.kms_key_id.clone(),
            volume_size: Some(int(given.size_gib)),
            volume_type: Some(given.kind.as_str().to_owned()),
            throughput: given.throughput.map(int),
        }),
    }
}

/// The primary interface cannot be an EFA alone. A type with one card gets an interface that is both; otherwise card 0
/// has an ordinary interface and an EFA beside it, and every further card an EFA (EC2 user guide, "Maximize network
/// bandwidth on EFA-enabled instances").
fn interfaces(kind: &InstanceType, groups: &[String]) -> Vec<NetworkInterface> {
    let interface = |card: u8, device: i32, word: &str| NetworkInterface {
        delete_on_termination: Some(true),
        device_index: Some(device),
        network_card_index: Some(i32::from(card)),
        interface_type: Some(word.to_owned()),
        groups: groups.to_vec(),
        ..NetworkInterface::default()
    };
    if kind.efa <= 1 {
        return vec![interface(0, 0, "efa")];
    }
    let further = (1..kind.efa).map(|card| interface(card, 0, "efa-only"));
    [interface(0, 0, "interface"), interface(0, 1, "efa-only")].into_iter().chain(further).collect()
}

/// Every setting is said, also where it equals AWS's default: an omitted member of an update stays as it is.
fn settings(given: &AutoScalingGroup, name: &str, instance_type: &str) -> UpdateAutoScalingGroup {
    UpdateAutoScalingGroup {
        auto_scaling_group_name: Some(name.to_owned()),
        launch_template: None,
        mixed_instances_policy: (given.capacity_option == CapacityOption::Spot).then(|| spot(instance_type)),
        min_size: Some(int(given.min_size)),
        max_size: Some(int(given.max_size)),
        vpc_zone_identifier: Some(given.subnets.join(",")),
        placement_group: given.placement_group.clone(),
        // ECS itself unprotects an instance that has no tasks; managed termination protection needs this.
        new_instances_protected_from_scale_in: Some(true),
        health_check_type: Some("EC2".to_owned()),
        health_check_grace_period: Some(HEALTH_GRACE_SECONDS),
        default_instance_warmup: None,
        termination_policies: Vec::new(),
        capacity_rebalance: Some(given.capacity_option == CapacityOption::Spot),
        max_instance_lifetime: None,
    }
}

fn spot(instance_type: &str) -> MixedInstancesPolicy {
    MixedInstancesPolicy {
        launch_template: Some(MixedLaunchTemplate {
            launch_template_specification: Some(LaunchTemplateSpecification::default()),
            overrides: vec![LaunchTemplateOverride { instance_type: Some(instance_type.to_owned()) }],
        }),
        instances_distribution: Some(InstancesDistribution {
            on_demand_base_capacity: Some(0),
            on_demand_percentage_above_base_capacity: Some(0),
            spot_allocation_strategy: Some("price-capacity-optimized".to_owned()),
            ..InstancesDistribution::default()
        }),
    }
}

fn provider(given: &Scaling) -> AutoScalingGroupProvider {
    AutoScalingGroupProvider {
        auto_scaling_group_arn: String::new(),
        managed_scaling: Some(ManagedScaling {
            status: Some("ENABLED".to_owned()),
            target_capacity: Some(int(given.target_capacity)),
            minimum_scaling_step_size: Some(int(given.minimum_step)),
            maximum_scaling_step_size: Some(int(given.maximum_step)),
            instance_warmup_period: Some(int(given.warmup.seconds())),
        }),
        managed_termination_protection: Some("ENABLED".to_owned()),
        managed_draining: Some("ENABLED".to_owned()),
    }
}
