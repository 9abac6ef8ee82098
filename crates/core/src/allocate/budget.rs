//! How far a service may go towards its layout in one step: never too few replicas, never too many.
//!
//! Part of `allocate`. The percentages are those of a rolling update, but over all ECS services of the NeuronService
//! together, where ECS itself would round them for each one alone.

use std::collections::BTreeMap;

use super::healthy::Healthy;
use super::ledger::Ledger;
use super::live::{Standing, desired, running};
use super::{Departing, Units};
use crate::desired::{DesiredService, PackedService};
use crate::observe::{Rollout, Service};
use crate::shape::deployment::DeploymentConfiguration;

/// Whether the only deployment was started for a service that has had others: AWS may not show the old one any more.
fn is_fresh_deployment(service: &Service) -> bool {
    let [only] = service.deployments.as_slice() else { return false };
    only.rollout == Rollout::InProgress && running(service) > 0 && service.pending == 0 && only.running == 0
}

/// Whether ECS may be replacing tasks. A deployment that has failed starts and stops nothing any more (Amazon ECS Developer
/// Guide, "How the Amazon ECS deployment circuit breaker detects failures"), however long it and those before it stay.
fn is_deploying(service: &Service) -> bool {
    let failed = service.deployments.iter().any(|given| given.primary && given.rollout == Rollout::Failed);
    !failed && service.deployments.len() > 1 || is_fresh_deployment(service)
}

/// Tasks that ECS may stop before it has started others, as the service is set now.
fn allowed_stops(service: &Service) -> u32 {
    let given = service.settings.deployment_configuration.as_ref().and_then(|given| given.minimum_healthy_percent);
    // AWS's default is to stop none (ECS API reference, DeploymentConfiguration).
    let percent = given.and_then(|percent| u32::try_from(percent).ok()).unwrap_or(100);
    let wanted = desired(service);
    wanted.saturating_sub(wanted.saturating_mul(percent).div_ceil(100))
}

/// The ECS services of a packed service with the counts that are safe now. `standing` says which of its tasks will not run for
/// long, by ECS service.
pub(super) fn units(
    service: &PackedService,
    targets: &BTreeMap<String, u32>,
    existing: &BTreeMap<&str, &Service>,
    standing: &BTreeMap<String, Standing>,
    unplaced: Option<(u32, String)>,
) -> Units {
    let placed: u32 = targets.values().sum();
    let replicas = placed.saturating_add(unplaced.as_ref().map_or(0, |(missing, _)| *missing));
    let mut ledger = Ledger::new(replicas, service.budget);
    for (name, found) in existing {
        let (wanted, runs) = (desired(found), running(found));
        let stays = runs.saturating_sub(standing.get(*name).map_or(0, |standing| standing.stopping));
        let exists = wanted.max(runs + u32::try_from(found.pending).unwrap_or(0));
        // What a deployment in progress may yet stop or start counts as stopped and started.
        let (stops, starts) =
            if is_deploying(found) { (ledger.stoppable(wanted), ledger.startable(wanted)) } else { (0, 0) };
        ledger.available += stays.min(wanted.saturating_sub(stops));
        ledger.total += exists.max(wanted + starts);
    }
    let mut healthy = Healthy::of(existing, standing);
    let deploying = deploying((&mut ledger, &mut healthy), existing);
    let turns = turns((&mut ledger, &mut healthy), existing, standing, &deploying);
    let mut now: BTreeMap<String, u32> =
        existing.iter().map(|(name, found)| ((*name).to_owned(), desired(found))).collect();
    grow(&mut now, targets, &mut ledger);
    shrink(&mut now, targets, existing, (&mut ledger, &mut healthy));
    let variants: BTreeMap<&str, &DesiredService> =
        service.variants.values().map(|variant| (variant.name.as_str(), variant)).collect();
    // What has no instance yet does not have to go before the others are healthy.
    let runs = |name: &str| existing.get(name).map_or(0, |found| running(found));
    let above = |(name, count): (&String, &u32)| {
        let tasks = (*count).min(runs(name)).saturating_sub(*targets.get(name)?);
        (tasks > 0).then(|| (name.clone(), tasks))
    };
    let surplus = now.iter().filter_map(above).collect();
    let drained = turns.keys().map(|name| (*name).to_owned()).collect();
    let mut units =
        Units { stay: BTreeMap::new(), leave: BTreeMap::new(), surplus, ledger, healthy, drained, unplaced };
    for (name, count) in now {
        let (of, turn) = (count.max(1), turns.get(name.as_str()).copied());
        // Tasks that it gains were not there to be stopped.
        let gained = existing.get(name.as_str()).map_or(0, |found| of.saturating_sub(desired(found)));
        let under_way = deploying.get(name.as_str()).map(|stops| (stops + gained).min(ledger.stoppable(of)));
        let stoppable = turn.or(under_way).unwrap_or_else(|| ledger.stoppable(of)).min(of);
        match variants.get(name.as_str()) {
            Some(variant) if targets.contains_key(&name) => {
                units.stay.insert(name, unit(variant, count, (stoppable, ledger.startable(of))));
            }
            _ => {
                let given =
                    existing.get(name.as_str()).and_then(|found| found.settings.deployment_configuration.clone());
                let mut departing = Departing { count, deployment: given };
                // Nothing is deployed to it any more: only while it is drained do its percentages say anything.
                if let (Some(deployment), Some(_)) = (&mut departing.deployment, turn) {
                    allow(deployment, of, (stoppable, ledger.startable(of)));
                }
                units.leave.insert(name, departing);
            }
        }
    }
    units
}

/// Raises counts as far as the ceiling allows. An ECS service that is new exists from the start, with none if need be.
fn grow(now: &mut BTreeMap<String, u32>, targets: &BTreeMap<String, u32>, ledger: &mut Ledger) {
    for (name, target) in targets {
        let count = now.entry(name.clone()).or_insert(0);
        let room = ledger.ceiling.saturating_sub(ledger.total);
        let more = target.saturating_sub(*count).min(room);
        *count += more;
        ledger.total = ledger.total.saturating_add(more);
    }
}

/// Lowers counts as far as the floor allows. What does not run anyway may go at once, and so may all where none must run.
/// Nothing that is healthy goes for a task that has only just started: a model may take minutes to load.
fn shrink(
    now: &mut BTreeMap<String, u32>,
    targets: &BTreeMap<String, u32>,
    existing: &BTreeMap<&str, &Service>,
    (ledger, healthy): (&mut Ledger, &mut Healthy),
) {
    let floor = ledger.floor;
    for (name, count) in now.iter_mut() {
        let surplus = count.saturating_sub(targets.get(name).copied().unwrap_or(0));
        let runs = existing.get(name.as_str()).map_or(0, |found| running(found));
        let idle = runs == 0;
        // Which tasks go is for ECS to say: it may be the healthy ones, and all that are above the new count.
        let may_go = |healthy: u32, in_all: u32| {
            let spare = in_all.saturating_sub(floor);
            if healthy <= spare { surplus } else { count.saturating_add(spare).saturating_sub(runs) }
        };
        // Enough are left whether or not those are healthy of which it cannot be told.
        let keeps_enough =
            healthy.cases(name).into_iter().map(|(here, in_all)| may_go(here, in_all)).min().unwrap_or(0);
        let allowed = ledger.available.saturating_sub(floor).min(keeps_enough);
        let less = if idle || floor == 0 { surplus } else { surplus.min(allowed) };
        *count -= less;
        if !idle && less > 0 {
            healthy.lose(name, runs.saturating_sub(*count));
            ledger.available = ledger.available.saturating_sub(less);
        }
    }
}

/// How many tasks the ECS services with a deployment under way may stop before they have started others. What they may do
/// already is in the ledger; a budget that has grown lets them do more only as far as there is room beside the others.
fn deploying<'n>(
    (ledger, healthy): (&mut Ledger, &mut Healthy),
    existing: &BTreeMap<&'n str, &Service>,
) -> BTreeMap<&'n str, u32> {
    let mut deploying = BTreeMap::new();
    let under_way = || existing.iter().filter(|(_, found)| is_deploying(found));
    // ECS may stop any of these now, in all of them.
    for (name, found) in under_way() {
        healthy.lose(name, allowed_stops(found).min(ledger.stoppable(desired(found))));
    }
    for (name, found) in under_way() {
        let (given, usual) = (allowed_stops(found), ledger.stoppable(desired(found)));
        let more = usual.saturating_sub(given).min(ledger.available.saturating_sub(ledger.floor));
        let more = more.min(healthy.spare(name, ledger.floor));
        ledger.available -= more;
        healthy.lose(name, more);
        deploying.insert(*name, given.min(usual) + more);
    }
    deploying
}

/// How many tasks the ECS services on instances that are drained may stop before they have started others. ECS drains all
/// of an instance at once and keeps to the percentages of each ECS service alone, so they take turns: together they stop
/// no more than the budget of the whole has room for, and nothing that is healthy for a task that has only just started.
fn turns<'n>(
    (ledger, healthy): (&mut Ledger, &mut Healthy),
    existing: &BTreeMap<&'n str, &Service>,
    standing: &BTreeMap<String, Standing>,
    deploying: &BTreeMap<&'n str, u32>,
) -> BTreeMap<&'n str, u32> {
    let mut turns = BTreeMap::new();
    for (name, found) in existing {
        let Some(Standing { leaving, .. }) = standing.get(*name).filter(|standing| standing.leaving > 0) else {
            continue;
        };
        // What a deployment may stop is in the ledger already.
        let turn = if let Some(stops) = deploying.get(name) {
            *stops
        } else {
            let turn =
                ledger.stoppable(desired(found)).min(*leaving).min(ledger.available.saturating_sub(ledger.floor));
            let turn = turn.min(healthy.spare(name, ledger.floor));
            ledger.available -= turn;
            healthy.lose(name, turn);
            turn
        };
        turns.insert(*name, turn);
    }
    turns
}

/// One ECS service with its count, and with the percentages by which it stops and starts no more tasks than this ahead of
/// one another.
fn unit(variant: &DesiredService, count: u32, ahead: (u32, u32)) -> DesiredService {
    let mut unit = variant.clone();
    unit.replicas = Some(i32::try_from(count).unwrap_or(i32::MAX));
    if let Some(deployment) = &mut unit.settings.deployment_configuration {
        allow(deployment, count.max(1), ahead);
    }
    unit
}

/// Sets the percentages by which an ECS service `of` so many tasks stops and starts no more than this ahead of one another.
fn allow(deployment: &mut DeploymentConfiguration, of: u32, (stoppable, startable): (u32, u32)) {
    let least = of - stoppable;
    let percent = |part: u32, up: u32| i32::try_from((part * 100 + up) / of).unwrap_or(i32::MAX);
    // ECS rounds the least up and the most down. It refuses 100 and 100; of less than 100 tasks, 101 is no more.
    let most = if stoppable == 0 && startable == 0 { 1 } else { percent(startable, of - 1) };
    deployment.minimum_healthy_percent = Some(percent(least, 0));
    deployment.maximum_percent = Some(100 + most);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Deployment, ServiceStatus};
    use crate::ownership::Tags;
    use crate::shape::service::UpdateService;

    /// An ECS service: desired, running and healthy tasks, and how many the layout wants.
    type Slot = (&'static str, [u32; 4]);

    fn tasks(proven: u32, trusted: u32) -> Standing {
        Standing { proven, trusted, ..Standing::default() }
    }

    fn service(name: &str, desired: u32, running: u32) -> Service {
        let settings = UpdateService { desired_count: i32::try_from(desired).ok(), ..UpdateService::default() };
        Service {
            name: name.to_owned(),
            arn: String::new(),
            cluster: "ml".to_owned(),
            status: ServiceStatus::Active,
            settings,
            scheduling_strategy: "REPLICA".to_owned(),
            running: i32::try_from(running).unwrap(),
            pending: 0,
            deployments: Vec::new(),
            events: Vec::new(),
            tags: Tags::new(),
        }
    }

    /// The counts that are safe now, where so many must run.
    fn shrunk(slots: &[Slot], floor: u32) -> Vec<u32> {
        shrunk_of(slots, &slots.iter().map(|(_, [_, _, proven, _])| tasks(*proven, *proven)).collect::<Vec<_>>(), floor)
    }

    fn shrunk_of(slots: &[Slot], standing: &[Standing], floor: u32) -> Vec<u32> {
        let services: Vec<Service> =
            slots.iter().map(|(name, [desired, runs, ..])| service(name, *desired, *runs)).collect();
        let existing = services.iter().map(|found| (found.name.as_str(), found)).collect();
        let standing = slots.iter().zip(standing).map(|((name, _), tasks)| ((*name).to_owned(), *tasks)).collect();
        let targets = slots.iter().map(|(name, [.., target])| ((*name).to_owned(), *target)).collect();
        let mut now = slots.iter().map(|(name, [desired, ..])| ((*name).to_owned(), *desired)).collect();
        let available = slots.iter().map(|(_, [desired, runs, ..])| desired.min(runs)).sum();
        let mut ledger = Ledger { available, floor, ..Ledger::default() };
        shrink(&mut now, &targets, &existing, (&mut ledger, &mut Healthy::of(&existing, &standing)));
        now.into_values().collect()
    }

    #[test]
    fn a_healthy_replica_on_an_instance_that_is_drained_stays_while_the_others_have_only_just_started() {
        let turn = |proven: [u32; 2]| {
            let services = [service("moved", 1, 1), service("stays", 1, 2)];
            let existing = services.iter().map(|found| (found.name.as_str(), found)).collect();
            let standing = [("moved", 0, proven[0]), ("stays", 1, proven[1])]
                .map(|(name, leaving, proven)| (name.to_owned(), Standing { leaving, ..tasks(proven, proven) }));
            let standing = standing.into();
            let mut ledger = Ledger { available: 2, floor: 1, replicas: 2, ..Ledger::default() };
            let mut healthy = Healthy::of(&existing, &standing);
            turns((&mut ledger, &mut healthy), &existing, &standing, &BTreeMap::new())["stays"]
        };
        assert_eq!(turn([0, 1]), 0, "its own successor and the other replica are young");
        assert_eq!(turn([1, 1]), 1);
        assert_eq!(turn([0, 2]), 1, "its successor is healthy");
        assert_eq!(turn([0, 0]), 1, "nothing of it counts");
    }

    #[test]
    fn a_deployment_gets_no_more_room_for_tasks_that_have_only_just_started() {
        let deployed = |id: &str, primary| Deployment {
            id: id.to_owned(),
            primary,
            task_definition: String::new(),
            desired: 1,
            running: 1,
            pending: 0,
            failed: 0,
            rollout: if primary { Rollout::InProgress } else { Rollout::Completed },
            reason: None,
            created: None,
        };
        let more = |proven: [u32; 2]| {
            let mut services = [service("deployed", 1, 1), service("other", 1, 1)];
            services[0].deployments = vec![deployed("new", true), deployed("old", false)];
            let existing = services.iter().map(|found| (found.name.as_str(), found)).collect();
            let standing = [("deployed", proven[0]), ("other", proven[1])];
            let standing = standing.map(|(name, proven)| (name.to_owned(), tasks(proven, proven))).into();
            // It was to stop none before another one is there; now one of the two may be missing.
            let mut ledger = Ledger { available: 2, floor: 1, replicas: 2, ..Ledger::default() };
            deploying((&mut ledger, &mut Healthy::of(&existing, &standing)), &existing)["deployed"]
        };
        assert_eq!(more([1, 1]), 1);
        assert_eq!(more([1, 0]), 0, "the other one has only just started");
        assert_eq!(more([0, 1]), 1, "nothing of it counts");
    }

    #[test]
    fn a_healthy_replica_stays_until_another_one_is_healthy() {
        assert_eq!(shrunk(&[("new", [1, 1, 0, 1]), ("old", [1, 1, 1, 0])], 1), [1, 1]);
        assert_eq!(shrunk(&[("new", [1, 1, 1, 1]), ("old", [1, 1, 1, 0])], 1), [1, 0]);
        assert_eq!(shrunk(&[("new", [1, 1, 0, 1]), ("old", [1, 1, 1, 0])], 0), [1, 0], "where none must run");
    }

    #[test]
    fn a_task_that_may_be_healthy_in_a_moment_does_not_go_for_a_younger_one() {
        let young = Standing { young: 1, ..tasks(0, 0) };
        let slots = [("new", [1, 1, 0, 1]), ("old", [1, 1, 0, 0])];
        assert_eq!(shrunk_of(&slots, &[young, young], 1), [1, 1]);
        assert_eq!(shrunk_of(&slots, &[tasks(1, 1), young], 1), [1, 0]);
        assert_eq!(shrunk_of(&slots, &[young, tasks(0, 0)], 1), [1, 0], "it has a check that it does not pass");
        // Fewer of the same: whichever ECS keeps.
        assert_eq!(shrunk_of(&[("one", [3, 3, 0, 1])], &[Standing { young: 3, ..tasks(0, 0) }], 1), [1]);
        let mixed = Standing { young: 2, ..tasks(1, 1) };
        assert_eq!(shrunk_of(&[("one", [3, 3, 1, 1])], &[mixed], 1), [3], "ECS may stop the one that counts");
    }

    #[test]
    fn a_service_with_a_young_task_beside_its_healthy_one_does_not_go_for_the_young_one() {
        // As while its instance is drained: one is desired, and two run.
        assert_eq!(shrunk(&[("new", [1, 1, 0, 1]), ("old", [1, 2, 1, 0])], 1), [1, 1]);
    }

    #[test]
    fn a_task_that_may_be_healthy_without_the_check_that_is_asked_for_now_stays_until_another_one_is() {
        let slots = |proven| [("new", [2, 1, proven, 2]), ("old", [1, 1, 0, 0])];
        assert_eq!(shrunk_of(&slots(0), &[tasks(0, 0), tasks(0, 1)], 1), [2, 1]);
        assert_eq!(shrunk_of(&slots(1), &[tasks(1, 1), tasks(0, 1)], 1), [2, 0]);
        // Where there is no room for others beside them, they make some.
        assert_eq!(shrunk_of(&[("one", [1, 1, 0, 0]), ("two", [1, 1, 0, 0])], &[tasks(0, 1), tasks(0, 1)], 1), [0, 1]);
    }

    #[test]
    fn replicas_that_are_not_healthy_go_when_fewer_are_wanted() {
        assert_eq!(shrunk(&[("sick", [3, 3, 0, 1])], 1), [1]);
        assert_eq!(shrunk(&[("some", [3, 3, 2, 2])], 2), [3], "ECS may stop one of the two that are healthy");
    }
}
