//! NeuronService with devices chosen by Axon → one ECS service for every set of devices a replica may get.
//!
//! Part of `resolve`. Every possible set is rendered; `allocate` decides which of them are used, and how often.

use std::collections::BTreeMap;

use super::Context;
use super::chips::{self, Chips};
use super::service::{Source, one_service};
use super::task::Devices;
use crate::desired::{Budget, PackedService, PoolShare};
use crate::neuron::{Catalog, InstanceType};
use crate::spec::{self, Accepted, Capacity, NeuronPool, NeuronService, ObjectKey};

/// Whether Axon, and not ECS, chooses the devices of a service.
pub(super) fn is_packed(service: &NeuronService, pool: &NeuronPool) -> bool {
    match (pool.spec.capacity(), service.spec.devices) {
        (Capacity::AutoScalingGroup(_), _) | (Capacity::ManagedInstances(_), spec::Devices::Count(_)) => true,
        (Capacity::ManagedInstances(_), spec::Devices::All) => false,
    }
}

pub(super) fn packed(
    (accepted, object): (&Accepted<NeuronService>, &ObjectKey),
    pool: &NeuronPool,
    catalog: &Catalog,
    context: Context<'_>,
) -> Result<PackedService, String> {
    let spec = &accepted.spec;
    let capacity = pool.spec.capacity();
    let able: Vec<(&InstanceType, u8)> = catalog
        .types_of(capacity)
        .into_iter()
        .filter_map(|kind| devices_of(spec.devices, kind).map(|count| (kind, count)))
        .collect();
    if able.is_empty() {
        return Err(format!(
            "no instance type of the pool {} gives {} devices together",
            pool.metadata.name, spec.devices
        ));
    }
    let source = Source { accepted, pool, object, context };
    let mut variants = BTreeMap::new();
    for (kind, count) in &able {
        for set in kind.device_sets(*count) {
            let chips = Chips { kind, set, capacity, mode: spec.networking.mode_on(capacity) };
            let suffix = chips::suffix(able.len(), &chips);
            let pools = vec![PoolShare {
                pool: pool.metadata.name.clone(),
                instance_type: matches!(capacity, Capacity::AutoScalingGroup(_)).then(|| kind.name.clone()),
                weight: 1,
                base: 0,
            }];
            let rendered = one_service(&source, Devices::Manual(chips), &suffix, pools)?;
            variants.insert((kind.name.clone(), set), rendered);
        }
    }
    Ok(PackedService {
        object: object.clone(),
        cluster: pool.spec.cluster.clone(),
        pool: pool.metadata.name.clone(),
        replicas: spec.replicas,
        cpu: spec.template.cpu,
        memory: spec.template.memory,
        priority: 0,
        spread: spec.spread,
        budget: Budget {
            minimum_healthy_percent: spec.deployment.minimum_healthy_percent,
            maximum_percent: spec.deployment.maximum_percent,
        },
        devices: able.into_iter().map(|(kind, count)| (kind.name.clone(), count)).collect(),
        variants,
    })
}

fn devices_of(wanted: spec::Devices, kind: &InstanceType) -> Option<u8> {
    match wanted {
        spec::Devices::All => Some(kind.chips),
        spec::Devices::Count(count) => Some(count.get()).filter(|count| kind.device_counts().contains(count)),
    }
}
