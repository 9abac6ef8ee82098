//! Capacity reservations as a provider with capacityOptionType RESERVED uses them. Neighbours: `capacity` launches, the test
//! reserves with `World::reserve`. Source: CapacityReservationRequest in the API reference. Guesses: without a preference only
//! reservations are used, and without a group any reservation that fits.

use serde_json::Value;

use crate::{wire::value::Read, world::World};

/// What a launch template wants of reservations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Never on demand.
    pub(crate) only: bool,
    /// Never reserved.
    never: bool,
    group: Option<String>,
}

impl Wish {
    pub(crate) fn of(template: &Value) -> Self {
        let reserved = template.text("capacityOptionType") == Some("RESERVED");
        let wanted = template.at("capacityReservations").filter(|_| reserved);
        let preference = wanted.and_then(|w| w.text("reservationPreference")).unwrap_or("RESERVATIONS_ONLY");
        Self {
            only: reserved && preference == "RESERVATIONS_ONLY",
            never: !reserved || preference == "RESERVATIONS_EXCLUDED",
            group: wanted.and_then(|w| w.text("reservationGroupArn")).map(str::to_owned),
        }
    }
}

/// The group of a reservation that has room for one more instance of a type in a zone. A shortage does not touch it.
pub(crate) fn free(world: &World, wish: &Wish, kind: &str, zone: &str) -> Option<String> {
    if wish.never || world.full() {
        return None;
    }
    let here = world.reservations.iter().filter(|r| r.instance_type == kind && r.zone == zone);
    let mut groups: Vec<&String> = here.clone().map(|r| &r.group).collect();
    groups.retain(|g| wish.group.as_ref().is_none_or(|w| w == *g));
    let room = |group: &&&String| {
        let reserved: usize = here.clone().filter(|r| r.group == ***group).map(|r| r.count).sum();
        let instances = world.state.instances.values();
        let used = instances
            .filter(|i| i.reservation.as_ref() == Some(**group) && i.kind.name == kind && i.zone == zone)
            .count();
        used < reserved
    };
    groups.iter().find(room).map(|g| (*g).clone())
}
