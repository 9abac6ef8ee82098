//! Where what is missing goes.

use std::collections::BTreeMap;

use super::*;

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
fn chips_that_others_still_leave_come_after_all_that_are_free() {
    let live = live(&["i1: a 8-11, keep 12-15"]);
    let demands = [demand("a", 0, 4), demand("b", 1, 4), demand("keep", 1, 4)];
    let layout = lay_out(&host("trn1.32xlarge"), &demands, &live, &Room::default());
    assert_eq!(shown(&layout), ["i1: b 0-3, keep 12-15"], "at 8-11 it would leave more room, but have to wait");
}

#[test]
fn a_task_that_waits_for_an_instance_keeps_its_slot() {
    let mut live = live(&[]);
    live.wanted = BTreeMap::from([(Slot { workload: name("a"), devices: set("8-11") }, 1)]);
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("a", 1, 4)], &live, &Room::default());
    assert_eq!(shown(&layout), ["new: a 8-11"]);
}

#[test]
fn a_further_instance_holds_the_set_that_the_workload_has_most_of() {
    let live = live(&["i1: b 0-3, a 4-7, c 8-15"]);
    let demands = [demand("a", 2, 4), demand("b", 1, 4), demand("c", 1, 8)];
    let layout = lay_out(&host("trn1.32xlarge"), &demands, &live, &Room::default());
    assert_eq!(shown(&layout), ["i1: b 0-3, a 4-7, c 8-15", "new: a 4-7"]);
}

#[test]
fn instances_without_tasks_are_used_before_new_ones_and_as_far_as_the_limit_allows() {
    let live = live(&["i1: ", "i2: ", "i3: "]);
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("a", 5, 8)], &live, &at_most(2));
    assert_eq!(shown(&layout), ["i1: a 0-7, a 8-15", "i2: a 0-7, a 8-15"]);
    assert_eq!(layout.unplaced[0].replicas, 1);
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
fn a_spread_workload_gets_the_set_that_is_free_in_every_zone() {
    let live = live(&["i1@x: low 0-3", "i2@y: ", "i3@z: middle 8-11"]);
    let demands = [demand("low", 1, 4), demand("middle", 1, 4), spread("a", 3, 4)];
    let layout = lay_out(&host("trn1.32xlarge"), &demands, &live, &in_zones(&["x", "y", "z"]));
    assert_eq!(shown(&layout), ["i1@x: low 0-3, a 4-7", "i2@y: a 4-7", "i3@z: a 4-7, middle 8-11"]);
}
