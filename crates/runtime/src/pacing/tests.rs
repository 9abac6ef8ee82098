//! The order in which steps start, in an invented time.

use axon_core::step::{Action, Cause};
use proptest::prelude::*;

use super::*;

const MANY: usize = 64;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

fn object(name: &str) -> ObjectKey {
    ObjectKey::service(name.parse().unwrap())
}

/// Draws from the bucket of task definitions: 16 at once at the usual share, then one in 1.25 seconds.
fn revision(of: &str, family: &str) -> Step {
    Step {
        object: object(of),
        resource: Resource::TaskDefinition(family.to_owned()),
        action: Action::DeregisterTaskDefinition { arn: family.to_owned() },
        because: vec![Cause::NotDeclared],
    }
}

/// Draws from the bucket of services: 40 at once, then four a second.
fn service(of: &str) -> Step {
    Step {
        object: object(of),
        resource: Resource::Service { cluster: "ml".to_owned(), name: of.to_owned() },
        action: Action::DeleteService { cluster: "ml".to_owned(), service: of.to_owned() },
        because: vec![Cause::NotDeclared],
    }
}

fn fleet(name: &str, count: usize) -> Vec<Step> {
    (0..count).map(|number| format!("{name}-{number}")).map(|name| revision(&name, &name)).collect()
}

fn pacing() -> Pacing {
    Pacing::new(Share::default(), MANY)
}

/// Plans these steps and starts what may start.
fn pass(pacing: &mut Pacing, steps: &mut Vec<Step>, now: Timestamp) -> Vec<Step> {
    pacing.sort(steps, &BTreeMap::new());
    pacing.admit(steps, 0, now)
}

fn names(steps: &[Step]) -> Vec<&str> {
    steps.iter().map(|step| step.object.name.as_str()).collect()
}

/// Everything that starts from now on, with the milliseconds.
fn run(pacing: &mut Pacing, steps: &mut Vec<Step>, from: i64) -> Vec<(i64, String)> {
    let mut now = at(from);
    let mut started = Vec::new();
    loop {
        let some = pacing.admit(steps, 0, now);
        started.extend(some.iter().map(|step| (now.as_millisecond(), step.object.name.to_string())));
        let Some(next) = pacing.next() else { return started };
        assert!(next > now, "it would spin");
        now = next;
    }
}

#[test]
fn as_many_steps_start_as_there_are_tokens_and_the_others_in_their_time() {
    let mut pacing = pacing();
    let mut steps = fleet("a", 18);
    assert_eq!(pass(&mut pacing, &mut steps, at(0)).len(), 16);
    assert_eq!(steps.len(), 2);
    let waiting = Paced { bucket: "task definition modify", steps: 2, speed_percent: 100 };
    assert_eq!((pacing.paced(), pacing.next()), (&[waiting][..], Some(at(1_250))));
    assert_eq!(pacing.admit(&mut steps, 0, at(1_249)), []);
    assert_eq!(run(&mut pacing, &mut steps, 1_250).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1_250, 2_500]);
    assert_eq!((pacing.paced(), steps.len()), (&[][..], 0));
}

#[test]
fn a_bucket_that_is_empty_holds_no_other_back() {
    let mut pacing = pacing();
    let mut steps = fleet("a", 100);
    steps.push(service("z"));
    let started = pass(&mut pacing, &mut steps, at(0));
    assert!(names(&started).contains(&"z"));
    assert_eq!(started.len(), 17);
}

#[test]
fn calls_under_way_are_bounded_and_no_bucket_takes_all_places() {
    let mut pacing = Pacing::new(Share::default(), 6);
    let mut steps = fleet("a", 10);
    steps.extend(["x", "y"].map(service));
    pacing.sort(&steps, &BTreeMap::new());
    let started = pacing.admit(&mut steps, 2, at(0));
    let mut started = names(&started);
    started.sort_unstable();
    assert_eq!(started, ["a-0", "a-1", "x", "y"]);
    assert_eq!(pacing.next(), None, "the end of a call is waited for, not a token");
}

#[test]
fn a_small_change_goes_before_a_big_one_that_came_first() {
    let mut pacing = pacing();
    let mut steps = fleet("big", 60);
    pass(&mut pacing, &mut steps, at(0));
    // A later commit: plans are in order of resources, so that the newcomer stands last.
    steps.push(revision("small", "zeta"));
    pacing.sort(&steps, &BTreeMap::new());
    let order = run(&mut pacing, &mut steps, 1_000);
    let place = order.iter().position(|(_, name)| name == "small").unwrap();
    assert!(place <= 1, "after {place} others");
    assert!(order[place].0 <= 2_500, "{order:?}");
}

#[test]
fn a_stream_of_small_changes_does_not_stop_a_big_one() {
    let mut pacing = pacing();
    let mut steps = fleet("big", 40);
    pass(&mut pacing, &mut steps, at(0));
    let before = steps.len();
    let mut now = 0;
    for number in 0..20 {
        now += 1_250;
        steps.extend([revision(&format!("small-{number}"), &format!("z{number}"))]);
        pass(&mut pacing, &mut steps, at(now));
    }
    let left = steps.iter().filter(|step| step.object.name.as_str().starts_with("big")).count();
    assert_eq!(before - left, 10, "every second token");
}

#[test]
fn many_steps_of_one_object_do_not_hold_back_the_only_one_of_another() {
    let mut pacing = pacing();
    let mut steps: Vec<Step> = (0..300).map(|number| revision("big", &format!("a{number:03}"))).collect();
    steps.push(revision("small", "z"));
    let started = pass(&mut pacing, &mut steps, at(0));
    assert!(names(&started).contains(&"small"), "although both came up together");
}

#[test]
fn an_object_whose_specification_changes_again_no_longer_waits_with_its_old_piece() {
    let again = |changed: &[&str]| {
        let mut pacing = pacing();
        let mut steps = fleet("big", 60);
        pass(&mut pacing, &mut steps, at(0));
        pacing.renew(&changed.iter().map(|name| object(name)).collect());
        pacing.sort(&steps, &BTreeMap::new());
        let order = run(&mut pacing, &mut steps, 1_000);
        order.iter().position(|(_, name)| name == "big-59").unwrap()
    };
    assert!(again(&["big-59"]) <= 1);
    assert!(again(&[]) >= 40);
}

#[test]
fn an_object_stays_in_its_piece_while_a_step_of_it_is_under_way() {
    let mut pacing = pacing();
    let mut steps = fleet("a", 3);
    pass(&mut pacing, &mut steps, at(0));
    let under_way = BTreeMap::from([(Resource::TaskDefinition("a-0".to_owned()), revision("a-0", "a-0"))]);
    let mut steps = vec![service("a-0"), service("b")];
    pacing.sort(&steps, &under_way);
    assert_eq!((pacing.pieces[&object("a-0")], pacing.pieces[&object("b")]), (1, 2));
    assert_eq!(pacing.pieces.len(), 2, "what has nothing left to do is forgotten");
    assert_eq!(pacing.admit(&mut steps, 0, at(0)).len(), 2);
}

#[test]
fn a_refusal_slows_the_bucket_down_and_shows() {
    let mut pacing = pacing();
    let mut steps = fleet("a", 20);
    let started = pass(&mut pacing, &mut steps, at(0));
    pacing.throttled(&started[0], at(0));
    assert_eq!(pass(&mut pacing, &mut steps, at(0)), []);
    assert_eq!((pacing.paced()[0].speed_percent, pacing.next()), (50, Some(at(2_500))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Pieces of any sizes in any order, of two buckets, with refusals in between: every step starts exactly once, in the
    /// end all have, and the time never goes back.
    #[test]
    fn every_step_starts_exactly_once(sizes in proptest::collection::vec(0_usize..25, 1..8), refused in 0_usize..40, percent in 20_u32..=100) {
        let mut pacing = Pacing::new(Share::try_from(percent).unwrap(), MANY);
        let mut steps: Vec<Step> = Vec::new();
        for (piece, size) in sizes.iter().enumerate() {
            steps.extend(fleet(&format!("p{piece}"), *size));
            steps.push(service(&format!("s{piece}")));
        }
        let mut expected: Vec<String> = steps.iter().map(|step| step.object.name.to_string()).collect();
        let mut started: Vec<(i64, String)> = Vec::new();
        let mut first = pass(&mut pacing, &mut steps, at(0));
        if let Some(step) = first.get(refused) {
            pacing.throttled(&step.clone(), at(0));
        }
        started.extend(first.drain(..).map(|step| (0, step.object.name.to_string())));
        started.extend(run(&mut pacing, &mut steps, 1));
        prop_assert!(steps.is_empty(), "{} steps never start", steps.len());
        prop_assert!(started.is_sorted_by_key(|(at, _)| *at));
        let mut names: Vec<String> = started.into_iter().map(|(_, name)| name).collect();
        names.sort();
        expected.sort();
        prop_assert_eq!(names, expected);
    }

    /// However much there is to do, a change that comes later and is one step is the first or second to be served.
    #[test]
    fn nothing_small_waits_for_something_big(sizes in proptest::collection::vec(2_usize..30, 1..6)) {
        let mut pacing = pacing();
        let mut steps: Vec<Step> =
            sizes.iter().enumerate().flat_map(|(piece, size)| fleet(&format!("big{piece}"), *size)).collect();
        pass(&mut pacing, &mut steps, at(0));
        steps.push(revision("small", "zeta"));
        pacing.sort(&steps, &BTreeMap::new());
        let order = run(&mut pacing, &mut steps, 1);
        let together = order.iter().position(|(_, name)| name == "small").unwrap();
        let before = order.iter().take(together).filter(|(at, _)| *at < order[together].0).count();
        prop_assert!(before <= 1, "after {before} others: {order:?}");
    }
}
