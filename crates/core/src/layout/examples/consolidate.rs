//! What moves, and what does not, so that few instances do.

use std::collections::BTreeMap;

use super::*;

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
fn running_tasks_are_not_evicted_for_waiting_ones() {
    let live = live(&["i1: small 0, small 8"]);
    let layout = lay_out(&host("trn1.32xlarge"), &[demand("small", 2, 1), demand("all", 1, 16)], &live, &at_most(1));
    assert_eq!(shown(&layout), ["i1: small 0, small 8"]);
    assert_eq!(layout.unplaced[0].workload, name("all"));
}

#[test]
fn nobody_loses_a_replica_so_that_others_get_more() {
    let live = live(&["i1: fat 0"]);
    let host = host("trn1.32xlarge");
    let (most, less) = (host.memory / 100 * 60, host.memory / 100 * 45);
    let demands = [Demand { memory: less, ..demand("thin", 2, 4) }, Demand { memory: most, ..demand("fat", 1, 1) }];
    let layout = lay_out(&host, &demands, &live, &at_most(1));
    assert_eq!(shown(&layout), ["i1: fat 0"], "although two of the others would have room in its place");
    assert_eq!(layout.unplaced[0].replicas, 2);
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

/// Seven and five of twelve devices fill an instance, unless the seven are in its middle.
fn sevens_in_the_middle(sevens: u32) -> [Demand; 2] {
    [spread("seven", sevens, 7), demand("five", sevens, 5)]
}

#[test]
fn how_few_instances_would_do_does_not_depend_on_what_services_count_now() {
    let mut live = live(&[]);
    live.wanted = BTreeMap::from([(Slot { workload: name("seven"), devices: set("3-9") }, 1)]);
    let layout = lay_out(&host("inf2.48xlarge"), &sevens_in_the_middle(1), &live, &in_zones(&["x"]));
    assert_eq!(shown(&layout), ["new@x: seven 3-9", "new@x: five 0-4"]);
    assert_eq!(layout.fresh, 1);
}

#[test]
fn all_is_packed_anew_where_keeping_any_row_takes_too_many_instances() {
    let live = live(&["i1@x: seven 3-9", "i2@x: seven 3-9", "i3@x: seven 3-9"]);
    let layout = lay_out(&host("inf2.48xlarge"), &sevens_in_the_middle(3), &live, &in_zones(&["x"]));
    let row = |id| format!("{id}@x: seven 0-6, five 7-11");
    assert_eq!(shown(&layout), ["i1", "i2", "i3"].map(row));
}

#[test]
fn what_is_packed_anew_is_spread_anew() {
    let live = live(&[
        "i1@x: seven 3-9",
        "i2@x: seven 3-9",
        "i3@x: seven 3-9",
        "i4@x: seven 3-9",
        "i5@x: five 0-4, five 5-9",
        "i6@x: five 0-4, five 5-9",
    ]);
    let demands = sevens_in_the_middle(4).map(|it| Demand { spread: Spread::Zones, ..it });
    let layout = lay_out(&host("inf2.48xlarge"), &demands, &live, &in_zones(&["x", "y"]));
    let row = |id| format!("{id}: seven 0-6, five 7-11");
    assert_eq!(shown(&layout), ["i1@x", "i2@x", "new@y", "new@y"].map(row));
}

#[test]
fn an_instance_beyond_the_limit_is_no_reason_to_move_what_runs() {
    let live = live(&["i1: a 3", "i2: "]);
    let host = host("trn1.32xlarge");
    let demands = [Demand { memory: host.memory / 2 + 1, ..spread("a", 2, 1) }];
    let layout = lay_out(&host, &demands, &live, &at_most(1));
    assert_eq!(shown(&layout), ["i1: a 3"]);
    assert_eq!(layout.unplaced[0].replicas, 1);
}
