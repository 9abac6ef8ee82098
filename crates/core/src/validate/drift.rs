//! Rules for `spec.drift.ignore`: JSON pointers that lead to something Axon compares.
//!
//! Neighbours: called by the rules of each kind; `probe` knows the members of AWS's requests. Not here: what a pointer
//! does.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use crate::diagnostic::{Code, nearest};
use crate::ignored::segments;
use crate::parse::escape;
use crate::shape::cluster::UpdateCluster;
use crate::shape::provider::{AutoScalingGroupProvider, ManagedInstancesProvider};
use crate::shape::scaling_group::UpdateAutoScalingGroup;
use crate::shape::service::UpdateService;
use crate::spec::{ClusterSpec, Drift, Metadata, PREFIX, PoolSpec, ServiceSpec};

use super::probe::{Leads, probe};
use super::site::Site;
use super::subject::Subject;

/// The only setting of a cluster that AWS has.
const INSIGHTS: &str = "containerInsights";
const MANAGED: &str = "managedInstancesProvider";
const IN_GROUP: &str = "autoScalingGroupProvider";

/// What is wrong with a pointer, and what would be right.
struct Lost {
    why: String,
    help: String,
}

pub(super) fn cluster(subject: &mut Subject<'_>, metadata: &Metadata, spec: &ClusterSpec) {
    let keys = keys(metadata, &spec.tags);
    check(subject, &spec.drift, &keys, |path| match path {
        // AWS has a list of them; Axon compares by name.
        [settings, name] if settings == "settings" && name == INSIGHTS => Ok(()),
        [settings, _, ..] if settings == "settings" => Err(lost("AWS has no such setting", &[], INSIGHTS, "/settings")),
        path => member::<UpdateCluster>(path, &["cluster"]),
    });
}

pub(super) fn pool(subject: &mut Subject<'_>, metadata: &Metadata, spec: &PoolSpec) {
    let keys = keys(metadata, &spec.tags);
    let managed = spec.managed_instances.is_some();
    check(subject, &spec.drift, &keys, |path| match path {
        [first, rest @ ..] if first == MANAGED && managed => below::<ManagedInstancesProvider>(MANAGED, rest),
        [first, rest @ ..] if first == IN_GROUP && !managed => below::<AutoScalingGroupProvider>(IN_GROUP, rest),
        [first, ..] if managed => Err(lost("the request has no such member", &[MANAGED, "tags"], first, "")),
        path => member::<UpdateAutoScalingGroup>(path, &["AutoScalingGroupName"]),
    });
}

pub(super) fn service(subject: &mut Subject<'_>, metadata: &Metadata, spec: &ServiceSpec, site: Site<'_>) {
    let keys = keys(metadata, &spec.tags);
    check(subject, &spec.drift, &keys, |path| {
        match path {
        [only] if only == "desiredCount" && site.paths() => Err(Lost {
            why: "Axon chooses the devices of every replica here, so the counts of its ECS services follow from `replicas`".to_owned(),
            help: "Remove it; to leave the number of replicas to others, leave out `replicas`.".to_owned(),
        }),
        path => member::<UpdateService>(path, &["cluster", "service", "forceNewDeployment"]),
    }
    });
}

/// Keys of the tags that are declared.
fn keys<'s>(metadata: &'s Metadata, tags: &'s BTreeMap<String, String>) -> Vec<&'s str> {
    metadata.labels.keys().chain(tags.keys()).map(String::as_str).collect()
}

fn check(subject: &mut Subject<'_>, drift: &Drift, keys: &[&str], member: impl Fn(&[String]) -> Result<(), Lost>) {
    for (index, pointer) in drift.ignore.iter().enumerate() {
        let at = format!("/spec/drift/ignore/{index}");
        let Some(path) = segments(pointer) else {
            let message = format!("{pointer:?} is no JSON pointer to a member");
            let slashed = format!("/{}", pointer.replace('.', "/"));
            let help = match segments(&slashed) {
                Some(_) if !pointer.is_empty() && !pointer.starts_with('/') => format!("Write `{slashed}`."),
                _ => "Write a slash before every member; `~1` stands for a slash in a name and `~0` for a tilde."
                    .to_owned(),
            };
            subject.report(Code::BadPointer, &at, message, help);
            continue;
        };
        let found = match path.as_slice() {
            [tags] if tags == "tags" => Ok(()),
            [tags, rest @ ..] if tags == "tags" => tag(rest, keys),
            path => member(path),
        };
        if let Err(Lost { why, help }) = found {
            subject.report(Code::PointerToNothing, &at, format!("{pointer} never matches: {why}"), help);
        }
    }
}

fn tag(rest: &[String], keys: &[&str]) -> Result<(), Lost> {
    match rest {
        [key] if keys.contains(&key.as_str()) => Ok(()),
        [key] if key.starts_with(PREFIX) => {
            Err(Lost { why: "by these tags Axon knows what is its own".to_owned(), help: "Remove it.".to_owned() })
        }
        [key] => Err(lost("only tags that are declared are compared", keys, key, "/tags")),
        _ => Err(Lost { why: "a tag has no members".to_owned(), help: "In a key, write `~1` for a slash.".to_owned() }),
    }
}

fn below<T: DeserializeOwned>(member: &str, rest: &[String]) -> Result<(), Lost> {
    follow::<T>(rest, &[], &format!("/{member}"))
}

fn member<T: DeserializeOwned>(path: &[String], refused: &[&str]) -> Result<(), Lost> {
    follow::<T>(path, refused, "")
}

fn follow<T: DeserializeOwned>(path: &[String], refused: &[&str], before: &str) -> Result<(), Lost> {
    let until = |count: usize| {
        let segments = path.iter().take(count).map(|segment| format!("/{}", escape(segment)));
        format!("{before}{}", segments.collect::<String>())
    };
    if path.first().is_some_and(|first| refused.contains(&first.as_str())) {
        let why = "it says which resource is meant, or is a wish for once".to_owned();
        return Err(Lost { why, help: "Remove it.".to_owned() });
    }
    match probe::<T>(path) {
        Leads::Somewhere => Ok(()),
        Leads::Nowhere(at, known) => {
            let known: Vec<&str> = known.iter().copied().filter(|name| !refused.contains(name)).collect();
            let wrong = path.get(at).map(String::as_str).unwrap_or_default();
            Err(lost("the request has no such member", &known, wrong, &until(at)))
        }
        Leads::IntoList(at) => {
            Err(Lost { why: "lists are compared as a whole".to_owned(), help: format!("Write `{}`.", until(at)) })
        }
        Leads::TooDeep(at) => {
            Err(Lost { why: format!("{} has no members", until(at)), help: format!("Write `{}`.", until(at)) })
        }
    }
}

/// A segment that is none of those known there.
fn lost(why: &str, known: &[&str], wrong: &str, before: &str) -> Lost {
    let help = match (nearest(wrong, known.iter().copied()), known) {
        (Some(near), _) => format!("Did you mean `{before}/{}`?", escape(near)),
        (None, []) => format!("Write `{before}/{}`.", escape(wrong)),
        (None, known) => format!("Known there: {}.", known.join(", ")),
    };
    Lost { why: why.to_owned(), help }
}

#[cfg(test)]
mod tests {
    use crate::neuron::Catalog;
    use crate::parse::{SourceFile, parse};
    use crate::validate::validate;

    const MANAGED: &str = "managedInstances:\n    infrastructureRoleArn: arn:aws:iam::111122223333:role/r\n    \
         instanceProfileArn: arn:aws:iam::111122223333:instance-profile/p\n    subnets: [subnet-0a1b2c3d]\n    \
         instanceRequirements: {allowedInstanceTypes: [inf2.8xlarge]}\n";
    const GROUP: &str = "autoScalingGroup:\n    instanceTypes: [inf2.24xlarge]\n    \
         instanceProfileArn: arn:aws:iam::111122223333:instance-profile/p\n    subnets: [subnet-0a1b2c3d]\n    maxSize: 4\n";

    /// What is said about the pointers of a cluster, a pool and a service, one finding a line.
    fn findings(capacity: &str, cluster: &str, pool: &str, service: &str) -> String {
        let head = "apiVersion: neuron.ecs/v1alpha1\nkind:";
        let text = format!(
            "{head} NeuronCluster\nmetadata: {{name: ml}}\nspec: {{drift: {{ignore: [{cluster}]}}}}\n---\n{head} NeuronPool\n\
             metadata: {{name: chips}}\nspec:\n  cluster: ml\n  drift: {{ignore: [{pool}]}}\n  {capacity}---\n{head} \
             NeuronService\nmetadata: {{name: llama, labels: {{team: nlp}}}}\nspec:\n  pool: chips\n  replicas: 1\n  \
             drift: {{ignore: [{service}]}}\n  tags: {{cost/center: x}}\n  template:\n    cpu: 8192\n    memory: 16384\n    \
             containers: [{{name: server, image: \"vllm:1\", healthCheck: {{command: [CMD, \"true\"]}}}}]\n"
        );
        let files = [SourceFile { path: "a.yaml".to_owned(), text }];
        let found = validate(parse(&files), &Catalog::builtin()).diagnostics;
        let errors = found.iter().filter(|found| found.is_error());
        let lines = errors.map(|found| format!("{} {} | {}\n", found.code, found.message, found.help));
        lines.collect::<Vec<String>>().concat()
    }

    #[test]
    fn pointers_that_axon_status_and_axon_render_print_are_taken() {
        let pool = "/managedInstancesProvider/instanceLaunchTemplate/storageConfiguration/storageSizeGiB";
        let service = "/desiredCount, /tags/team, /tags/cost~1center, /tags, /taskDefinition, \
             /networkConfiguration/awsvpcConfiguration/subnets, /deploymentConfiguration/maximumPercent";
        assert_eq!(findings(MANAGED, "/settings, /settings/containerInsights, /configuration", pool, service), "");
        let group = "/MaxSize, /autoScalingGroupProvider/managedScaling/targetCapacity";
        assert_eq!(findings(GROUP, "", group, "/healthCheckGracePeriodSeconds"), "");
    }

    #[test]
    fn a_pointer_that_leads_nowhere_comes_with_the_nearest_that_does_not() {
        let found = |cluster: &str, pool: &str, service: &str| findings(MANAGED, cluster, pool, service);
        for (pointer, help) in [
            ("/desiredcount", "Did you mean `/desiredCount`?"),
            ("/deploymentConfiguration/maximumPercnt", "Did you mean `/deploymentConfiguration/maximumPercent`?"),
            ("/loadBalancers/0/containerPort", "Write `/loadBalancers`."),
            ("/desiredCount/x", "Write `/desiredCount`."),
            ("/tags/taem", "Did you mean `/tags/team`?"),
            ("/tags/neuron.ecs~1name", "Remove it."),
            ("/cluster", "Remove it."),
        ] {
            let text = found("", "", pointer);
            assert!(text.starts_with("AX0214 ") && text.ends_with(&format!("{help}\n")), "{pointer}: {text}");
        }
        assert!(found("/settings/insights", "", "").contains("Write `/settings/containerInsights`."));
        assert!(found("", "/managedInstanceProvider", "").contains("Did you mean `/managedInstancesProvider`?"));
        assert!(found("", "/MaxSize", "").contains("Known there: managedInstancesProvider, tags."));
        assert!(findings(GROUP, "", "/Maxsize", "").contains("Did you mean `/MaxSize`?"));
        assert!(findings(GROUP, "", "/AutoScalingGroupName", "").contains("Remove it."));
    }

    #[test]
    fn what_is_no_pointer_is_written_as_one_where_that_is_clear() {
        assert!(findings(MANAGED, "", "", "desiredCount").contains("AX0213"));
        assert!(findings(MANAGED, "", "", "a.b").contains("Write `/a/b`."));
        assert!(findings(MANAGED, "", "", "/a~2").contains("`~0` for a tilde"));
        assert!(findings(MANAGED, "", "", "\"\"").contains("AX0213"));
    }

    #[test]
    fn where_axon_counts_replicas_nobody_else_can() {
        assert!(findings(GROUP, "", "", "/desiredCount").contains("leave out `replicas`"));
    }
}
