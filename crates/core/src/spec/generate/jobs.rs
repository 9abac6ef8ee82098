//! Valid fleets with jobs, made at random: every setting of a job of one node is given sometimes.
//!
//! Neighbours: clusters and pools come from `generate` and `groups`, templates from `generate`. There are no services in these
//! fleets: how both share a pool is for tests that say so. Not here: what becomes of the jobs.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::{Size, accept, groups, metadata, name, tags, template};
use crate::spec::{
    Checkpoint, ConcurrencyPolicy, Devices, Duration, Failure, Fleet, Gang, JobOverrides, JobSpec, Name, Networking,
    NeuronJob, RetryAction, RetryPolicy, RetryRule, Schedule, UnknownOutcome,
};

/// A job whose pool, devices and predecessors are still to be picked.
#[derive(Debug, Clone)]
struct Draft {
    spec: JobSpec,
    pool: Index,
    devices: Index,
    waits: bool,
}

/// A valid fleet of either kind of pools, with so many jobs for services.
pub fn fleet_with_jobs(size: Size) -> impl Strategy<Value = Fleet> {
    let bare = Size { services: 0, ..size };
    let fleets = prop_oneof![super::fleet(bare), groups::fleet_on_groups(bare)];
    (fleets, vec(draft(), 1..=size.services.max(1))).prop_map(|(mut fleet, drafts)| {
        for (number, draft) in drafts.into_iter().enumerate() {
            add_job(&mut fleet, number, draft);
        }
        fleet
    })
}

fn add_job(fleet: &mut Fleet, number: usize, draft: Draft) {
    let own = name(&format!("job-{number}"));
    let pools: Vec<&Name> = fleet.pools.keys().collect();
    let Some(pool) = pools.get(draft.pool.index(pools.len())).map(|pool| (*pool).clone()) else { return };
    let group = fleet.pools.get(&pool).and_then(|pool| pool.spec.auto_scaling_group.as_ref());
    let devices = group.map_or(Devices::All, |group| groups::pick(group, draft.devices));
    // Only earlier jobs, so there is no circle.
    let over = fleet.jobs.values().filter(|job| draft.waits && job.spec.schedule.is_none());
    let depends_on = over.map(|job| job.metadata.name.clone()).collect();
    let spec = JobSpec { pool, devices, depends_on, ..draft.spec };
    fleet.jobs.insert(own.clone(), accept(NeuronJob::new(metadata(&own), spec)));
}

fn draft() -> impl Strategy<Value = Draft> {
    let counts = (1_u32..=1000, option::of(1_u32..=1000), 0_u32..=100, -1000_i32..=1000);
    let times = (option::of(1_u32..1_000_000), 0_u32..1_000_000);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let rest = (option::of(schedule()), option::of(checkpoint()), vec(rule(), 0..=5), tags());
    let places = (template(), any::<Index>(), any::<Index>());
    (counts, times, flags, rest, places).prop_map(|(counts, times, flags, rest, (template, pool, devices))| {
        let (completions, parallelism, backoff_limit, priority) = counts;
        let (suspend, execute_command, waits, again) = flags;
        let (schedule, checkpoint, rules, tags) = rest;
        let spec = JobSpec {
            pool: name("unset"),
            devices: Devices::All,
            nodes: 1,
            gang: Gang::default(),
            completions,
            parallelism,
            backoff_limit,
            retry_policy: RetryPolicy { rules },
            active_deadline: times.0.map(Duration::from_seconds),
            ttl_after_finished: Duration::from_seconds(times.1),
            suspend,
            schedule,
            priority,
            depends_on: BTreeSet::new(),
            unknown_outcome: if again { UnknownOutcome::Retry } else { UnknownOutcome::Report },
            checkpoint,
            template,
            compile: None,
            networking: Networking::default(),
            execute_command,
            tags,
            overrides: JobOverrides::default(),
        };
        Draft { spec, pool, devices, waits }
    })
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let cron = select(vec!["0 2 * * *", "*/15 * * * MON-FRI", "@weekly", "30 4 1,15 * *"]);
    let zone = select(vec!["UTC", "Europe/Berlin", "America/New_York"]);
    let policy = select(vec![ConcurrencyPolicy::Allow, ConcurrencyPolicy::Forbid, ConcurrencyPolicy::Replace]);
    (cron, zone, policy, option::of(60_u32..100_000), 1_u32..=100, 1_u32..=100).prop_map(
        |(cron, zone, concurrency_policy, deadline, successful_history_limit, failed_history_limit)| Schedule {
            cron: cron.to_owned(),
            time_zone: zone.to_owned(),
            concurrency_policy,
            starting_deadline: deadline.map(Duration::from_seconds),
            successful_history_limit,
            failed_history_limit,
        },
    )
}

fn checkpoint() -> impl Strategy<Value = Checkpoint> {
    ("s3://[a-z]{3,10}/[a-z/]{0,20}", "CHECKPOINT_[A-Z0-9]{1,6}")
        .prop_map(|(location, variable)| Checkpoint { location, variable })
}

fn rule() -> impl Strategy<Value = RetryRule> {
    let actions = vec![RetryAction::Count, RetryAction::Ignore, RetryAction::FailIndex, RetryAction::FailJob];
    let failures = vec![
        Failure::ExitCode,
        Failure::OutOfMemory,
        Failure::SpotInterrupted,
        Failure::InstanceLost,
        Failure::ImagePull,
        Failure::Capacity,
        Failure::Preempted,
        Failure::Start,
        Failure::Stopped,
        Failure::Other,
    ];
    let by_code = (select(actions.clone()), btree_set(1_u8..=255, 1..4), any::<bool>());
    let by_code = by_code.prop_map(|(action, on_exit_codes, named)| RetryRule {
        action,
        on_exit_codes,
        // The container that does the work of every generated template.
        container: named.then(|| name("server")),
        on_failures: BTreeSet::new(),
    });
    let by_failure = (select(actions), subsequence(failures, 1..=4)).prop_map(|(action, failures)| RetryRule {
        action,
        on_exit_codes: BTreeSet::new(),
        container: None,
        on_failures: failures.into_iter().collect(),
    });
    prop_oneof![by_code, by_failure]
}
