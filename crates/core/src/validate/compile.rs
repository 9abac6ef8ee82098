//! Rules for compiling a model first: the cache, the command, the job that does it.
//!
//! Neighbours: called by `service` and `job`. The task that compiles has the containers, roles and networks of its workload, which are
//! judged there. Not here: names that are taken (`same_name`).

use crate::diagnostic::Code;
use crate::parse::escape;
use crate::spec::{COMPILE_CACHE, Compile, Metadata, NeuronJob, NeuronPool, Template};

use super::subject::Subject;
use super::{Referred, World};

/// Characters of a location.
const LONGEST_CACHE: usize = 1024;

/// `pools` are the valid ones of the workload.
pub(super) fn check(
    subject: &mut Subject<'_>,
    world: &World<'_>,
    job: Option<&NeuronJob>,
    (metadata, template, wanted): (&Metadata, &Template, &Compile),
    pools: &[&NeuronPool],
) {
    cache(subject, wanted);
    if wanted.command.is_empty() {
        let help = "Write the command that compiles and then ends, for instance `[python, compile.py]`.";
        subject.report(Code::CompileCommand, "/spec/compile/command", "the command is empty", help);
    }
    if Compile::job_name(&metadata.name).is_none_or(|name| name.as_str().len() > super::job::LONGEST_NAME) {
        let message = format!("the name of the job that compiles would be longer than {}", super::job::LONGEST_NAME);
        let help = "Give the object a shorter name: `-compile` is appended to it.";
        subject.report(Code::JobNameTooLong, "/metadata/name", message, help);
    }
    if wanted.active_deadline.seconds() == 0 {
        let help = "Give it the time that compiling may take, or leave activeDeadline out for 6h.";
        subject.report(
            Code::NoTime,
            "/spec/compile/activeDeadline",
            "activeDeadline is 0s; nothing can be compiled",
            help,
        );
    }
    variables(subject, template, wanted);
    // Otherwise it has the devices of its workload on the pool of its workload.
    if wanted.pool.is_some() || wanted.devices.is_some() {
        place(subject, world, (wanted, job), pools);
    }
    let image = template.neuron_container().map_or("", |container| container.image.as_str());
    if !image.contains('@') {
        let message =
            format!("the image {image} has no digest, so a new image under the same tag is not compiled again");
        let help = "Name the image by digest, `repository@sha256:…`; a new digest is another part of the cache.";
        subject.report(Code::CompileByTag, "/spec/compile", message, help);
    }
}

fn cache(subject: &mut Subject<'_>, wanted: &Compile) {
    let location = wanted.cache.as_str();
    let bucket = location.strip_prefix("s3://").map(|rest| rest.split('/').next().unwrap_or_default());
    let problem = if location.contains(|c: char| c.is_control() || c.is_whitespace()) {
        "has white space in it".to_owned()
    } else if location.chars().count() > LONGEST_CACHE {
        format!("has more than {LONGEST_CACHE} characters")
    } else if bucket.is_some_and(str::is_empty) {
        "names no bucket".to_owned()
    } else if bucket.is_none() && !location.starts_with('/') {
        "is neither in S3 nor an absolute path".to_owned()
    } else {
        return;
    };
    let help = "Write `s3://bucket/prefix`, or the path at which a volume is mounted.";
    subject.report(Code::CompileCache, "/spec/compile/cache", format!("the cache {location:?} {problem}"), help);
}

/// What Axon sets for both tasks cannot be set by hand as well.
fn variables(subject: &mut Subject<'_>, template: &Template, wanted: &Compile) {
    let mut report = |at: String| {
        let message = format!("{COMPILE_CACHE} is set, and compile.cache sets it");
        subject.report(Code::ReservedVariable, &at, message, "Remove it.");
    };
    let work = template.neuron_container().map(|container| &container.name);
    let found = template.containers.iter().enumerate().filter(|(_, container)| Some(&container.name) == work);
    for (index, container) in found {
        for (field, names) in [("env", container.env.keys()), ("secrets", container.secrets.keys())] {
            if names.into_iter().any(|name| name == COMPILE_CACHE) {
                report(format!("/spec/template/containers/{index}/{field}/{}", escape(COMPILE_CACHE)));
            }
        }
    }
    if wanted.env.contains_key(COMPILE_CACHE) {
        report(format!("/spec/compile/env/{COMPILE_CACHE}"));
    }
}

fn place(
    subject: &mut Subject<'_>,
    world: &World<'_>,
    (wanted, job): (&Compile, Option<&NeuronJob>),
    pools: &[&NeuronPool],
) {
    let room = |subject: &mut Subject<'_>, pool: &NeuronPool| {
        if let Some(job) = job {
            super::job::room(subject, world, &job.as_service().spec, &[pool]);
        }
    };
    let Some(name) = &wanted.pool else {
        if let Some(pool) = pools.first() {
            room(subject, pool);
        }
        return;
    };
    let at = "/spec/compile/pool";
    match world.pool(name) {
        Referred::Held => {}
        Referred::Missing => super::service::unknown_pool(subject, world, at, name),
        Referred::Valid(pool) => {
            let cluster = pools.first().map(|first| &first.spec.cluster);
            if cluster.is_some_and(|cluster| *cluster != pool.spec.cluster) {
                let message = format!("the pool {name} belongs to {}, and the workload does not", pool.spec.cluster);
                subject.report(Code::DifferentClusters, at, message, "Name a pool of the same cluster.");
            }
            room(subject, pool);
        }
    }
}
