//! Rules for the network of a service's tasks: mode, subnets, security groups.
//!
//! Neighbours: called by `service`. Not here: ports (`task`, `device_sets`) and what sends traffic to them (`traffic`).

use crate::diagnostic::Code;
use crate::spec::{NetworkMode, NeuronPool, ServiceSpec};

use super::arn;
use super::site::Site;
use super::subject::Subject;

pub(super) fn check(subject: &mut Subject<'_>, spec: &ServiceSpec, site: Site<'_>, pools: &[&NeuronPool]) {
    let own = &spec.networking;
    arn::check_ids(subject, "/spec/networking/subnets", &own.subnets, "subnet-");
    arn::check_ids(subject, "/spec/networking/securityGroups", &own.security_groups, "sg-");
    if site.mode == NetworkMode::Bridge && site.on_managed() {
        let message = "mode is Bridge; Managed Instances know AwsVpc and Host";
        let help = "Use AwsVpc, or Host for several replicas on an instance.";
        subject.report(Code::BridgeOnManaged, "/spec/networking/mode", message, help);
    }
    if site.mode != NetworkMode::AwsVpc {
        if !own.subnets.is_empty() || !own.security_groups.is_empty() || own.assign_public_ip.is_some() {
            let message = format!(
                "mode is {:?}, and subnets, securityGroups or assignPublicIp are given; tasks use the instance's",
                site.mode
            );
            subject.report(Code::HostNetworking, "/spec/networking", message, "Remove them, or use AwsVpc.");
        }
        return;
    }
    if own.assign_public_ip == Some(true) && site.group().is_some() {
        let message = "assignPublicIp is true, and tasks on EC2 instances get private addresses only";
        let help = "Remove it; put a load balancer in front, or a NAT gateway behind.";
        subject.report(Code::PublicIpOnGroup, "/spec/networking/assignPublicIp", message, help);
    } else if own.assign_public_ip == Some(true) {
        let message = "AWS's documents disagree on public addresses on Managed Instances";
        subject.report(Code::PublicIpUnsure, "/spec/networking/assignPublicIp", message, "Leave it out.");
    }
    let of_pool = |pick: fn(&NeuronPool) -> usize| pools.iter().map(|pool| pick(pool)).max().unwrap_or_default();
    let pool_subnets = of_pool(|pool| pool.spec.capacity().subnets().len());
    let pool_groups = of_pool(|pool| pool.spec.capacity().security_groups().len());
    let count = |own: &[String], pools: usize| if own.is_empty() { pools } else { own.len() };
    let limits = [
        ("subnets", count(&own.subnets, pool_subnets), 16),
        ("securityGroups", count(&own.security_groups, pool_groups), 5),
    ];
    for (field, has, limit) in limits.into_iter().filter(|(_, has, limit)| has > limit) {
        let message = format!("the tasks get {has} {field}; ECS takes {limit}");
        let help = format!("Name at most {limit} under networking.{field}.");
        subject.report(Code::NetworkLimits, &format!("/spec/networking/{field}"), message, help);
    }
}
