//! Layouts of small pools, written out.

use std::collections::BTreeMap;

use super::*;
use crate::neuron::{Catalog, DeviceSet};
use crate::spec::Name;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn set(text: &str) -> DeviceSet {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last): (u8, u8) = (first.parse().unwrap(), last.parse().unwrap());
    DeviceSet::new(first, last - first + 1).unwrap()
}

fn host(kind: &str) -> Host {
    let catalog = Catalog::builtin();
    let kind = catalog.get(kind).unwrap();
    Host::new(kind, kind.task_cpu(), kind.task_memory_mib())
}

fn demand(workload: &str, replicas: u32, devices: u8) -> Demand {
    Demand {
        workload: name(workload),
        replicas,
        devices,
        cpu: 1024,
        memory: 1024,
        spread: Spread::Pack,
        sharing: Sharing::Shared,
        priority: 0,
        moves: Moves::Freely,
    }
}

fn spread(workload: &str, replicas: u32, devices: u8) -> Demand {
    Demand { spread: Spread::Zones, ..demand(workload, replicas, devices) }
}

/// An instance from `id[@zone][!]: workload devices, …`; `!` says that it drains.
fn instance(text: &str) -> LiveInstance {
    let (id, holds) = text.split_once(':').unwrap();
    let state = if id.ends_with('!') { InstanceState::Draining } else { InstanceState::Usable };
    let (id, zone) = match id.trim_end_matches('!').split_once('@') {
        Some((id, zone)) => (id, Some(zone.to_owned())),
        None => (id.trim_end_matches('!'), None),
    };
    let hold = |text: &str| {
        let (workload, devices) = text.trim().split_once(' ').unwrap();
        Hold { workload: name(workload), devices: set(devices), cpu: 1024, memory: 1024 }
    };
    let holds = holds.split(',').filter(|text| !text.trim().is_empty()).map(hold).collect();
    LiveInstance { id: id.to_owned(), zone, state, holds }
}

fn live(instances: &[&str]) -> Live {
    Live { instances: instances.iter().map(|text| instance(text)).collect(), wanted: BTreeMap::new() }
}

/// A layout in the same notation; an instance to be launched is `new`.
fn shown(layout: &Layout) -> Vec<String> {
    let row = |row: &Row| {
        let slots: Vec<_> = row.slots.iter().map(|slot| format!("{} {}", slot.workload, slot.devices)).collect();
        let zone = row.zone.as_ref().map_or(String::new(), |zone| format!("@{zone}"));
        format!("{}{zone}: {}", row.instance.as_deref().unwrap_or("new"), slots.join(", "))
    };
    layout.rows.iter().map(row).collect()
}

fn counted(layout: &Layout) -> Vec<String> {
    layout.counts().iter().map(|(slot, count)| format!("{} {} x{count}", slot.workload, slot.devices)).collect()
}

fn in_zones(zones: &[&str]) -> Room {
    Room { max_instances: None, zones: zones.iter().map(|zone| (*zone).to_owned()).collect() }
}

fn at_most(max: u32) -> Room {
    Room { max_instances: Some(max), zones: Vec::new() }
}

fn moved(layout: &Layout, live: &Live) -> u32 {
    layout.changes(live, |_| true).moved
}

#[test]
fn a_trn1_takes_an_eight_a_four_and_four_singles() {
    let demands = [demand("one", 4, 1), demand("four", 1, 4), demand("eight", 1, 8)];
    let layout = lay_out(&host("trn1.32xlarge"), &demands, &live(&[]), &Room::default());
    assert_eq!(shown(&layout), ["new: eight 0-7, four 8-11, one 12, one 13, one 14, one 15"]);
    assert_eq!(layout.fresh, 1);
}

#[test]
fn a_whole_trn1_shares_with_nobody() {
    let demands = [demand("one", 1, 1), demand("all", 1, 16)];
    let layout = lay_out(&host("trn1.32xlarge"), &demands, &live(&[]), &Room::default());
    assert_eq!(shown(&layout), ["new: all 0-15", "new: one 0"]);
}

#[test]
fn seven_and_five_fill_an_inf2() {
    let demands = [demand("five", 3, 5), demand("seven", 3, 7), demand("one", 2, 1)];
    let layout = lay_out(&host("inf2.48xlarge"), &demands, &live(&[]), &Room::default());
    assert_eq!(counted(&layout), ["five 7-11 x3", "one 0 x1", "one 1 x1", "seven 0-6 x3"]);
    assert_eq!(layout.instances(), 4);
}

#[test]
fn an_instance_with_one_chip_holds_one_task() {
    let layout = lay_out(&host("inf2.xlarge"), &[demand("a", 2, 1), demand("b", 1, 1)], &live(&[]), &Room::default());
    assert_eq!(counted(&layout), ["a 0 x2", "b 0 x1"]);
    assert_eq!(layout.instances(), 3);
}

#[test]
fn memory_and_cpu_are_part_of_the_fit() {
    let half = host("trn1.32xlarge").memory / 2 + 1;
    let demands = [Demand { memory: half, ..demand("fat", 3, 1) }, demand("thin", 2, 1)];
    let layout = lay_out(&host("trn1.32xlarge"), &demands, &live(&[]), &Room::default());
    assert_eq!(shown(&layout), ["new: fat 0, thin 1, thin 2", "new: fat 0", "new: fat 0"]);
}

#[test]
fn a_task_that_is_to_be_alone_has_no_neighbours() {
    let demands = [Demand { sharing: Sharing::Alone, ..demand("alone", 2, 4) }, demand("b", 1, 4)];
    let layout = lay_out(&host("trn1.32xlarge"), &demands, &live(&[]), &Room::default());
    assert_eq!(shown(&layout), ["new: alone 0-3", "new: alone 0-3", "new: b 0-3"]);
}

#[test]
fn what_is_held_stays_although_it_is_not_the_tightest() {
    let live = live(&["i1: a 4-7", "i2: a 8-11, b 0"]);
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("a", 2, 4), demand("b", 1, 1)], &live, &Room::default());
    assert_eq!(shown(&layout), ["i1: a 4-7", "i2: b 0, a 8-11"]);
    assert_eq!(layout.fresh, 1);
    assert_eq!(layout.changes(&live, |_| true), Changes { kept: 3, ..Changes::default() });
}

#[test]
fn two_instances_too_many_are_one_reason_to_move_one() {
    let live = live(&["i1: a 0-3, a 4-7", "i2: a 0-3, b 4", "i3: a 8-11"]);
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("a", 4, 4), demand("b", 1, 1)], &live, &Room::default());
    assert_eq!(layout.fresh, 2);
    assert_eq!(moved(&layout, &live), 0, "three instances are one more than two");

    let live = self::live(&["i1: a 0-3, a 4-7", "i2: a 0-3", "i3: a 8-11"]);
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("a", 4, 4)], &live, &Room::default());
    assert_eq!(shown(&layout), ["i1: a 0-3, a 4-7, a 8-11", "i2: a 0-3"]);
    assert_eq!(layout.changes(&live, |_| true).recounted(), 0, "ECS moves it without a count that changes");
    assert_eq!(moved(&layout, &live), 1);
}

#[test]
fn one_replica_more_goes_into_the_tightest_gap() {
    let live = live(&["i1: a 0-7", "i2: a 0-7, b 8-11, c 12"]);
    let demands = [demand("a", 2, 8), demand("b", 1, 4), demand("c", 2, 1)];
    let layout = lay_out(&host("trn1.32xlarge"), &demands, &live, &Room::default());
    assert_eq!(shown(&layout), ["i1: a 0-7", "i2: a 0-7, b 8-11, c 12, c 13"]);
}

#[test]
fn on_a_ring_the_longest_run_is_left_alone() {
    let live = live(&["i1: a 3-5"]);
    let layout = lay_out(&host("inf2.48xlarge"), &[demand("a", 1, 3), demand("b", 1, 2)], &live, &Room::default());
    assert_eq!(shown(&layout), ["i1: b 0-1, a 3-5"]);
}

#[test]
fn one_replica_less_empties_the_emptiest_instance() {
    let live = live(&["i1: a 0-3, b 4", "i2: a 0-3", "i3: a 0-3, a 4-7"]);
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("a", 3, 4), demand("b", 1, 1)], &live, &Room::default());
    assert_eq!(shown(&layout), ["i1: a 0-3, b 4", "i3: a 0-3, a 4-7"]);
}

#[test]
fn a_draining_instance_loses_first_and_its_count_stays() {
    let live = live(&["i1!: a 4-7, b 0", "i2: a 0-3"]);
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("a", 1, 4), demand("b", 1, 1)], &live, &Room::default());
    assert_eq!(shown(&layout), ["i2: a 0-3, b 4"]);

    let layout = lay_out(&host("trn1.32xlarge"), &[demand("a", 2, 4)], &live, &Room::default());
    assert_eq!(shown(&layout), ["i2: a 0-3, a 4-7"]);
    assert_eq!(layout.changes(&live, |name| *name != self::name("b")).counts, []);
}

#[test]
fn a_bigger_size_takes_the_place_of_the_smaller() {
    let live = live(&["i1: a 0-3, b 8-15", "i2: a 4-7, b 8-15"]);
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("a", 2, 8), demand("b", 2, 8)], &live, &Room::default());
    assert_eq!(shown(&layout), ["i1: a 0-7, b 8-15", "i2: a 0-7, b 8-15"]);
}

#[test]
fn a_place_that_others_still_leave_comes_last() {
    let live = live(&["i1: a 0-3, keep 12-15", "i2: keep 12-15"]);
    let demands = [demand("a", 0, 4), demand("b", 1, 4), demand("keep", 2, 4)];
    let layout = lay_out(&host("trn1.32xlarge"), &demands, &live, &Room::default());
    assert_eq!(shown(&layout), ["i1: b 8-11, keep 12-15", "i2: keep 12-15"]);
}

#[test]
fn chips_of_strangers_are_taken() {
    let live = live(&["i1: stranger 0-7, stranger 12"]);
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("a", 2, 4)], &live, &Room::default());
    assert_eq!(shown(&layout), ["i1: a 8-11", "new: a 0-3"]);
}

#[test]
fn two_tasks_with_one_chip_are_parted() {
    let live = live(&["i1: a 0-3, b 3"]);
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("a", 1, 4), demand("b", 1, 1)], &live, &Room::default());
    assert_eq!(shown(&layout), ["i1: a 0-3, b 4"]);
}

#[test]
fn during_a_deployment_the_slot_that_is_counted_for_stays() {
    let mut live = live(&["i1: a 0-3, a 4-7", "i2: a 0-3"]);
    live.wanted = ["0-3", "4-7"].map(|devices| (Slot { workload: name("a"), devices: set(devices) }, 1)).into();
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("a", 2, 4)], &live, &Room::default());
    assert_eq!(counted(&layout), ["a 0-3 x1", "a 4-7 x1"]);
}

#[test]
fn a_task_that_waits_for_an_instance_keeps_its_slot() {
    let mut live = live(&[]);
    live.wanted = BTreeMap::from([(Slot { workload: name("a"), devices: set("8-11") }, 1)]);
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("a", 1, 4)], &live, &Room::default());
    assert_eq!(shown(&layout), ["new: a 8-11"]);
}

#[test]
fn replicas_are_spread_over_zones_with_one_set() {
    let demands = [demand("b", 2, 8), spread("a", 4, 4)];
    let layout = lay_out(&host("trn1.32xlarge"), &demands, &live(&[]), &in_zones(&["x", "y", "z"]));
    assert_eq!(
        shown(&layout),
        ["new@x: b 0-7, b 8-15", "new@y: a 0-3, a 4-7", "new@z: a 0-3", "new@x: a 0-3"],
        "three zones have one each, the fourth goes where there is an instance"
    );
}

#[test]
fn a_spread_workload_shrinks_in_the_fullest_zone() {
    let live = live(&["i1@x: a 0-3", "i2@x: a 0-3, b 8-15", "i3@y: a 0-3"]);
    let demands = [spread("a", 2, 4), demand("b", 1, 8)];
    let layout = lay_out(&host("trn1.32xlarge"), &demands, &live, &in_zones(&["x", "y"]));
    assert_eq!(shown(&layout), ["i2@x: a 0-3, b 8-15", "i3@y: a 0-3"]);
}

#[test]
fn what_the_limit_leaves_out_is_said() {
    let demands = [demand("a", 3, 8), demand("b", 2, 1), Demand { priority: 1, ..demand("c", 2, 4) }];
    let layout = lay_out(&host("trn1.32xlarge"), &demands, &live(&[]), &at_most(1));
    assert_eq!(shown(&layout), ["new: c 0-3, c 4-7, a 8-15"]);
    let told: Vec<_> =
        layout.unplaced.iter().map(|it| format!("{} x{}: {}", it.workload, it.replicas, it.why)).collect();
    assert_eq!(
        told,
        [
            "a x2: the pool may have 1 instances, and they are full",
            "b x2: the pool may have 1 instances, and they are full"
        ]
    );
}

#[test]
fn running_tasks_are_not_evicted_for_waiting_ones() {
    let live = live(&["i1: small 0, small 8"]);
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("small", 2, 1), demand("all", 1, 16)], &live, &at_most(1));
    assert_eq!(shown(&layout), ["i1: small 0, small 8"]);
    assert_eq!(layout.unplaced[0].workload, name("all"));
}

#[test]
fn tasks_move_if_that_makes_room_for_all() {
    let live = live(&["i1: small 0, small 8"]);
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("small", 2, 1), demand("eight", 1, 8)], &live, &at_most(1));
    assert_eq!(layout.unplaced, []);
    assert_eq!(layout.instances(), 1);
}

#[test]
fn a_lower_limit_gathers_what_there_is() {
    let live = live(&["i1: a 0-3", "i2: a 0-3", "i3: a 0-3, a 4-7"]);
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("a", 4, 4)], &live, &at_most(1));
    assert_eq!(shown(&layout), ["i3: a 0-3, a 4-7, a 8-11, a 12-15"]);
}

#[test]
fn what_no_instance_can_hold_says_why() {
    let demands = [demand("two", 1, 2), Demand { memory: 1_000_000, ..demand("fat", 1, 1) }];
    let layout = lay_out(&host("trn1.32xlarge"), &demands, &live(&[]), &Room::default());
    let told: Vec<_> = layout.unplaced.iter().map(|it| it.why.to_string()).collect();
    assert_eq!(
        told,
        [
            "a task may not have 2 devices of this instance type, only 1, 4, 8, 16",
            "a task needs 1024 CPU units and 1000000 MiB; an instance has 131072 CPU units and 508562 MiB"
        ]
    );
}
