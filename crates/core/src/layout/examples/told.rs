//! What a layout says of itself: what found no place, and what it changes.

use super::*;

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

#[test]
fn every_kind_of_change_is_told() {
    let live = live(&["i1: a 0-3, b 4-7", "i2!: moves 0-7", "i3: c 0-15", "i4: leaves 0-3, leaves 4-7"]);
    let demands =
        [demand("a", 1, 4), demand("b", 1, 4), demand("c", 3, 16), demand("moves", 1, 8), demand("leaves", 0, 4)];
    let layout = lay_out(&host("trn1.32xlarge"), &demands, &live, &Room::default());
    let changes = layout.changes(&live, |_| true);
    let Changes { kept, moved, gained, freed, .. } = changes;
    assert_eq!((kept, moved, gained, freed), (3, 1, 2, 2));
    let count = |it: &CountChange| format!("{} {}: {} -> {}", it.slot.workload, it.slot.devices, it.from, it.to);
    assert_eq!(
        changes.counts.iter().map(count).collect::<Vec<_>>(),
        ["c 0-15: 1 -> 3", "leaves 0-3: 1 -> 0", "leaves 4-7: 1 -> 0", "moves 0-7: 1 -> 0", "moves 8-15: 0 -> 1"]
    );
    let instance = |it: &InstanceChange| {
        let id = it.instance.as_deref().unwrap_or("new");
        format!("{id}: {} kept, {} gained, {} freed", it.kept.len(), it.gained.len(), it.freed.len())
    };
    assert_eq!(
        changes.instances.iter().map(instance).collect::<Vec<_>>(),
        [
            "i1: 2 kept, 1 gained, 0 freed",
            "i2: 0 kept, 0 gained, 1 freed",
            "i4: 0 kept, 1 gained, 2 freed",
            "new: 0 kept, 1 gained, 0 freed"
        ]
    );
}

#[test]
fn what_leaves_one_service_and_joins_another_of_its_workload_is_counted_once() {
    let count = |workload, devices, from, to| CountChange {
        slot: Slot { workload: name(workload), devices: set(devices) },
        from,
        to,
    };
    let counts = vec![
        count("a", "0-3", 2, 1),
        count("a", "4-7", 0, 3),
        count("b", "0-3", 1, 3),
        count("c", "0-3", 5, 3),
        count("c", "4-7", 4, 1),
        count("c", "8-11", 0, 3),
        count("c", "12-15", 1, 2),
    ];
    assert_eq!(Changes { counts, ..Changes::default() }.recounted(), 1 + 4);
}

#[test]
fn a_task_may_take_all_of_an_instance_and_no_more() {
    let host = host("trn1.32xlarge");
    let all = Demand { cpu: host.cpu, memory: host.memory, ..demand("all", 1, 16) };
    let layout = lay_out(&host, std::slice::from_ref(&all), &live(&[]), &Room::default());
    assert_eq!((shown(&layout), layout.unplaced), (vec!["new: all 0-15".to_owned()], vec![]));

    for demand in [Demand { cpu: host.cpu + 1, ..all.clone() }, Demand { memory: host.memory + 1, ..all }] {
        let layout = lay_out(&host, &[demand], &live(&[]), &Room::default());
        assert!(matches!(layout.unplaced[..], [Unplaced { replicas: 1, why: Why::TooBig { .. }, .. }]), "{layout:?}");
    }
}
