//! Rules for how the instances of a NeuronPool are replaced.
//!
//! Neighbours: called by `group`. Not here: deployments of services (`rollout`).

use std::collections::BTreeSet;

use crate::diagnostic::Code;
use crate::spec::{PoolRollout, RolloutPolicy, RolloutWindow, zone, zone_like};

use super::group::GROUP;
use super::subject::Subject;

const DAY: u32 = 24 * 3600;

pub(super) fn check(subject: &mut Subject<'_>, rollout: &PoolRollout) {
    let at = format!("{GROUP}/rollout");
    if rollout.timeout.seconds() < 60 {
        let message = format!("timeout is {}; no instance starts in less than a minute", rollout.timeout);
        let help = "Allow for starting the instance and loading the model, for instance `20m`.";
        subject.report(Code::RolloutSetting, &format!("{at}/timeout"), message, help);
    }
    if rollout.soak.seconds() > 7 * DAY {
        let message = format!("soak is {}; a rollout that waits longer than a week never ends", rollout.soak);
        subject.report(Code::RolloutSetting, &format!("{at}/soak"), message, "Choose up to `168h`.");
    }
    if !rollout.windows.is_empty() && rollout.policy != RolloutPolicy::Roll {
        let message = format!("windows are given, and with policy {:?} no instance is replaced", rollout.policy);
        subject.report(Code::WindowsUnused, &format!("{at}/windows"), message, "Write `policy: Roll`.");
    }
    for (index, window) in rollout.windows.iter().enumerate() {
        one(subject, window, &format!("{at}/windows/{index}"));
    }
}

fn one(subject: &mut Subject<'_>, window: &RolloutWindow, at: &str) {
    if !(60..=DAY).contains(&window.duration.seconds()) {
        let message = format!("the window is open for {}; 1m to 24h can be", window.duration);
        subject.report(Code::RolloutSetting, &format!("{at}/duration"), message, "Choose a duration in the range.");
    }
    let mut days = BTreeSet::new();
    if let Some(day) = window.days.iter().find(|day| !days.insert(**day)) {
        let message = format!("{day:?} is named twice");
        subject.report(Code::RolloutSetting, &format!("{at}/days"), message, "Name each day once.");
    }
    let name = &window.time_zone;
    if zone(name).is_none() {
        let help = zone_like(name).map_or_else(
            || "Write a name such as `Europe/Berlin`, or `UTC`.".to_owned(),
            |near| format!("Did you mean `{near}`?"),
        );
        let message = format!("the time zone database has no {name:?}");
        subject.report(Code::RolloutSetting, &format!("{at}/timeZone"), message, help);
    }
}
