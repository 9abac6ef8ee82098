//! Instance refreshes as plain values: what was asked for, how far they are, what they hold the group to meanwhile.
//! Neighbours: `refresh_requests` starts and shows them, `refreshing` carries them out. Sources: RefreshPreferences and
//! InstanceRefresh in the API reference, "Use an instance refresh to update instances" in the user guide.

use std::{borrow::Cow, collections::BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::group::{Group, Lifecycle, Member};
use crate::wire::value::{Read, later};

/// `InstanceRefreshStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    InProgress,
    Baking,
    Successful,
    Failed,
    Cancelling,
    Cancelled,
    RollbackInProgress,
    RollbackFailed,
    RollbackSuccessful,
}

impl Status {
    pub(crate) fn shown(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Baking => "Baking",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Cancelling => "Cancelling",
            Self::Cancelled => "Cancelled",
            Self::RollbackInProgress => "RollbackInProgress",
            Self::RollbackFailed => "RollbackFailed",
            Self::RollbackSuccessful => "RollbackSuccessful",
        }
    }

    /// It is not over: a group has one such refresh at most.
    pub(crate) fn active(self) -> bool {
        matches!(self, Self::Pending | Self::InProgress | Self::Baking | Self::Cancelling | Self::RollbackInProgress)
    }
}

/// What a rollback began from.
#[derive(Debug, Clone)]
pub(crate) struct Rollback {
    pub(crate) reason: String,
    pub(crate) started_at: Timestamp,
    pub(crate) percentage: i64,
    pub(crate) to_update: i64,
}

/// One refresh of a group.
#[derive(Debug, Clone)]
pub(crate) struct Refresh {
    pub(crate) id: String,
    pub(crate) status: Status,
    pub(crate) reason: Option<String>,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    /// `Preferences`, with defaults.
    pub(crate) preferences: Value,
    /// `DesiredConfiguration`, with defaults.
    pub(crate) desired: Option<Value>,
    /// The serial of the youngest member that was there when replacing began: later ones are replacements.
    pub(crate) since: u64,
    /// How many members there were to replace.
    pub(crate) total: i64,
    /// Members still to be replaced.
    pub(crate) left: BTreeSet<String>,
    /// Members that it ended and that are not gone yet.
    pub(crate) leaving: BTreeSet<String>,
    /// Members still to be replaced, or whose replacements do not serve yet.
    pub(crate) to_update: i64,
    /// Members that are launched beyond the desired capacity before others end.
    pub(crate) surge: i64,
    /// When it last came nearer to its end.
    pub(crate) moved_at: Timestamp,
    /// How many checkpoints are behind it.
    pub(crate) passed: usize,
    /// The wait after a checkpoint.
    pub(crate) paused_until: Option<Timestamp>,
    pub(crate) bakes_until: Option<Timestamp>,
    pub(crate) rollback: Option<Rollback>,
}

impl Refresh {
    /// Whether a member is in service and, if it is a replacement, warmed up.
    pub(crate) fn serves(&self, member: &Member, now: Timestamp) -> bool {
        let up = member.lifecycle == Lifecycle::InService && member.healthy;
        up && (member.serial <= self.since || self.warm_at(member) <= now)
    }

    pub(crate) fn warm_at(&self, member: &Member) -> Timestamp {
        later(member.joined_at, self.preferences.number("InstanceWarmup").unwrap_or(0))
    }

    /// The members that have to serve, and how many may be launched beyond the desired capacity. A minimum of 100 per cent
    /// launches first, and any other takes one instance at least, however the percentages round.
    pub(crate) fn bounds(&self, desired: i64) -> (i64, i64) {
        let percent = |key: &str, usual: i64| self.preferences.number(key).unwrap_or(usual).saturating_mul(desired);
        let least = percent("MinHealthyPercentage", 90).saturating_add(99).div_euclid(100);
        let most = percent("MaxHealthyPercentage", 100).div_euclid(100);
        let whole = self.preferences.number("MinHealthyPercentage") == Some(100);
        let surge = (most - desired).max(i64::from(whole));
        (if surge > 0 { least } else { least.min(desired - 1) }, surge)
    }

    /// The share of instances, in per cent, at which it pauses next or is over, and whether that is its end.
    pub(crate) fn goal(&self) -> (i64, bool) {
        let checkpoints = self.preferences.list("CheckpointPercentages");
        match checkpoints.get(self.passed).and_then(Value::as_i64) {
            Some(percent) if self.rollback.is_none() => (percent, self.passed + 1 == checkpoints.len()),
            _ => (100, true),
        }
    }

    /// How many of the members to be replaced may be ended before the next checkpoint.
    pub(crate) fn allowed(&self) -> i64 {
        let due = self.goal().0.saturating_mul(self.total).saturating_add(99).div_euclid(100);
        let replaced = self.total - i64::try_from(self.left.len()).unwrap_or(self.total);
        (due - replaced).max(0)
    }

    /// `PercentageComplete`, which a rollback brings back to zero.
    pub(crate) fn percentage(&self) -> i64 {
        let of = |part: i64, whole: i64| if whole > 0 { (part * 100).div_euclid(whole) } else { 100 };
        match &self.rollback {
            None if self.status == Status::Pending => 0,
            None => of(self.total - self.to_update, self.total),
            Some(rollback) if self.total > 0 => (rollback.percentage * self.to_update).div_euclid(self.total),
            Some(_) => 0,
        }
    }
}

impl Group {
    /// The refresh that is not over.
    pub(crate) fn refresh(&self) -> Option<&Refresh> {
        self.refreshes.last().filter(|r| r.status.active())
    }

    pub(crate) fn refresh_mut(&mut self) -> Option<&mut Refresh> {
        self.refreshes.last_mut().filter(|r| r.status.active())
    }

    /// How many members there should be: the desired capacity, and what a refresh launches before others end.
    pub(crate) fn wanted(&self) -> i64 {
        self.desired + self.refresh().map_or(0, |r| r.surge)
    }

    /// The group with the configuration that launches use: "if a scale-out event occurs during an instance refresh, new
    /// instances are launched with the desired configuration instead of the group's current settings".
    pub(crate) fn launching(&self) -> Cow<'_, Self> {
        let forward = self.refresh().filter(|r| matches!(r.status, Status::InProgress | Status::Baking));
        match forward.and_then(|r| r.desired.as_ref()) {
            None => Cow::Borrowed(self),
            Some(desired) => {
                let mut changed = self.clone();
                changed.configure(desired);
                Cow::Owned(changed)
            }
        }
    }

    /// Takes over a `DesiredConfiguration`.
    pub(crate) fn configure(&mut self, desired: &Value) {
        self.template = desired.at("LaunchTemplate").cloned();
        self.mixed = desired.at("MixedInstancesPolicy").cloned();
    }
}
