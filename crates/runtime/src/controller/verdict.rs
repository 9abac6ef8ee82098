//! Says whether a run that is to end by itself has come to its end.
//!
//! Asked by `reconciler` after every pass; reads what `controller` knows and changes nothing.

use axon_core::status::Status;
use jiff::Timestamp;

use super::Controller;
use crate::schedule::Urgency;
use crate::settings::Until;

/// How a run ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Reached,
    Stalled,
    TimedOut,
    Failed(String),
}

impl Controller {
    /// Whether and how the run ends by itself.
    pub(crate) fn verdict(&self, now: Timestamp) -> Option<Verdict> {
        if let Some(why) = &self.fatal {
            return Some(Verdict::Failed(why.clone()));
        }
        if self.settings.until != Until::Stopped {
            if !self.violations.is_empty() {
                let violations = self.violations.join("; ");
                return Some(Verdict::Failed(format!("the plan is not safe to execute, which is a bug: {violations}")));
            }
            if let Some(verdict) = self.rests(now).then(|| self.at_rest()).flatten() {
                return Some(verdict);
            }
        }
        (self.deadline.is_some_and(|deadline| deadline <= now)).then_some(Verdict::TimedOut)
    }

    /// Whether everything is read and nothing is being done, so that the statuses are the last word.
    fn rests(&self, now: Timestamp) -> bool {
        self.state.specified().is_some()
            && self.schedule.has_swept()
            && !self.schedule.is_sweeping()
            && self.schedule.failed_sweeps() == 0
            && !self.learned
            && self.urgency(now) != Urgency::Now
            && self.in_flight.is_empty()
            && self.plan.steps.is_empty()
    }

    fn at_rest(&self) -> Option<Verdict> {
        if self.statuses.values().all(Status::is_ready) && self.plan.is_settled() {
            return Some(Verdict::Reached);
        }
        let over = |status: &Status| status.is_ready() || status.is_stalled();
        let stalled = self.settings.until == Until::Settled
            && self.statuses.values().all(over)
            && self.statuses.values().any(Status::is_stalled);
        stalled.then_some(Verdict::Stalled)
    }
}
