//! Judges Auto Scaling groups: which image is in force, which instances are out of date, who holds which devices.

use super::Hearing;
use crate::desired::{DesiredGroup, DesiredPool};
use crate::observe::{Group, Image, ImageAnswer};
use crate::observed::Slot;
use crate::plan::{Node, NodeSides, version_of};
use crate::status::{GroupStatus, ImageStatus, InstanceStatus, ResourceStatus, Status};

impl Hearing<'_> {
    pub(super) fn group(&self, pool: &DesiredPool, wanted: &DesiredGroup, status: &mut Status) {
        let observed = self.world.observed;
        let Slot::Ours(found, _) = observed.group(&wanted.name, self.world.installation) else { return };
        let state = found.status.clone().unwrap_or_else(|| "ACTIVE".to_owned());
        status.resources.push(ResourceStatus { kind: "Auto Scaling group".to_owned(), id: found.arn.clone(), state });
        let version = version_of(found);
        let sides = NodeSides::of(found, observed.instances.get(pool.cluster.as_str()));
        let current = sides.current.iter().map(|node| self.instance(pool, wanted, (node, false)));
        let outdated = sides.outdated.iter().map(|node| self.instance(pool, wanted, (node, true)));
        let mut instances: Vec<InstanceStatus> = current.chain(outdated).collect();
        instances.sort_by(|a, b| a.id.cmp(&b.id));
        status.groups.push(GroupStatus {
            name: wanted.name.clone(),
            instance_type: wanted.instance_type.clone(),
            chips: wanted.host.chips(),
            image: self.image(wanted, found),
            template_version: version,
            desired: found.desired,
            max: wanted.max_size,
            instances,
        });
    }

    /// The image that new instances get, with what is known of it.
    fn image(&self, wanted: &DesiredGroup, group: &Group) -> Option<ImageStatus> {
        let observed = self.world.observed;
        let number = version_of(group)?;
        let template = observed.templates.get(&wanted.name)?;
        let id = template.versions.iter().find(|version| version.number == number)?.image.clone()?;
        let known = observed.images.values().find_map(|answer| match answer {
            ImageAnswer::Found(image) if image.id == id => Some(image.clone()),
            ImageAnswer::Found(_) | ImageAnswer::Dangling { .. } => None,
        });
        Some(match known {
            Some(Image { id, name, agent_version, created, .. }) => ImageStatus { id, name, agent_version, created },
            None => ImageStatus { id, name: None, agent_version: None, created: None },
        })
    }

    fn instance(
        &self,
        pool: &DesiredPool,
        wanted: &DesiredGroup,
        (node, out_of_date): (&Node<'_>, bool),
    ) -> InstanceStatus {
        let mut devices = vec![None; usize::from(wanted.host.chips())];
        let layouts = self.plan.allocation.pools.get(&pool.object.name).into_iter().flatten();
        let live = layouts.flat_map(|layout| &layout.live).find(|live| live.id == node.member.id);
        for hold in live.into_iter().flat_map(|live| &live.holds) {
            for id in hold.devices.ids() {
                if let Some(device) = devices.get_mut(usize::from(id)) {
                    *device = Some(hold.workload.to_string());
                }
            }
        }
        InstanceStatus {
            id: node.member.id.clone(),
            zone: Some(node.member.zone.clone()),
            state: node.instance.map_or_else(|| node.member.lifecycle.clone(), |instance| instance.status.clone()),
            out_of_date,
            devices,
        }
    }
}
