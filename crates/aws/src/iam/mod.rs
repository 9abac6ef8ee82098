//! IAM policies, made from the calls in `operations`: a call that is added there cannot be forgotten here.
//!
//! `scope` says how far each call reaches, `statements` what AWS is told about each reach and about what it checks on
//! Axon's behalf; `axon docs` prints the policies into `deploy/iam`. Not here: roles, and who may take them on.

use serde_json::{Map, Value, json};

use crate::operations::{ALL, Operation};

mod scope;
mod statements;
#[cfg(test)]
mod tests;

use scope::scopes;
use statements::{Actions, Condition, Statement, TABLE};

/// One of the policies that Axon comes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// What the operator, `axon run` and `axon apply` need.
    Operator,
    /// What they need in addition for pools of Auto Scaling groups; one managed policy could not hold both.
    Groups,
    /// What they need in addition for NeuronJobs.
    Jobs,
    /// What they need in addition to take over what somebody else has made (`neuron.ecs/adopt`).
    Adoption,
    /// What `axon plan` needs; nothing that changes anything.
    ReadOnly,
    /// What people need in addition for `axon logs`. No operator reads what containers write.
    Logs,
}

/// The policy as JSON. Texts such as `${AWS::Region}` are placeholders in CloudFormation's spelling.
pub fn iam_policy(policy: Policy) -> String {
    let statements: Vec<Value> =
        TABLE.iter().filter(|statement| statement.policies.contains(&policy)).map(document).collect();
    format!("{:#}\n", json!({ "Version": "2012-10-17", "Statement": statements }))
}

fn document(statement: &Statement) -> Value {
    let mut fields = Map::new();
    fields.insert("Sid".to_owned(), json!(statement.sid));
    fields.insert("Effect".to_owned(), json!("Allow"));
    fields.insert("Action".to_owned(), json!(actions(statement)));
    fields.insert("Resource".to_owned(), json!(statement.resources));
    if !statement.conditions.is_empty() {
        fields.insert("Condition".to_owned(), conditions(statement.conditions));
    }
    Value::Object(fields)
}

fn actions(statement: &Statement) -> Vec<String> {
    match statement.actions {
        Actions::Named(names) => names.iter().map(|name| (*name).to_owned()).collect(),
        Actions::Calls(scope) => {
            let reaching = ALL.iter().filter(|operation| scopes(**operation).contains(&scope));
            reaching.map(|operation| action(*operation)).collect()
        }
    }
}

/// IAM's name of the permission to make a call: for every call of ours, that is the name of the operation.
fn action(operation: Operation) -> String {
    format!("{}:{}", operation.service(), operation.name())
}

fn conditions(conditions: &[Condition]) -> Value {
    let mut operators = Map::new();
    for Condition { operator, key, values } in conditions {
        let keys = operators.entry((*operator).to_owned()).or_insert_with(|| json!({}));
        if let Value::Object(keys) = keys {
            keys.insert((*key).to_owned(), one_or_many(values));
        }
    }
    Value::Object(operators)
}

fn one_or_many(values: &[&str]) -> Value {
    match values {
        [value] => json!(value),
        values => json!(values),
    }
}
