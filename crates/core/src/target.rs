//! Which part of a fleet is for which target (AWS account and Region) of a process.
//!
//! Between `validate` and `resolve`: a cluster says its target; its pools, and their services and jobs follow. What cannot be
//! assigned is held still in every target, as nobody knows in which one its resources are. No knowledge of accounts.

use std::collections::{BTreeMap, BTreeSet};

use crate::spec::{Fleet, Name, ObjectKey};

/// A target among those that the operator's configuration names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub name: Name,
    /// The names of all targets, this one among them.
    pub all: BTreeSet<Name>,
}

/// What a target has to do with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Assignment {
    Here,
    Elsewhere,
    /// Nobody can say; with the reason, if it is this object's own fault.
    Unclear(Option<String>),
}

impl Target {
    /// Takes out of a fleet what is for other targets. Gives the objects that no target can take, and why.
    pub fn keep_part(&self, fleet: &mut Fleet) -> BTreeMap<ObjectKey, String> {
        let mut unclear = BTreeMap::new();
        let clusters: BTreeMap<Name, Assignment> = fleet
            .clusters
            .iter()
            .map(|(name, cluster)| (name.clone(), self.assign(cluster.spec.target.as_ref())))
            .collect();
        let pools: BTreeMap<Name, Assignment> =
            fleet.pools.iter().map(|(name, pool)| (name.clone(), self.follow(&clusters, &pool.spec.cluster))).collect();
        let services: BTreeMap<Name, Assignment> = fleet
            .services
            .iter()
            .map(|(name, service)| {
                // Several pools of a service share a cluster.
                let share = service.spec.shares().into_iter().next();
                (name.clone(), share.map_or(Assignment::Unclear(None), |share| self.follow(&pools, &share.pool)))
            })
            .collect();
        let jobs: BTreeMap<Name, Assignment> =
            fleet.jobs.iter().map(|(name, job)| (name.clone(), self.follow(&pools, &job.spec.pool))).collect();
        let mut sort = Sort { stalled: &mut fleet.stalled, unclear: &mut unclear };
        fleet.clusters.retain(|name, _| sort.keeps(ObjectKey::cluster(name.clone()), clusters.get(name)));
        fleet.pools.retain(|name, _| sort.keeps(ObjectKey::pool(name.clone()), pools.get(name)));
        fleet.services.retain(|name, _| sort.keeps(ObjectKey::service(name.clone()), services.get(name)));
        fleet.jobs.retain(|name, _| sort.keeps(ObjectKey::job(name.clone()), jobs.get(name)));
        unclear
    }

    fn assign(&self, wanted: Option<&Name>) -> Assignment {
        let only = if self.all.len() == 1 { self.all.first() } else { None };
        let known = || self.all.iter().map(Name::as_str).collect::<Vec<_>>().join(", ");
        match wanted.or(only) {
            None => Assignment::Unclear(Some(format!(
                "spec.target is missing, and the operator works on several targets: give one of {}",
                known()
            ))),
            Some(wanted) if !self.all.contains(wanted) => Assignment::Unclear(Some(format!(
                "spec.target is {wanted}, which the operator's configuration does not name: give one of {}",
                known()
            ))),
            Some(wanted) if *wanted == self.name => Assignment::Here,
            Some(_) => Assignment::Elsewhere,
        }
    }

    /// What it depends on decides. Without that, the only target is the only place where it can be.
    fn follow(&self, assigned: &BTreeMap<Name, Assignment>, on: &Name) -> Assignment {
        match assigned.get(on) {
            Some(Assignment::Here) => Assignment::Here,
            Some(Assignment::Elsewhere) => Assignment::Elsewhere,
            None if self.all.len() == 1 => Assignment::Here,
            Some(Assignment::Unclear(_)) | None => Assignment::Unclear(None),
        }
    }
}

struct Sort<'a> {
    stalled: &'a mut BTreeSet<ObjectKey>,
    unclear: &'a mut BTreeMap<ObjectKey, String>,
}

impl Sort<'_> {
    fn keeps(&mut self, key: ObjectKey, assignment: Option<&Assignment>) -> bool {
        match assignment {
            Some(Assignment::Here) => true,
            Some(Assignment::Elsewhere) | None => false,
            Some(Assignment::Unclear(why)) => {
                if let Some(why) = why {
                    self.unclear.insert(key.clone(), format!("{why}; nothing of it is changed or removed"));
                }
                self.stalled.insert(key);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neuron::Catalog;
    use crate::parse::{SourceFile, parse};
    use crate::validate::validate;

    /// A cluster with a pool and a service of it, all of the same name, and a job that has `-job` added to it.
    fn fleet(clusters: &[(&str, &str)]) -> Fleet {
        let documents = clusters.iter().map(|(name, target)| {
            format!(
                "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronCluster\nmetadata: {{name: {name}}}\nspec: {{{target}}}\n---\n\
                 apiVersion: neuron.ecs/v1alpha1\nkind: NeuronPool\nmetadata: {{name: {name}}}\nspec:\n  cluster: {name}\n  \
                 managedInstances:\n    infrastructureRoleArn: arn:aws:iam::111122223333:role/r\n    \
                 instanceProfileArn: arn:aws:iam::111122223333:instance-profile/p\n    subnets: [subnet-0a1b2c3d]\n    \
                 securityGroups: [sg-0a1b2c3d]\n    instanceRequirements: {{allowedInstanceTypes: [\"inf2*\"]}}\n---\n\
                 apiVersion: neuron.ecs/v1alpha1\nkind: NeuronService\nmetadata: {{name: {name}}}\nspec:\n  pool: {name}\n  \
                 replicas: 1\n  template:\n    cpu: 2048\n    memory: 4096\n    containers: [{{name: c, image: i}}]\n---\n\
                 apiVersion: neuron.ecs/v1alpha1\nkind: NeuronJob\nmetadata: {{name: {name}-job}}\nspec:\n  pool: {name}\n  \
                 template:\n    cpu: 2048\n    memory: 4096\n    containers: [{{name: c, image: i}}]\n"
            )
        });
        let text = documents.collect::<Vec<_>>().join("---\n");
        let validated = validate(parse(&[SourceFile { path: "a.yaml".into(), text }]), &Catalog::builtin());
        let accepted = (validated.fleet.services.len(), validated.fleet.jobs.len());
        assert_eq!(accepted, (clusters.len(), clusters.len()), "{:#?}", validated.diagnostics);
        validated.fleet
    }

    fn target(name: &str, all: &[&str]) -> Target {
        let all = all.iter().map(|name| name.parse().unwrap()).collect();
        Target { name: name.parse().unwrap(), all }
    }

    fn kept(target: &Target, fleet: &Fleet) -> (Vec<String>, Vec<String>, Vec<String>) {
        let mut fleet = fleet.clone();
        let unclear = target.keep_part(&mut fleet);
        let clusters = fleet.clusters.keys().map(|name| format!("NeuronCluster/{name}"));
        let pools = fleet.pools.keys().map(|name| format!("NeuronPool/{name}"));
        let services = fleet.services.keys().map(|name| format!("NeuronService/{name}"));
        let jobs = fleet.jobs.keys().map(|name| format!("NeuronJob/{name}"));
        let kept = clusters.chain(pools).chain(services).chain(jobs).collect();
        (kept, fleet.stalled.iter().map(ToString::to_string).collect(), unclear.into_values().collect())
    }

    #[test]
    fn with_one_target_everything_is_for_it_whether_it_is_named_or_not() {
        let fleet = fleet(&[("a", ""), ("b", "target: prod")]);
        let (kept, stalled, unclear) = kept(&target("prod", &["prod"]), &fleet);
        assert_eq!((kept.len(), stalled.len(), unclear.len()), (8, 0, 0));
    }

    #[test]
    fn pools_services_and_jobs_follow_their_cluster() {
        let fleet = fleet(&[("a", "target: prod"), ("b", "target: staging")]);
        let (here, stalled, _) = kept(&target("prod", &["prod", "staging"]), &fleet);
        assert_eq!(here, ["NeuronCluster/a", "NeuronPool/a", "NeuronService/a", "NeuronJob/a-job"]);
        assert_eq!(stalled, Vec::<String>::new());
        let (there, _, _) = kept(&target("staging", &["prod", "staging"]), &fleet);
        assert_eq!(there, ["NeuronCluster/b", "NeuronPool/b", "NeuronService/b", "NeuronJob/b-job"]);
    }

    #[test]
    fn what_no_target_can_take_is_held_still_in_all_of_them_and_says_why() {
        let fleet = fleet(&[("a", ""), ("b", "target: sandbox")]);
        for name in ["prod", "staging"] {
            let (kept, stalled, unclear) = kept(&target(name, &["prod", "staging"]), &fleet);
            assert_eq!(kept, Vec::<String>::new());
            assert_eq!(stalled.len(), 8, "{stalled:?}");
            assert!(
                unclear[0].contains("spec.target is missing") && unclear[0].contains("prod, staging"),
                "{unclear:?}"
            );
            assert!(unclear[1].contains("spec.target is sandbox"), "{unclear:?}");
            assert_eq!(unclear.len(), 2, "only the cluster is to blame");
        }
    }

    #[test]
    fn what_depends_on_an_unusable_object_is_nobodys_while_there_are_several_targets() {
        let mut fleet = fleet(&[("a", "target: prod")]);
        let name: Name = "a".parse().unwrap();
        fleet.clusters.remove(&name);
        fleet.stalled.insert(ObjectKey::cluster(name));
        let (here, stalled, unclear) = kept(&target("prod", &["prod", "staging"]), &fleet);
        assert_eq!((here.len(), stalled.len(), unclear.len()), (0, 4, 0));
        let (only, _, _) = kept(&target("prod", &["prod"]), &fleet);
        assert_eq!(only, ["NeuronPool/a", "NeuronService/a", "NeuronJob/a-job"]);
    }
}
