//! What is known of past deployments without asking: while a fingerprint was written and not pushed yet, ECS cannot have
//! rolled it back.
//!
//! Part of `state`. Saves every change of a service the sweep, and the call, between its two writes (ADR 004). What a plan
//! does with a history is `plan::service`'s.

use jiff::Timestamp;

use crate::observed::{History, Observed};
use crate::ownership::FINGERPRINT;
use crate::step::{Action, Resource, Step};

/// Files that a service has no deployments of its fingerprint, if this step, accepted at `at`, gave it a new one. Before
/// the effect of the step is filed.
pub(super) fn marked(observed: &mut Observed, step: &Step, at: Timestamp) {
    let (Action::TagResource { tags, .. }, Resource::Service { cluster, name }) = (&step.action, &step.resource) else {
        return;
    };
    let found = observed.services.get(cluster).and_then(|listing| listing.get(name));
    let is_new = |new: &String| found.is_some_and(|found| found.tags.get(FINGERPRINT) != Some(new));
    if tags.get(FINGERPRINT).is_some_and(is_new) {
        observed.history.insert((cluster.clone(), name.clone()), History { read: at, deployments: Vec::new() });
    }
}
