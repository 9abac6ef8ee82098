//! Judges services whose devices Axon chooses: all their ECS services together.

use super::{Finding, Hearing};
use crate::allocate::{Allocated, Units};
use crate::desired::PackedService;
use crate::status::{Reason, Status};

impl Hearing<'_> {
    pub(super) fn packed(&self, wanted: &PackedService, status: &mut Status) -> Vec<Finding> {
        let Some(Allocated::Units(units)) = self.plan.allocation.services.get(&wanted.object.name) else {
            return Vec::new();
        };
        let mut findings: Vec<Finding> = units.stay.values().flat_map(|unit| self.service(unit, status)).collect();
        findings.extend(Self::growing(wanted, units));
        // The count that is safe now may be less than what is wanted in the end.
        if let Some(replicas) = &mut status.replicas {
            replicas.desired = replicas.desired.max(i32::try_from(units.ledger.replicas).unwrap_or(i32::MAX));
        }
        findings
    }

    /// Replicas that have devices but must wait for others to go.
    fn growing(wanted: &PackedService, units: &Units) -> Option<Finding> {
        let now: i32 = units.stay.values().filter_map(|unit| unit.replicas).sum();
        let missing = units.unplaced.as_ref().map_or(0, |(missing, _)| *missing);
        let wanted_now = i32::try_from(units.ledger.replicas.saturating_sub(missing)).unwrap_or(i32::MAX);
        (now < wanted_now).then(|| {
            let text = format!(
                "{now} of {wanted_now} replicas of {} have their new devices; the others follow as old ones stop",
                wanted.object
            );
            Finding::progress(Reason::DeploymentInProgress, text)
        })
    }
}
