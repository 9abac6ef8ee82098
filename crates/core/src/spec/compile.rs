//! What a NeuronService or NeuronJob can say about compiling its model before it starts.
//!
//! Neighbours: part of `service` and `job`. `resolve` makes a job of its own out of it, `plan` lets the workload wait for that. Not
//! here: what is compiled, which is up to the command.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    DEFAULT_BACKOFF_LIMIT, Devices, Duration, JobSpec, Metadata, Name, NeuronJob, NeuronService, ServiceSpec, Template,
};
use crate::fingerprint::hex;

/// The variable in which PyTorch Neuron and its libraries look for the cache (Neuron documentation, "Neuron Persistent Cache").
pub const COMPILE_CACHE: &str = "NEURON_COMPILE_CACHE_URL";
/// What is appended to the name of a workload for the job that compiles for it.
const SUFFIX: &str = "-compile";
/// Digits of the part of the cache that is for one image, SDK version and degree of parallelism.
const DIGITS: usize = 16;

/// A task that fills the Neuron compile cache, before a service is deployed or a job starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Compile {
    /// Where compiled models are kept: a prefix in S3 (`s3://bucket/prefix`), or the absolute path of a volume that both mount.
    /// A part of its own is appended for each image, `sdk` and `parallelism`; the containers find the whole in
    /// `NEURON_COMPILE_CACHE_URL`.
    pub cache: String,
    /// Arguments of the container with the Neuron devices that make it compile and end, instead of its own.
    pub command: Vec<String>,
    /// Its program. Default: that of the container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entry_point: Vec<String>,
    /// Environment variables beside those of the container, which they replace. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Version of the Neuron SDK in the image, for instance `2.26.0`. Another one is another part of the cache. Default: the image
    /// alone tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
    /// NeuronCores over which the model is split. Another number is another part of the cache. Default: one part for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub parallelism: Option<u32>,
    /// The NeuronPool on which it runs, in the same cluster. Default: the first of the workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Name>,
    /// Neuron devices of the task. Default: as many as the workload's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<Devices>,
    /// How often it is tried again after failures that count, 0 to 100. Default: 3.
    #[serde(default = "backoff_limit")]
    #[schemars(range(max = 100))]
    pub backoff_limit: u32,
    /// How long it may take in all. Default: `6h`.
    #[serde(default = "six_hours")]
    pub active_deadline: Duration,
}

const fn backoff_limit() -> u32 {
    DEFAULT_BACKOFF_LIMIT
}

const fn six_hours() -> Duration {
    Duration::from_seconds(6 * 60 * 60)
}

impl Compile {
    /// The name of the job that compiles for a workload; none if it would be too long.
    pub fn job_name(workload: &Name) -> Option<Name> {
        format!("{workload}{SUFFIX}").parse().ok()
    }

    /// The part of the cache that a task uses.
    pub fn location(&self, template: &Template) -> String {
        let image = template.neuron_container().map_or("", |container| container.image.as_str());
        // A tag beside a digest says nothing about what runs.
        let content = image.split_once('@').map_or(image, |(_, digest)| digest);
        let sdk = self.sdk.as_deref().unwrap_or_default();
        let parallelism = self.parallelism.map(|degree| degree.to_string()).unwrap_or_default();
        let key = hex(&format!("{content}\n{sdk}\n{parallelism}"), DIGITS);
        format!("{}/{key}", self.cache.trim_end_matches('/'))
    }

    /// The template with the variable that names the cache.
    pub fn with_cache(&self, template: &Template) -> Template {
        let location = self.location(template);
        let name = template.neuron_container().map(|container| container.name.clone());
        let mut template = template.clone();
        for container in template.containers.iter_mut().filter(|container| Some(&container.name) == name.as_ref()) {
            container.env.insert(COMPILE_CACHE.to_owned(), location.clone());
        }
        template
    }

    /// The task that compiles: the container with the Neuron devices alone, with nothing that only makes sense while it serves.
    fn task(&self, template: &Template) -> Template {
        let mut task = self.with_cache(template);
        let name = task.neuron_container().map(|container| container.name.clone());
        task.containers.retain(|container| Some(&container.name) == name.as_ref());
        for container in &mut task.containers {
            container.command.clone_from(&self.command);
            if !self.entry_point.is_empty() {
                container.entry_point.clone_from(&self.entry_point);
            }
            container.env.extend(self.env.clone());
            container.essential = true;
            container.ports.clear();
            container.depends_on.clear();
            container.health_check = None;
            container.restart_policy = None;
        }
        let mounted = |name: &Name| task.containers.iter().flat_map(|c| &c.mounts).any(|mount| mount.volume == *name);
        let volumes = task.volumes.iter().filter(|volume| mounted(&volume.name)).cloned().collect();
        Template { volumes, ..task }
    }

    /// The job that compiles for a workload; none if it would have no pool or no name.
    fn job(&self, workload: &Metadata, spec: &ServiceSpec) -> Option<NeuronJob> {
        let first = || spec.shares().into_iter().next().map(|share| share.pool);
        let metadata = Metadata { name: Self::job_name(&workload.name)?, ..workload.clone() };
        let job = JobSpec {
            devices: self.devices.unwrap_or(spec.devices),
            backoff_limit: self.backoff_limit,
            active_deadline: Some(self.active_deadline),
            networking: spec.networking.clone(),
            tags: spec.tags.clone(),
            ..JobSpec::new(self.pool.clone().or_else(first)?, self.task(&spec.template))
        };
        Some(NeuronJob::new(metadata, job))
    }
}

impl NeuronService {
    /// The job that compiles for it, if it asks for that.
    pub fn compile_job(&self) -> Option<NeuronJob> {
        self.spec.compile.as_ref()?.job(&self.metadata, &self.spec)
    }
}

impl NeuronJob {
    /// The job that compiles for it, if it asks for that.
    pub fn compile_job(&self) -> Option<Self> {
        let mut job = self.spec.compile.as_ref()?.job(&self.metadata, &self.as_service().spec)?;
        job.spec.priority = self.spec.priority;
        job.spec.suspend = self.spec.suspend;
        Some(job)
    }
}
