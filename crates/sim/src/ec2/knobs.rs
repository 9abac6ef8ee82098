//! The knobs of EC2, Auto Scaling and the image releases: what a test does to the world and reads from it. Neighbours:
//! `world` has the other knobs. No operation of AWS's belongs here.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    image::{Image, ImageState},
    instance::{self, MachineState, Market},
};
use crate::{
    behaviour::matches, catalog::Type, ecs::machines, engine::Event, ssm::published, wire::value::later, world::World,
};

/// How an instance is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The hardware fails: it is gone at once.
    Hardware,
    /// Spot capacity is taken back: it shuts down two minutes after the notice, if it is a Spot Instance.
    SpotInterruption,
}

/// An EC2 instance that is not terminated, for assertions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningMachine {
    /// `i-…`.
    pub id: String,
    /// The instance type.
    pub instance_type: String,
    /// The zone.
    pub zone: String,
    /// The image.
    pub image: String,
    /// Id and version of the launch template.
    pub template: Option<(String, i64)>,
    /// `pending`, `running` or `shutting-down`.
    pub state: &'static str,
    /// Whether it runs on Spot capacity.
    pub spot: bool,
    /// The Auto Scaling group.
    pub group: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it was launched.
    pub launched_at: Timestamp,
}

/// An Auto Scaling group, for assertions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningGroup {
    /// The ARN.
    pub arn: String,
    /// The minimum, the desired capacity and the maximum.
    pub sizes: (i64, i64, i64),
    /// Lifecycle states of the members, by instance id.
    pub members: BTreeMap<String, &'static str>,
    /// The instance ids of the members that are protected from scale-in.
    pub protected: Vec<String>,
}

impl World {
    /// Publishes an SSM public parameter: a new version of it where it exists.
    pub fn publish_parameter(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let now = self.now;
        self.parameters.put(name.into(), value.into(), now);
    }

    /// Publishes an image under a path such as `/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron`: by its name, and as
    /// `recommended`.
    pub fn publish_image(&mut self, path: &str, image: Image) {
        let now = self.now;
        published::publish(&mut self.parameters, path, &image, now);
        self.images.insert(image.id.clone(), image);
    }

    /// Adds an image that no parameter names.
    pub fn add_image(&mut self, image: Image) {
        self.images.insert(image.id.clone(), image);
    }

    /// Changes an image: its state, its deprecation, its acts. Returns false when there is no such image.
    pub fn change_image(&mut self, id: &str, change: impl FnOnce(&mut Image)) -> bool {
        self.images.get_mut(id).map(change).is_some()
    }

    /// Deregisters an image. Parameters that name it dangle from then on; instances that run stay.
    pub fn deregister_image(&mut self, id: &str) -> bool {
        self.change_image(id, |image| image.state = ImageState::Deregistered)
    }

    /// Deprecates an image now.
    pub fn deprecate_image(&mut self, id: &str) -> bool {
        let now = self.now;
        self.change_image(id, |image| image.deprecated_at = Some(now))
    }

    /// Offers matching types in these zones only, such as `us-east-1a`. A later call for the same pattern replaces it.
    pub fn offer_only_in(&mut self, instance_type: impl Into<String>, zones: &[&str]) {
        let pattern = instance_type.into();
        self.offerings.retain(|(p, _)| *p != pattern);
        self.offerings.push((pattern, zones.iter().map(|z| (*z).to_owned()).collect()));
    }

    pub(crate) fn offered(&self, instance_type: &str, zone: &str) -> bool {
        let known = |z: &String| z == zone;
        self.offerings.iter().filter(|(p, _)| matches(p, instance_type)).all(|(_, zones)| zones.iter().any(known))
    }

    /// Limits the vCPUs that instances of groups with a matching type may have together, as an EC2 quota does. A later call for
    /// the same pattern replaces it.
    pub fn limit_vcpus(&mut self, instance_type: impl Into<String>, vcpus: i64) {
        let pattern = instance_type.into();
        self.vcpu_limits.retain(|(p, _)| *p != pattern);
        self.vcpu_limits.push((pattern, vcpus));
    }

    /// The limit that one more instance of a type would exceed.
    pub(crate) fn exceeded_vcpus(&self, kind: &Type) -> Option<i64> {
        let used = |pattern: &str| -> i64 {
            self.state.live_machines().filter(|m| matches(pattern, m.kind.name)).map(|m| m.kind.vcpus).sum()
        };
        let mut limits = self.vcpu_limits.iter().filter(|(pattern, _)| matches(pattern, kind.name));
        limits.find(|(pattern, limit)| used(pattern) + kind.vcpus > *limit).map(|(_, limit)| *limit)
    }

    /// Makes a subnet not exist.
    pub fn remove_subnet(&mut self, id: impl Into<String>) {
        self.missing_subnets.insert(id.into());
    }

    /// Takes an EC2 instance of a group away. Returns false when there is none that runs, or when a Spot interruption is
    /// asked for one that is on demand.
    pub fn lose_machine(&mut self, id: &str, loss: Loss) -> bool {
        let Some(machine) = self.state.machines.get(id).filter(|m| m.live()) else { return false };
        match (loss, machine.market) {
            (Loss::Hardware, _) => {
                instance::lost(self, id, ("Server.InternalError", "Server.InternalError: Internal error"));
                true
            }
            (Loss::SpotInterruption, Market::Spot) => {
                let at = later(self.now, 120);
                self.queue.push(at, Event::MachineInterrupted(id.to_owned()));
                machines::machine_interrupted(self, id);
                true
            }
            (Loss::SpotInterruption, Market::OnDemand) => false,
        }
    }

    /// The EC2 instances that are not terminated, oldest first. Managed instances are not among them.
    pub fn machines(&self) -> Vec<RunningMachine> {
        let mut found: Vec<_> = self.state.machines.values().filter(|m| m.state != MachineState::Terminated).collect();
        found.sort_by_key(|m| m.serial);
        found
            .into_iter()
            .map(|m| RunningMachine {
                id: m.id.clone(),
                instance_type: m.instance_type.clone(),
                zone: m.zone.clone(),
                image: m.image_id.clone(),
                template: m.template.clone(),
                state: m.state.shown().1,
                spot: m.market == Market::Spot,
                group: m.group.clone(),
                tags: m.tags.clone(),
                launched_at: m.launched_at,
            })
            .collect()
    }

    /// The Auto Scaling groups, by name.
    pub fn groups(&self) -> BTreeMap<String, RunningGroup> {
        let groups = self.state.groups.values();
        groups
            .map(|g| {
                let protected = g.members.iter().filter(|(_, m)| m.protected).map(|(id, _)| id.clone()).collect();
                let members = g.members.iter().map(|(id, m)| (id.clone(), m.lifecycle.shown())).collect();
                let sizes = (g.min, g.desired, g.max);
                (g.name.clone(), RunningGroup { arn: g.arn.clone(), sizes, members, protected })
            })
            .collect()
    }

    /// The latest versions of the launch templates, by name.
    pub fn templates(&self) -> BTreeMap<String, i64> {
        self.state.templates.values().map(|t| (t.name.clone(), t.latest)).collect()
    }
}
