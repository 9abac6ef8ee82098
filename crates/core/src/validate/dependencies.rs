//! Rules for the order in which containers of a task start.
//!
//! Neighbours: called by `task`. Not here: how long they wait for one another.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Code, did_you_mean};
use crate::spec::{Container, DependencyCondition, Name, Template};

use super::subject::Subject;

pub(super) fn check(subject: &mut Subject<'_>, template: &Template) {
    let known: BTreeMap<&Name, &Container> = template.containers.iter().map(|c| (&c.name, c)).collect();
    for (index, container) in template.containers.iter().enumerate() {
        for (d, dependency) in container.depends_on.iter().enumerate() {
            let at = format!("/spec/template/containers/{index}/dependsOn/{d}");
            let other = known.get(&dependency.container).filter(|other| other.name != container.name);
            if let Some(other) = other {
                condition(subject, other, dependency.condition, &at);
            } else {
                let names = known.keys().map(|name| name.as_str()).filter(|name| container.name != *name);
                let help = did_you_mean(dependency.container.as_str(), names).unwrap_or_default();
                let message = format!("the template has no other container {}", dependency.container);
                subject.report(Code::UnknownDependency, &format!("{at}/container"), message, help);
            }
        }
    }
    cycle(subject, template, &known);
}

fn condition(subject: &mut Subject<'_>, other: &Container, condition: DependencyCondition, at: &str) {
    let (problem, help) = match condition {
        DependencyCondition::Healthy if other.health_check.is_none() => {
            ("has no health check, so it is never Healthy", "Add a healthCheck to it, or wait for Start.")
        }
        DependencyCondition::Complete | DependencyCondition::Success if other.essential => {
            ("is essential, so the task ends when it ends", "Write `essential: false` on it.")
        }
        DependencyCondition::Healthy
        | DependencyCondition::Complete
        | DependencyCondition::Success
        | DependencyCondition::Start => return,
    };
    let message = format!("the container {} {problem}", other.name);
    subject.report(Code::DependencyCondition, &format!("{at}/condition"), message, help);
}

/// Takes away containers that wait for nobody who is left; those that remain wait for one another.
fn cycle(subject: &mut Subject<'_>, template: &Template, known: &BTreeMap<&Name, &Container>) {
    let mut waiting: BTreeSet<&Name> = known.keys().copied().collect();
    loop {
        let blocked = |name: &Name| {
            known.get(name).is_some_and(|container| {
                let mut others = container.depends_on.iter().map(|d| &d.container).filter(|other| *other != name);
                others.any(|other| waiting.contains(other))
            })
        };
        let ready: Vec<&Name> = waiting.iter().copied().filter(|name| !blocked(name)).collect();
        if ready.is_empty() {
            break;
        }
        for name in ready {
            waiting.remove(name);
        }
    }
    let index = template.containers.iter().position(|container| waiting.contains(&container.name));
    if let Some(index) = index {
        let names: Vec<&str> = waiting.iter().map(|name| name.as_str()).collect();
        let message = format!("these containers wait for one another: {}", names.join(", "));
        let at = format!("/spec/template/containers/{index}/dependsOn");
        subject.report(Code::DependencyCycle, &at, message, "Remove one of the dependencies.");
    }
}
