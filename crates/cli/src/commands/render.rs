//! `axon render`: the exact AWS requests that files become, offline.
//!
//! An account with nothing in it is imagined, and the plan that fills it is played to its end: what is printed is what
//! the planner would send, names of providers and revisions included, as they are on first creation. Replicas whose
//! devices Axon chooses are laid out on new instances. A job begins at once, whatever it would wait for, and its first attempt
//! stands for all. An image that a parameter names is not looked up: EC2's own way of
//! writing such a reference stands for its id.

use std::collections::BTreeMap;

use axon_core::cloud::Facts;
use axon_core::desired::{Desired, DesiredJob, DesiredPool};
use axon_core::observe::{Identity, Image, ImageAnswer, ImageSource};
use axon_core::observed::{Listing, Observed};
use axon_core::plan::{Limits, Prune};
use axon_core::preview::{Preview, preview};
use axon_core::roles::RoleRules;
use axon_core::spec::{Fleet, Name};
use axon_core::step::Step;
use axon_core::world::World;
use axon_runtime::clock::{Clock, SystemClock};

use crate::arguments::{Render, RenderFormat};
use crate::exit::Exit;
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::show::plan::attempt;
use crate::show::requests::{self, Places, RESOLVE};
use crate::specs::Specs;

pub(super) fn render(arguments: &Render, out: &mut Output) -> Answer {
    let specs = Specs::sound(&arguments.paths, &RoleRules::ANY, out)?;
    let preview = filled(&specs, arguments)?;
    match arguments.output {
        RenderFormat::Yaml => out.data(&requests::yaml(shown(&preview), &places(&specs.fleet)))?,
        RenderFormat::Json => out.data(&format!("{:#}\n", requests::json(shown(&preview))))?,
    }
    match preview.blocked.first() {
        None => Ok(Exit::Done),
        Some(waiting) => {
            Err(Failure::work(format!("not everything can be rendered: {} {}", waiting.object, waiting.on)))
        }
    }
}

/// The first attempt of a job stands for all: they differ in their numbers and devices only, and each set of
/// devices has its task definition.
const FIRST_ATTEMPT: &str = "0.0";

/// The steps whose requests are printed.
fn shown(preview: &Preview) -> impl Iterator<Item = &Step> {
    preview.steps().filter(|step| attempt(step).is_none_or(|attempt| attempt == FIRST_ATTEMPT))
}

/// What jobs wait for is not what is asked here.
fn begin_at_once(jobs: &mut BTreeMap<Name, DesiredJob>) {
    for job in jobs.values_mut() {
        job.spec.schedule = None;
        job.spec.suspend = false;
        job.spec.depends_on.clear();
    }
}

/// Everything that fills an account with nothing in it.
fn filled(specs: &Specs, arguments: &Render) -> Result<Preview, Failure> {
    let mut specified = specs.specified(arguments.installation.clone(), &facts(arguments))?;
    begin_at_once(&mut specified.desired.jobs);
    let observed = nothing_but_images(&specified.desired);
    let world = World { installation: &arguments.installation, desired: &specified.desired, observed: &observed };
    Ok(preview(world, &Limits::fresh(SystemClock.now(), Prune::Disabled)))
}

/// An account with nothing in it, in which every image that is asked for can be launched.
fn nothing_but_images(desired: &Desired) -> Observed {
    let groups = desired.pools.values().flat_map(DesiredPool::groups);
    Observed {
        clusters: Listing::Read(BTreeMap::new()),
        task_definitions: Listing::Read(BTreeMap::new()),
        group_providers: Listing::Read(BTreeMap::new()),
        templates: Listing::Read(BTreeMap::new()),
        groups: Listing::Read(BTreeMap::new()),
        machines: Listing::Read(BTreeMap::new()),
        records: Listing::Read(BTreeMap::new()),
        images: groups.map(|group| (group.image.clone(), ImageAnswer::Found(image(&group.image)))).collect(),
        ..Observed::default()
    }
}

fn image(source: &ImageSource) -> Image {
    let id = match source {
        ImageSource::Id(id) => id.clone(),
        ImageSource::Parameter(parameter) => format!("{RESOLVE}{parameter}"),
    };
    Image {
        id,
        name: None,
        agent_version: None,
        created: None,
        deprecated: None,
        state: "available".to_owned(),
        architecture: "x86_64".to_owned(),
        root_device: None,
    }
}

fn facts(arguments: &Render) -> Facts {
    let partition = match arguments.region.split('-').next() {
        Some("cn") => "aws-cn",
        _ if arguments.region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    Facts {
        identity: Identity {
            account: arguments.account.clone(),
            region: arguments.region.clone(),
            partition: partition.to_owned(),
        },
        // Offline; the table that is compiled in knows the types.
        instance_types: Vec::new(),
    }
}

fn places(fleet: &Fleet) -> Places {
    let clusters = fleet.clusters.values().map(|one| (one.key(), one.source.clone()));
    let pools = fleet.pools.values().map(|one| (one.key(), one.source.clone()));
    let services = fleet.services.values().map(|one| (one.key(), one.source.clone()));
    let jobs = fleet.jobs.values().map(|one| (one.key(), one.source.clone()));
    clusters.chain(pools).chain(services).chain(jobs).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use axon_core::parse::SourceFile;
    use axon_core::step::Action;

    use super::*;

    /// A job that waits for its time, for a person and for another job.
    const JOB: &str = "
apiVersion: neuron.ecs/v1alpha1
kind: NeuronJob
metadata: {name: nightly}
spec:
  pool: ec2-shared
  devices: 2
  completions: 3
  suspend: true
  schedule: {cron: '0 2 * * *'}
  dependsOn: [other]
  template:
    cpu: 4096
    memory: 8192
    containers: [{name: work, image: 'public.ecr.aws/docker/library/busybox:1.37'}]
";

    #[test]
    fn a_job_is_rendered_to_the_task_of_its_first_attempt_whatever_it_would_wait_for() {
        let waits = ["  dependsOn: [other]\n", "  schedule: {cron: '0 2 * * *'}\n"];
        let other = waits.iter().fold(JOB.replace("nightly", "other"), |text, line| text.replace(line, ""));
        let (preview, text) = rendered(&["vllm-managed.yaml", "ec2/ec2-shared-pool.yaml"], &[JOB, &other]);
        assert_eq!((preview.blocked.as_slice(), preview.ended), (&[][..], true));
        let heads = text.lines().filter_map(|line| line.strip_prefix("# ")?.strip_suffix(" for NeuronJob/nightly"));
        // Each set of devices has a task definition of its own.
        let calls = ["ecs:RegisterTaskDefinition"; 3].into_iter().chain(["ssm:PutParameter", "ecs:RunTask"]);
        assert_eq!(heads.collect::<Vec<_>>(), calls.collect::<Vec<_>>());
        let places = text.lines().filter(|line| line.starts_with("group: axon:axon/nightly/")).collect::<Vec<_>>();
        assert!(matches!(places.as_slice(), [only] if only.ends_with("/0.0")), "{text}");
    }

    fn render_of(examples: &[&str]) -> (Preview, String) {
        rendered(examples, &[])
    }

    fn rendered(examples: &[&str], more: &[&str]) -> (Preview, String) {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/examples"));
        let arguments = Render {
            paths: examples.iter().map(|example| folder.join(example)).collect(),
            output: RenderFormat::Yaml,
            region: "us-east-1".to_owned(),
            account: "111122223333".to_owned(),
            installation: "axon".parse().unwrap(),
        };
        let mut snapshot = Specs::read(&arguments.paths, &RoleRules::ANY).unwrap().snapshot;
        let more = more.iter().map(|text| SourceFile { path: "more.yaml".to_owned(), text: (*text).to_owned() });
        let files = snapshot.files.iter().cloned().chain(more).collect();
        snapshot.files = std::sync::Arc::new(files);
        let specs = Specs::of(snapshot, &RoleRules::ANY);
        assert_eq!(specs.tally().errors, 0, "{:?}", specs.found);
        let preview = filled(&specs, &arguments).unwrap();
        let text = requests::yaml(shown(&preview), &Places::new());
        (preview, text)
    }

    #[test]
    fn a_pool_of_groups_is_rendered_from_template_to_association_and_its_services_by_device_set() {
        let (preview, text) = render_of(&["vllm-managed.yaml", "ec2/ec2-shared-pool.yaml"]);
        assert_eq!((preview.blocked.as_slice(), preview.ended), (&[][..], true));
        let of = |object: &str| {
            let heads = text.lines().filter_map(|line| line.strip_prefix("# ")?.split_once(" for "));
            heads.filter(|(_, whom)| *whom == object).map(|(call, _)| call.to_owned()).collect::<Vec<String>>()
        };
        let pool = [
            "ec2:CreateLaunchTemplate",
            "autoscaling:CreateAutoScalingGroup",
            "ecs:CreateCapacityProvider",
            "ecs:PutClusterCapacityProviders",
        ];
        assert_eq!(of("NeuronPool/ec2-shared"), pool);
        for service in ["large", "medium"] {
            let calls = of(&format!("NeuronService/{service}"));
            assert_eq!(calls, ["ecs:RegisterTaskDefinition", "ecs:CreateService"], "{service}");
        }
        for name in ["serviceName: large-n0-6", "serviceName: medium-n7-10", "ImageId: resolve:ssm:/aws/service/ecs/"] {
            assert!(text.contains(name), "{name:?} is not in\n{text}");
        }
    }

    #[test]
    fn every_example_is_rendered_by_creations_alone_and_to_the_end() {
        let (preview, _) = render_of(&["."]);
        assert_eq!((preview.blocked.as_slice(), preview.ended), (&[][..], true));
        let others: Vec<&str> = preview
            .steps()
            .filter(|step| step.action.change() != axon_core::step::Change::Create)
            .filter(|step| !matches!(step.action, Action::PutClusterCapacityProviders(_)))
            .map(|step| step.action.operation())
            .collect();
        assert_eq!(others, Vec::<&str>::new());
    }

    #[test]
    fn an_image_that_is_named_by_its_id_is_sent_as_it_is() {
        let id = image(&ImageSource::Id("ami-0123456789abcdef0".to_owned())).id;
        assert_eq!(id, "ami-0123456789abcdef0");
    }
}
