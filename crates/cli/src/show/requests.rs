//! The exact AWS requests that a specification becomes, as YAML or JSON. Neighbours: `commands::render` imagines an empty
//! account and hands in the steps that fill it. Not here: how requests come about.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axon_core::diagnostic::Location;
use axon_core::spec::ObjectKey;
use axon_core::step::Step;
use serde_json::{Value, json};

/// Where each object is declared.
pub(crate) type Places = BTreeMap<ObjectKey, Location>;

/// The document of a step, as AWS takes it.
fn request(step: &Step) -> Value {
    let mut value = json!(step.action);
    value.get_mut("request").map(Value::take).unwrap_or_default()
}

/// One YAML document per request, in the order in which they can be made.
pub(crate) fn yaml<'a>(steps: impl Iterator<Item = &'a Step>, places: &Places) -> String {
    let mut text = String::new();
    for step in steps {
        let place = places.get(&step.object).map(|at| format!(", declared at {at}")).unwrap_or_default();
        let _ = writeln!(text, "---\n# ecs:{} for {}{place}", step.action.operation(), step.object);
        text.push_str(&serde_yaml::to_string(&request(step)).unwrap_or_default());
    }
    text
}

/// One list of requests.
pub(crate) fn json<'a>(steps: impl Iterator<Item = &'a Step>) -> Value {
    let requests = steps.map(|step| {
        json!({
            "object": step.object.to_string(),
            "operation": step.action.operation(),
            "request": request(step),
        })
    });
    Value::Array(requests.collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::plan::tests::sample;
    use super::*;

    #[test]
    fn each_request_says_whom_it_is_for() {
        let preview = sample();
        let object = ObjectKey::cluster("ml".parse().unwrap());
        let places = Places::from([(object, Location::start_of(Arc::from("ml.yaml")))]);
        let expected = "\
---
# ecs:CreateCluster for NeuronCluster/ml, declared at ml.yaml:1:1
{}
---
# ecs:UpdateService for NeuronService/llama
{}
---
# ecs:DeleteService for NeuronService/llama
cluster: ml
service: llama
";
        assert_eq!(yaml(preview.steps(), &places), expected);
    }

    #[test]
    fn machines_get_a_list() {
        let value = json(sample().steps());
        assert_eq!(
            value[2],
            json!({
                "object": "NeuronService/llama",
                "operation": "DeleteService",
                "request": {"cluster": "ml", "service": "llama"},
            })
        );
    }
}
