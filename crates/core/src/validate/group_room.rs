//! Rules for whether all replicas of a service find room in its Auto Scaling groups, also while they are replaced.
//!
//! Neighbours: called by `group_fit`; several services on a pool are in `sharing`. Not here: how instances are launched.

use crate::diagnostic::Code;
use crate::neuron::InstanceType;
use crate::spec::Strategy;

use super::device_sets::per_instance;
use super::group_fit::Placed;
use super::rollout;
use super::subject::Subject;

pub(super) fn check(subject: &mut Subject<'_>, placed: &Placed<'_>, types: &[&InstanceType]) {
    let Some(replicas) = placed.spec.replicas else { return };
    let max = placed.group.max_size;
    let by_devices = |kind: &&InstanceType| per_instance(placed.spec, placed.site, kind);
    let most = types.iter().map(|kind| by_devices(kind).saturating_mul(max)).fold(0, u32::saturating_add);
    if replicas > most {
        too_small(subject, placed, types, most);
        return;
    }
    let slots = |kind: &&InstanceType| by_devices(kind).min(placed.by_size(kind)).saturating_mul(max);
    let room = types.iter().map(slots).fold(0, u32::saturating_add);
    let extra = match placed.spec.deployment.strategy {
        Strategy::Rolling => u32::from(rollout::starts_first(placed.spec)),
        Strategy::BlueGreen | Strategy::Canary | Strategy::Linear => replicas,
    };
    if replicas > 0 && extra > 0 && replicas.saturating_add(extra) > room {
        let message = format!(
            "a deployment starts {extra} more before it stops one, and the pool {} has room for {room} replicas in all",
            placed.pool.metadata.name
        );
        let help = "Raise maxSize, or write minimumHealthyPercent below 100 with maximumPercent 100.";
        subject.report(Code::NoRoomToRoll, "/spec/deployment", message, help);
    }
}

fn too_small(subject: &mut Subject<'_>, placed: &Placed<'_>, types: &[&InstanceType], most: u32) {
    let (spec, max) = (placed.spec, placed.group.max_size);
    let Some(best) = types.iter().max_by_key(|kind| per_instance(spec, placed.site, kind)) else { return };
    let each = per_instance(spec, placed.site, best).max(1);
    let replicas = spec.replicas.unwrap_or_default();
    let message = format!(
        "{replicas} replicas with {} devices need {} instances of {}, with {each} on each; maxSize of the pool {} is {max}, \
         which holds {most}",
        spec.devices,
        replicas.div_ceil(each),
        best.name,
        placed.pool.metadata.name
    );
    let help = format!("Raise maxSize, or write at most `replicas: {most}`.");
    subject.report(Code::MaxSizeTooSmall, "/spec/replicas", message, help);
}
