//! Roles that an object would have passed to ECS and EC2, against the operator's list.
//!
//! Neighbours: `roles` is the list and finds them; `check` asks again before every call. Not here: whether they exist.

use serde_json::Value;

use crate::diagnostic::Code;
use crate::roles::RoleRules;
use crate::spec::Object;

use super::subject::Subject;

pub(super) fn check(subject: &mut Subject<'_>, roles: &RoleRules, object: &Object) {
    if roles.is_any() {
        return;
    }
    let document = match object {
        Object::Cluster(cluster) => serde_json::to_value(cluster),
        Object::Pool(pool) => serde_json::to_value(pool),
        Object::Service(service) => serde_json::to_value(service),
        Object::Job(job) => serde_json::to_value(job),
    };
    // What was read from JSON can be written as JSON.
    for (pointer, role) in roles.refused(&document.unwrap_or(Value::Null)) {
        let message = format!("{role:?} may not be passed; the operator allows {roles}");
        let help = "Name an allowed role, or ask whoever runs Axon to add this one to policy.roles.allow.";
        subject.report(Code::RoleRefused, &pointer, message, help);
    }
}
