//! The exact AWS requests that a specification becomes, as YAML or JSON. Neighbours: `commands::render` imagines an empty
//! account and hands in the steps that fill it. Not here: how requests come about.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axon_core::diagnostic::Location;
use axon_core::shape::launch_template::LaunchTemplateData;
use axon_core::shape::run_task::RunTask;
use axon_core::spec::ObjectKey;
use axon_core::step::{Action, Step};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::plan::attempt;
use super::words::one_line;

/// Where each object is declared.
pub(crate) type Places = BTreeMap<ObjectKey, Location>;

/// The document of a step, as AWS takes it.
fn request(step: &Step) -> Value {
    let mut value = json!(step.action);
    value.get_mut("request").map(Value::take).unwrap_or_default()
}

/// How an image id is written that stands in a parameter of Systems Manager, as EC2 writes it in launch templates.
pub(crate) const RESOLVE: &str = "resolve:ssm:";

/// What a reader cannot see in a request: what stands for an answer of AWS, and what is written in code.
fn notes(step: &Step) -> Vec<String> {
    match &step.action {
        Action::CreateLaunchTemplate(request) => template_notes(&request.launch_template_data),
        Action::CreateAutoScalingGroup(request) => {
            let mixed = request.mixed_instances_policy.as_ref().and_then(|policy| policy.launch_template.as_ref());
            let mixed = mixed.and_then(|template| template.launch_template_specification.as_ref());
            let id = request.launch_template.as_ref().or(mixed).and_then(|given| given.launch_template_id.as_ref());
            let note =
                id.map(|id| format!("LaunchTemplateId: {id} stands for the id that CreateLaunchTemplate answers"));
            note.into_iter().collect()
        }
        Action::CreateCapacityProvider(request) => {
            let group = request.auto_scaling_group_provider.as_ref();
            let arn = group.map(|group| &group.auto_scaling_group_arn);
            let note = arn.map(|arn| format!("autoScalingGroupArn: {arn} stands for the ARN of the group"));
            note.into_iter().collect()
        }
        Action::CreateService(request) => {
            let arn = request.task_definition.as_ref();
            let note =
                arn.map(|arn| format!("taskDefinition: {arn} stands for the ARN that RegisterTaskDefinition answers"));
            note.into_iter().collect()
        }
        Action::PutParameter { .. } if attempt(step).is_some() => {
            vec!["Written before the task is started: whoever starts anew knows that there may be one".to_owned()]
        }
        Action::RunTask(request) => task_notes(request),
        _ => Vec::new(),
    }
}

fn task_notes(request: &RunTask) -> Vec<String> {
    let arn = request.task_definition.as_ref();
    let arn = arn.map(|arn| format!("taskDefinition: {arn} stands for the ARN that RegisterTaskDefinition answers"));
    let token =
        "clientToken and group come from the names of job, run and attempt; every attempt has its own".to_owned();
    arn.into_iter().chain([token]).collect()
}

fn template_notes(data: &LaunchTemplateData) -> Vec<String> {
    let parameter = data.image_id.as_deref().and_then(|id| id.strip_prefix(RESOLVE));
    let mut notes: Vec<String> = parameter
        .map(|parameter| {
            vec![
                format!("ImageId: Axon sends the id that is in SSM parameter {parameter};"),
                "VersionDescription, the fingerprint of the contents, depends on it".to_owned(),
            ]
        })
        .unwrap_or_default();
    let decoded = data.user_data.as_ref().and_then(|data| BASE64_STANDARD.decode(data).ok());
    if let Some(script) = decoded.and_then(|script| String::from_utf8(script).ok()) {
        notes.push("UserData decoded:".to_owned());
        notes.extend(script.lines().map(|line| format!("  {}", one_line(line))));
    }
    notes
}

/// One YAML document per request, in the order in which they can be made.
pub(crate) fn yaml<'a>(steps: impl Iterator<Item = &'a Step>, places: &Places) -> String {
    let mut text = String::new();
    for step in steps {
        let place = places.get(&step.object).map(|at| format!(", declared at {at}")).unwrap_or_default();
        let (service, operation) = (step.action.service(), step.action.operation());
        let _ = writeln!(text, "---\n# {service}:{operation} for {}{place}", step.object);
        for note in notes(step) {
            let _ = writeln!(text, "# {note}");
        }
        text.push_str(&serde_yaml::to_string(&request(step)).unwrap_or_default());
    }
    text
}

/// One list of requests.
pub(crate) fn json<'a>(steps: impl Iterator<Item = &'a Step>) -> Value {
    let requests = steps.map(|step| {
        json!({
            "object": step.object.to_string(),
            "service": step.action.service(),
            "operation": step.action.operation(),
            "notes": notes(step),
            "request": request(step),
        })
    });
    Value::Array(requests.collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::plan::tests::{of_attempt, sample};
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
    fn what_stands_for_an_answer_of_aws_is_said_and_code_is_shown() {
        let mut request = axon_core::shape::launch_template::CreateLaunchTemplate::default();
        request.launch_template_data.image_id = Some(format!("{RESOLVE}/aws/service/neuron/recommended"));
        request.launch_template_data.user_data = Some(BASE64_STANDARD.encode("#!/bin/bash\necho \u{1b}[2J\n"));
        let create = |action| Step {
            object: ObjectKey::pool("inf2".parse().unwrap()),
            resource: axon_core::step::Resource::LaunchTemplate("axon-inf2".to_owned()),
            action,
            because: Vec::new(),
        };
        let step = create(Action::CreateLaunchTemplate(request.clone()));
        let expected = "\
---
# ec2:CreateLaunchTemplate for NeuronPool/inf2
# ImageId: Axon sends the id that is in SSM parameter /aws/service/neuron/recommended;
# VersionDescription, the fingerprint of the contents, depends on it
# UserData decoded:
#   #!/bin/bash
#   echo  [2J
LaunchTemplateName: ''
";
        let text = yaml([&step].into_iter(), &Places::new());
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("ImageId: resolve:ssm:/aws/service/neuron/recommended"), "{text}");
        request.launch_template_data = LaunchTemplateData { image_id: Some("ami-1".to_owned()), ..Default::default() };
        assert_eq!(notes(&create(Action::CreateLaunchTemplate(request))), Vec::<String>::new());
    }

    #[test]
    fn a_task_of_a_job_says_what_stands_for_an_answer_and_what_differs_by_attempt() {
        let request = RunTask { task_definition: Some("ml-train:1".to_owned()), ..RunTask::default() };
        let step = of_attempt("0.0", Action::RunTask(Box::new(request)));
        let expected = "\
---
# ecs:RunTask for NeuronJob/train
# taskDefinition: ml-train:1 stands for the ARN that RegisterTaskDefinition answers
# clientToken and group come from the names of job, run and attempt; every attempt has its own
taskDefinition: ml-train:1
";
        assert_eq!(yaml([&step].into_iter(), &Places::new()), expected);
    }

    #[test]
    fn machines_get_a_list() {
        let value = json(sample().steps());
        assert_eq!(
            value[2],
            json!({
                "object": "NeuronService/llama",
                "service": "ecs",
                "notes": [],
                "operation": "DeleteService",
                "request": {"cluster": "ml", "service": "llama"},
            })
        );
    }
}
