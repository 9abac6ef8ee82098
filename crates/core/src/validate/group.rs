//! Rules for the Auto Scaling groups of a NeuronPool: image, launch template and scaling.
//!
//! Neighbours: called by `pool`; instance types are in `group_types`, replacing instances in `group_rollout`. Not here:
//! whether a service's task fits on the instances (`group_fit`).

use crate::diagnostic::Code;
use crate::parse::escape;
use crate::spec::{Ami, AutoScalingGroup, CapacityOption, NEURON_AMI_PARAMETERS, RootVolume, VolumeType};

use super::arn::{self, Resource};
use super::subject::Subject;
use super::{World, group_rollout, group_types};

pub(super) const GROUP: &str = "/spec/autoScalingGroup";
/// EC2 takes 16 KiB before encoding; the rest is for what Axon writes.
const USER_DATA_BYTES: usize = 12 * 1024;
/// ECS takes 10 on an instance, and one is Axon's.
const ATTRIBUTES: usize = 9;

pub(super) fn check(subject: &mut Subject<'_>, world: &World<'_>, group: &AutoScalingGroup) {
    launch(subject, group);
    image(subject, &group.ami);
    volume(subject, &group.root_volume);
    attributes(subject, group);
    user_data(subject, group);
    scaling(subject, group);
    group_rollout::check(subject, &group.rollout);
    group_types::check(subject, world, group);
}

fn launch(subject: &mut Subject<'_>, group: &AutoScalingGroup) {
    let profile = format!("{GROUP}/instanceProfileArn");
    arn::check(subject, &profile, &group.instance_profile_arn, Resource::InstanceProfile);
    arn::check_ids(subject, &format!("{GROUP}/subnets"), &group.subnets, "subnet-");
    arn::check_ids(subject, &format!("{GROUP}/securityGroups"), &group.security_groups, "sg-");
    if group.subnets.is_empty() {
        subject.report(Code::NoSubnets, &format!("{GROUP}/subnets"), "the pool has no subnets", "Name at least one.");
    }
    if group.min_size > group.max_size {
        let message = format!("minSize is {}, maxSize is {}", group.min_size, group.max_size);
        subject.report(Code::RangeReversed, &format!("{GROUP}/minSize"), message, "Raise maxSize or lower minSize.");
    }
    if group.capacity_option == CapacityOption::Reserved {
        let message = "capacityOption is Reserved, which only Managed Instances have";
        let help = "Write OnDemand; open reservations that fit an instance are used without a word.";
        subject.report(Code::ReservedOnGroup, &format!("{GROUP}/capacityOption"), message, help);
    }
    let name = group.placement_group.as_deref();
    if let Some(name) = name.filter(|name| name.is_empty() || name.len() > 255 || !name.is_ascii()) {
        let message = format!("the placement group is called {name:?}");
        let help = "Write the name of an existing one: 1 to 255 ASCII characters.";
        subject.report(Code::BadPlacementGroup, &format!("{GROUP}/placementGroup"), message, help);
    }
}

fn image(subject: &mut Subject<'_>, ami: &Ami) {
    let at = format!("{GROUP}/ami");
    let given = [("ssmParameter", &ami.ssm_parameter), ("name", &ami.name), ("id", &ami.id)];
    let given: Vec<&str> = given.into_iter().filter(|(_, value)| value.is_some()).map(|(field, _)| field).collect();
    if given.len() > 1 {
        let message = format!("{} are given together", given.join(" and "));
        subject.report(Code::AmiChoice, &at, message, "Keep one; `id` pins the image, `name` its version.");
    }
    if let Some(id) = &ami.id {
        arn::check_id(subject, &format!("{at}/id"), id, "ami-");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if let Some(name) = ami.name.as_deref().filter(|name| !name.contains("ecs-neuron") || !name.chars().all(allowed)) {
        let message = format!("{name:?} is not the name of an ECS-optimized Neuron AMI");
        let help = format!("Names are those under {NEURON_AMI_PARAMETERS}; for other images write `id`.");
        subject.report(Code::BadAmi, &format!("{at}/name"), message, help);
    }
    let parameter = ami.ssm_parameter.as_deref();
    let good = |text: &str| {
        text.len() <= 2048
            && text.starts_with('/')
            && !text.ends_with('/')
            && text.chars().all(|c| allowed(c) || c == '/')
    };
    if let Some(text) = parameter.filter(|text| !good(text)) {
        let message = format!("{text:?} is not the path of a parameter");
        let help = format!("Write a path such as `{NEURON_AMI_PARAMETERS}/recommended`.");
        subject.report(Code::BadAmi, &format!("{at}/ssmParameter"), message, help);
    }
}

/// Source of the limits: `EbsBlockDevice` in the EC2 API model, and the EBS user guide for the ratios of gp3.
fn volume(subject: &mut Subject<'_>, volume: &RootVolume) {
    let at = format!("{GROUP}/rootVolume");
    let kind = volume.kind.as_str();
    let mut found: Vec<(&str, String)> = Vec::new();
    let (least, most) = match volume.kind {
        VolumeType::Gp3 => (3_000, 80_000.min(volume.size_gib.saturating_mul(500)).max(3_000)),
        VolumeType::Io1 => (100, 64_000.min(volume.size_gib.saturating_mul(50))),
        VolumeType::Io2 => (100, 256_000.min(volume.size_gib.saturating_mul(1_000))),
        VolumeType::Gp2 => (0, 0),
    };
    match (volume.kind, volume.iops) {
        (VolumeType::Gp2, Some(_)) => found.push(("iops", "gp2 takes no iops; its size decides".to_owned())),
        (VolumeType::Io1 | VolumeType::Io2, None) => found.push(("type", format!("{kind} needs iops"))),
        (_, Some(iops)) if !(least..=most).contains(&iops) => {
            let size = volume.size_gib;
            found.push(("iops", format!("iops is {iops}; {kind} of {size} GiB takes {least} to {most}")));
        }
        (_, Some(_) | None) => {}
    }
    if let Some(speed) = volume.throughput {
        // A quarter MiB per second for each operation, of which there are 3000 unless said otherwise.
        let most = 2_000.min(volume.iops.unwrap_or(3_000) / 4).max(125);
        if volume.kind != VolumeType::Gp3 {
            found.push(("throughput", format!("{kind} takes no throughput")));
        } else if !(125..=most).contains(&speed) {
            found.push(("throughput", format!("throughput is {speed}; with these iops gp3 takes 125 to {most}")));
        }
    }
    if volume.kms_key_id.is_some() && !volume.encrypted {
        found.push(("kmsKeyId", "a key is given, and the volume is not encrypted".to_owned()));
    }
    for (field, message) in found {
        let help = "Leave it out for AWS's default, or see `axon explain AX0329`.";
        subject.report(Code::RootVolumeSettings, &format!("{at}/{field}"), message, help);
    }
    if let Some(key) = volume.kms_key_id.as_ref().filter(|key| key.starts_with("arn:")) {
        arn::check(subject, &format!("{at}/kmsKeyId"), key, Resource::KmsKey);
    }
}

/// Source: `Attribute` in the ECS API model.
fn attributes(subject: &mut Subject<'_>, group: &AutoScalingGroup) {
    let at = format!("{GROUP}/attributes");
    if group.attributes.len() > ATTRIBUTES {
        let message = format!("{} attributes; ECS takes 10 on an instance, and one is Axon's", group.attributes.len());
        subject.report(Code::BadAttribute, &at, message, format!("Keep at most {ATTRIBUTES}."));
    }
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '\\' | '.');
    let in_value = |c: char| in_name(c) || matches!(c, '@' | ':' | ' ');
    let fits = |text: &str| (1..=128).contains(&text.len());
    for (name, value) in &group.attributes {
        let at = format!("{at}/{}", escape(name));
        let reserved = ["ecs.", "com.amazonaws.", "neuron.ecs"].into_iter().find(|prefix| name.starts_with(prefix));
        if let Some(prefix) = reserved {
            let message = format!("the attribute {name:?} begins with `{prefix}`, which is reserved");
            subject.report(Code::BadAttribute, &at, message, "Choose another name.");
        } else if !fits(name) || !name.chars().all(in_name) {
            let message = format!("the attribute is called {name:?}");
            let help = "Use 1 to 128 letters, digits and - _ . / \\.";
            subject.report(Code::BadAttribute, &at, message, help);
        }
        if !fits(value) || value.trim() != value || !value.chars().all(in_value) {
            let message = format!("the attribute {name:?} has the value {value:?}");
            let help = "Use 1 to 128 letters, digits and - _ . / \\ @ :, with spaces only inside.";
            subject.report(Code::BadAttribute, &at, message, help);
        }
    }
}

fn user_data(subject: &mut Subject<'_>, group: &AutoScalingGroup) {
    let Some(text) = &group.user_data else { return };
    let first = text.trim_start().lines().next().unwrap_or_default();
    let other = ["#cloud-config", "#cloud-boothook", "#include", "Content-Type:", "MIME-Version:", "<powershell>"];
    let message = if text.len() > USER_DATA_BYTES {
        format!("userData has {} bytes; {USER_DATA_BYTES} fit beside Axon's", text.len())
    } else if let Some(start) = other.into_iter().find(|start| first.starts_with(start)) {
        format!("userData begins with {start:?}; it is put into a shell script of Axon's")
    } else {
        return;
    };
    let help = "Write shell lines; fetch what is large, or bake it into an image.";
    subject.report(Code::UserData, &format!("{GROUP}/userData"), message, help);
}

fn scaling(subject: &mut Subject<'_>, group: &AutoScalingGroup) {
    let scaling = &group.scaling;
    if scaling.minimum_step > scaling.maximum_step {
        let message = format!("minimumStep {} is above maximumStep {}", scaling.minimum_step, scaling.maximum_step);
        let at = format!("{GROUP}/scaling/minimumStep");
        subject.report(Code::ScalingRange, &at, message, "Lower minimumStep, or raise maximumStep.");
    }
    if scaling.warmup.seconds() > 10_000 {
        let message = format!("warmup is {}; ECS takes up to 10000 seconds", scaling.warmup);
        subject.report(Code::ScalingRange, &format!("{GROUP}/scaling/warmup"), message, "Shorten it.");
    }
}
