//! What stays where it is, and what has to go.

use super::*;

#[test]
fn what_is_held_stays_although_it_is_not_the_tightest() {
    let live = live(&["i1: a 4-7", "i2: a 8-11, b 0"]);
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("a", 2, 4), demand("b", 1, 1)], &live, &Room::default());
    assert_eq!(shown(&layout), ["i1: a 4-7", "i2: b 0, a 8-11"]);
    assert_eq!(layout.fresh, 1);
    assert_eq!(layout.changes(&live, |_| true), Changes { kept: 3, ..Changes::default() });
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
fn tasks_that_have_grown_stay_only_as_far_as_cpu_and_memory_do() {
    let live = live(&["i1: a 0-3, a 4-7", "i2: b 0-3, b 4-7"]);
    let host = host("trn1.32xlarge");
    let demands = [
        Demand { cpu: host.cpu / 2 + 1, ..demand("a", 2, 4) },
        Demand { memory: host.memory / 2 + 1, ..demand("b", 2, 4) },
    ];
    let layout = lay_out(&host, &demands, &live, &Room::default());
    assert_eq!(shown(&layout), ["i1: a 0-3, b 4-7", "i2: b 0-3, a 4-7"]);
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
fn of_a_workload_that_loses_several_replicas_no_more_go_uncounted_than_are() {
    let mut live = live(&["i1: a 0-3, b 8-15", "i2: a 0-3, a 4-7"]);
    live.wanted = [("a", "0-3"), ("a", "4-7"), ("b", "8-15")]
        .map(|(workload, devices)| (Slot { workload: name(workload), devices: set(devices) }, 1))
        .into();
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("a", 1, 4), demand("b", 1, 8)], &live, &Room::default());
    assert_eq!(shown(&layout), ["i1: a 0-3, b 8-15"], "one 0-3 is not counted for; then i2 is the nearest to empty");
}

#[test]
fn a_spread_workload_shrinks_in_the_fullest_zone() {
    let live = live(&["i1@x: a 0-3", "i2@x: a 0-3, b 8-15", "i3@y: a 0-3"]);
    let demands = [spread("a", 2, 4), demand("b", 1, 8)];
    let layout = lay_out(&host("trn1.32xlarge"), &demands, &live, &in_zones(&["x", "y"]));
    assert_eq!(shown(&layout), ["i2@x: a 0-3, b 8-15", "i3@y: a 0-3"]);
}

#[test]
fn a_spread_workload_that_loses_several_replicas_stays_even() {
    let live = live(&["i1@x: a 0-3", "i2@x: a 0-3", "i3@x: a 0-3", "i4@y: a 0-3", "i5@y: a 0-3", "i6@y: b 0-3"]);
    let layout =
        lay_out(&host("trn1.32xlarge"), &[spread("a", 2, 4), demand("b", 1, 4)], &live, &in_zones(&["x", "y"]));
    assert_eq!(shown(&layout), ["i1@x: a 0-3", "i4@y: a 0-3", "i6@y: b 0-3"]);
}

#[test]
fn tasks_that_run_to_their_end_are_in_the_way_of_those_that_are_still_to_start() {
    let live = live(&["i1: job 0-3"]);
    let demands = [Demand { moves: Moves::Never, ..demand("job", 1, 4) }];
    let layout = lay_out(&host("trn1.32xlarge"), &demands, &live, &Room::default());
    assert_eq!(shown(&layout), ["i1: job 4-7"]);
}
