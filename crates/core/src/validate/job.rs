//! Rules for a NeuronJob. Its tasks are judged as those of a service with the same template, as many as may run at once.
//!
//! Neighbours: called by `validate`; the rules for tasks, devices, room and networks are in files of their own, those for
//! retries in `retry`, for the container that does the work in `job_work`, for jobs that wait for others in `job_order`. Not
//! here: whether the pool has room for all tasks at once. What finds none waits in the queue.

use crate::diagnostic::Code;
use crate::spec::{ADOPT, Capacity, Duration, NeuronJob, NeuronPool, Schedule, ScheduleError, ServiceSpec, zone_like};

use super::group_fit::{self, Placed};
use super::site::Site;
use super::subject::Subject;
use super::{World, compile, devices, fit, gang, identity, job_work, networking, overrides, retry, service, task};

/// The name of a job is part of the group of each of its tasks, of which ECS takes 255 characters.
pub(super) const LONGEST_NAME: usize = 128;
/// When Managed Instances begin to drain an instance at the latest (developer guide, "Patching in Amazon ECS Managed Instances").
const DRAIN_BEGINS: Duration = Duration::from_seconds(14 * 24 * 60 * 60);

pub(super) fn check(subject: &mut Subject<'_>, world: &World<'_>, job: &NeuronJob) {
    let like = ServiceSpec { replicas: Some(job.spec.parallelism()), ..job.as_service().spec };
    let spec = &like;
    let pools: Vec<&NeuronPool> = service::pools(subject, world, spec);
    let site = Site::of(spec, &pools);
    identity::tags(subject, "/spec/tags", &spec.tags, 50);
    task::check(subject, spec, site);
    room(subject, world, spec, &pools);
    for pool in pools.iter().filter(|pool| pool.spec.capacity().is_managed()) {
        lifetime(subject, job, pool);
    }
    networking::check(subject, spec, site, &pools);
    overrides::service(subject, spec, site);
    retry::check(subject, job);
    job_work::check(subject, job);
    gang::check(subject, job, &pools);
    if let Some(wanted) = &job.spec.compile {
        compile::check(subject, world, job.compile_job().as_ref(), (&job.metadata, &job.spec.template, wanted), &pools);
    }
    identified(subject, job);
    limits(subject, job);
    if let Some(wanted) = &job.spec.schedule {
        schedule(subject, wanted);
    }
}

/// Whether the pools have devices and room for such tasks.
pub(super) fn room(subject: &mut Subject<'_>, world: &World<'_>, spec: &ServiceSpec, pools: &[&NeuronPool]) {
    let site = Site::of(spec, pools);
    devices::check(subject, world, spec, site, pools);
    for pool in pools {
        match pool.spec.capacity() {
            Capacity::ManagedInstances(_) => fit::check(subject, world, spec, pool),
            Capacity::AutoScalingGroup(group) => {
                group_fit::task(subject, world, &Placed { spec, pool, group, site });
            }
        }
    }
}

fn identified(subject: &mut Subject<'_>, job: &NeuronJob) {
    let name = job.metadata.name.as_str();
    if name.len() > LONGEST_NAME {
        let message = format!("the name has {} characters; a job may have {LONGEST_NAME}", name.len());
        let help = "Axon puts it into the group of every task, of which ECS takes 255, and into the names of records.";
        subject.report(Code::JobNameTooLong, "/metadata/name", message, help);
    }
    if let Some(value) = job.metadata.annotations.get(ADOPT) {
        let at = format!("/metadata/annotations/{}", crate::parse::escape(ADOPT));
        let message =
            format!("the annotation {ADOPT} is {value:?}, and a job has nothing on AWS that could be taken over");
        subject.report(Code::AdoptUnused, &at, message, "Remove it. Tasks that others have started stay theirs.");
    }
}

fn limits(subject: &mut Subject<'_>, job: &NeuronJob) {
    if job.spec.active_deadline.is_some_and(|limit| limit.seconds() == 0) {
        let help = "Give it the time that the work may take, or leave activeDeadline out.";
        subject.report(Code::NoTime, "/spec/activeDeadline", "activeDeadline is 0s; every run fails at once", help);
    }
    let completions = job.spec.completions;
    if let Some(parallelism) = job.spec.parallelism.filter(|wanted| *wanted > completions) {
        let message = format!("parallelism is {parallelism}, and there are {completions} tasks in all");
        let help = format!("Write at most {completions}, or raise completions.");
        subject.report(Code::ParallelismUnused, "/spec/parallelism", message, help);
    }
}

fn schedule(subject: &mut Subject<'_>, wanted: &Schedule) {
    match wanted.calendar() {
        Err(error @ ScheduleError::Pattern(..)) => {
            let help = "Write minute, hour, day of month, month and day of week, such as `0 2 * * *`.";
            subject.report(Code::BadSchedule, "/spec/schedule/cron", error.to_string(), help);
        }
        Err(error @ ScheduleError::Zone(_)) => {
            let help = zone_like(&wanted.time_zone).map_or_else(
                || "Write a name such as `Europe/Berlin`, or `UTC`.".to_owned(),
                |near| format!("Did you mean `{near}`?"),
            );
            subject.report(Code::BadSchedule, "/spec/schedule/timeZone", error.to_string(), help);
        }
        // Whether a pattern ever fits does not depend on when that is asked.
        Ok(calendar) if calendar.next(jiff::Timestamp::UNIX_EPOCH).is_none() => {
            let message = format!("there is no day at which {:?} fits, so nothing ever runs", wanted.cron);
            let help = "Choose a day that exists. To pause a job, write `suspend: true`.";
            subject.report(Code::NeverDue, "/spec/schedule/cron", message, help);
        }
        Ok(_) => {}
    }
    if wanted.starting_deadline.is_some_and(|limit| limit.seconds() == 0) {
        let message = "startingDeadline is 0s; every run is late by then and left out";
        let help = "Allow for the interval at which the operator looks, for instance `10m`, or leave it out.";
        subject.report(Code::NoTime, "/spec/schedule/startingDeadline", message, help);
    }
}

/// Tasks that may outlive their instance.
fn lifetime(subject: &mut Subject<'_>, job: &NeuronJob, pool: &NeuronPool) {
    let (at, what) = match job.spec.active_deadline {
        Some(limit) if limit < DRAIN_BEGINS => return,
        Some(limit) => ("/spec/activeDeadline", format!("activeDeadline is {limit}")),
        None => ("/spec", "there is no activeDeadline".to_owned()),
    };
    let message = format!(
        "{what}, and the pool {} has Managed Instances: AWS drains an instance after 14 days at the latest and ends it after 21",
        pool.metadata.name
    );
    let help = "Give an activeDeadline below `336h`; longer work needs checkpoints or a pool of Auto Scaling groups.";
    subject.report(Code::OutlivesInstance, at, message, help);
}
