//! NeuronJob → what its tasks are, and the name of the run that is wanted.
//!
//! Part of `resolve`. Its tasks are rendered as those of a service with the same template.

use super::{Context, packed, service};
use crate::desired::{DesiredJob, JobTasks};
use crate::fingerprint::hex;
use crate::job::RunId;
use crate::neuron::Catalog;
use crate::spec::{Accepted, Fleet, JobSpec, NeuronJob};

/// Digits of the name of a run.
const DIGITS: usize = 12;

pub(super) fn job(
    accepted: &Accepted<NeuronJob>,
    fleet: &Fleet,
    catalog: &Catalog,
    context: Context<'_>,
) -> Result<DesiredJob, String> {
    let spec = &accepted.spec;
    let pool = fleet.pools.get(&spec.pool);
    let pool = &pool.ok_or_else(|| format!("its pool {} has no valid specification", spec.pool))?.object;
    let like =
        Accepted { object: accepted.object.as_service(), policy: accepted.policy, source: accepted.source.clone() };
    let key = accepted.key();
    let tasks = if packed::is_packed(&like, pool) {
        JobTasks::Packed(Box::new(packed::packed((&like, &key), pool, catalog, context)?))
    } else {
        JobTasks::Placed(Box::new(service::service((&like, &key), pool, context)?))
    };
    let container = spec.template.neuron_container().or_else(|| spec.template.containers.first());
    Ok(DesiredJob {
        cluster: pool.spec.cluster.clone(),
        run: run(spec).ok_or("its specification cannot be written down")?,
        spec: spec.clone(),
        tasks,
        container: container.map(|container| container.name.to_string()).unwrap_or_default(),
        object: key,
    })
}

/// The run that a specification asks for. Only what the work itself is made of makes another one: neither limits and deadlines,
/// nor the pool that it runs on, nor how this version of Axon renders it.
fn run(spec: &JobSpec) -> Option<RunId> {
    let work = (&spec.template, spec.devices, spec.completions, &spec.checkpoint, &spec.overrides);
    let work = serde_json::to_string(&work).ok()?;
    let work = if spec.is_gang() { format!("{work} nodes={}", spec.nodes) } else { work };
    RunId::new(&hex(&work, DIGITS))
}
