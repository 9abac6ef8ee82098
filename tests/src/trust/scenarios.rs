//! The scenarios of the sweep: a fleet at rest, and one thing that happens to it.
//!
//! Neighbours: `sweep` plays each again and again with one call gone wrong. Every shape of pool meets every kind of change that
//! makes sense for it.

use std::collections::BTreeMap;

use super::edit::Edit;
use super::fleet::{Fleet, Image, Shape};
use super::history::{Event, Tamper};
use super::job::Work;
use super::job_edit::JobEdit;
use super::orders::Order;
use super::stage::Rest;

/// A fleet at rest and what happens then.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is called in reports.
    pub name: String,
    /// The fleet that is installed and at rest; nothing for an empty account.
    pub rests: Option<Fleet>,
    /// What was declared after that, and so many seconds for which processes have worked on it.
    pub begun: Option<(Fleet, u64)>,
    /// The fleet that is declared then.
    pub declared: Fleet,
    /// What else happens.
    pub event: Option<Event>,
}

impl Scenario {
    /// Where it ends.
    pub fn rest(&self) -> Rest {
        let well = self.declared.services.values().all(|service| service.image == Image::Well);
        // A pool says for good that it has put an image aside, until a newer one comes.
        if well && self.event != Some(BAD_IMAGE) { Rest::Ready } else { Rest::Settled }
    }
}

/// Changes that make sense everywhere, by name. Not among them: an image that crashes once it runs. ECS does not count that as a
/// failed deployment, so there is no rest to come to.
const CHANGES: [(&str, Edit); 19] = [
    ("a new image", Edit::Image(0, Image::Well)),
    ("an image that never gets healthy", Edit::Image(0, Image::Sick)),
    ("an image that is missing", Edit::Image(0, Image::Missing)),
    ("another environment", Edit::Env(0)),
    ("one replica more", Edit::Replicas(0, 3)),
    ("one replica", Edit::Replicas(0, 1)),
    ("no replica", Edit::Replicas(0, 0)),
    ("half may be missing", Edit::Budget(0, 50, 200)),
    ("another tag on a service", Edit::Team(0)),
    ("a health check", Edit::Check(0)),
    ("another service", Edit::AddService(0)),
    ("a service less", Edit::RemoveService(0)),
    ("another managed pool", Edit::AddPool(Shape::Managed)),
    ("another packed pool", Edit::AddPool(Shape::Packed)),
    ("another rolling pool", Edit::AddPool(Shape::Rolling)),
    ("a pool less", Edit::RemovePool(0)),
    ("spot capacity", Edit::Option(0)),
    ("other subnets", Edit::Subnets(0)),
    ("another tag on a pool", Edit::PoolTeam(0)),
];

/// Changes of one shape only.
const MANAGED: [(&str, Edit); 2] =
    [("other instance types", Edit::Types(0)), ("no Container Insights", Edit::Insights)];
const PACKED: [(&str, Edit); 3] =
    [("more devices", Edit::Devices(0, 5)), ("fewer devices", Edit::Devices(0, 2)), ("another limit", Edit::Max(0))];
const ROLLING: [(&str, Edit); 2] = [("another limit", Edit::Max(0)), ("other instance types", Edit::Types(0))];

/// What strangers and AWS do, by name.
const EVENTS: [(&str, Event); 13] = [
    ("a stranger scales to nothing", Event::Tamper(Tamper::ScalesService(0), 0)),
    ("a stranger scales up", Event::Tamper(Tamper::ScalesService(5), 0)),
    ("a stranger deletes a service", Event::Tamper(Tamper::DeletesService, 0)),
    ("a stranger untags a service", Event::Tamper(Tamper::UntagsService, 0)),
    ("a stranger deregisters a revision", Event::Tamper(Tamper::DeregistersRevision, 0)),
    ("a stranger changes the cluster", Event::Tamper(Tamper::ChangesCluster, 1)),
    ("a stranger changes a provider", Event::Tamper(Tamper::ChangesProvider, 0)),
    ("a stranger deletes a group", Event::Tamper(Tamper::DeletesGroup, 0)),
    ("a stranger deletes a template", Event::Tamper(Tamper::DeletesTemplate, 0)),
    ("a stranger drains an instance", Event::Tamper(Tamper::DrainsInstance, 0)),
    ("a new image of the instances", Event::Ami(0)),
    ("an image of the instances on which tasks fail", BAD_IMAGE),
    ("an instance is lost", Event::InstanceLost(0)),
];

/// An image of the instances on which tasks fail.
const BAD_IMAGE: Event = Event::Ami(2);

/// All of them.
pub fn scenarios() -> Vec<Scenario> {
    let bases = [
        ("managed", Fleet::managed()),
        ("packed", Fleet::packed()),
        ("rolling", Fleet::rolling()),
        ("mixed", Fleet::mixed()),
    ];
    let mut all = Vec::new();
    for (base, fleet) in &bases {
        all.push(Scenario {
            name: format!("{base}: first installation"),
            rests: None,
            begun: None,
            declared: fleet.clone(),
            event: None,
        });
        let own: &[(&str, Edit)] = match *base {
            "managed" => &MANAGED,
            "packed" => &PACKED,
            "rolling" => &ROLLING,
            _ => &[],
        };
        for (name, edit) in CHANGES.iter().chain(own) {
            let declared = edit.apply(fleet);
            if declared != *fleet {
                all.push(Scenario {
                    name: format!("{base}: {name}"),
                    rests: Some(fleet.clone()),
                    begun: None,
                    declared,
                    event: None,
                });
            }
        }
        for (name, event) in EVENTS {
            let name = format!("{base}: {name}");
            let (rests, declared) = (Some(fleet.clone()), fleet.clone());
            all.push(Scenario { name, rests, begun: None, declared, event: Some(event) });
        }
    }
    all.extend(of_jobs());
    all.extend(of_models());
    all
}

/// Changes of services whose models are compiled first, or from now on. Not among them: an image that is missing. What compiles it is
/// tried again until its deadline, six hours later.
fn of_models() -> Vec<Scenario> {
    let fleet = Fleet { jobs: BTreeMap::new(), ..Fleet::compiling() };
    let install = Scenario {
        name: "compiling: first installation".to_owned(),
        rests: None,
        begun: None,
        declared: fleet.clone(),
        event: None,
    };
    let changes = [
        ("a new image", Edit::Image(0, Image::Well)),
        ("another environment", Edit::Env(0)),
        ("more devices", Edit::Devices(0, 5)),
        ("no more", Edit::Compile(0)),
        ("a service less", Edit::RemoveService(0)),
    ];
    let changes = changes.into_iter().map(|(name, edit)| Scenario {
        name: format!("compiling: {name}"),
        rests: Some(fleet.clone()),
        begun: None,
        declared: edit.apply(&fleet),
        event: None,
    });
    std::iter::once(install).chain(changes).collect()
}

/// What happens to jobs that run, by name: edits, and then events.
const AMID: [(&str, Edit); 13] = [
    ("another version of the work", Edit::Job(JobEdit::Image(0, Work::Batch))),
    ("another environment", Edit::Job(JobEdit::Env(0))),
    ("more indexes", Edit::Job(JobEdit::Completions(0, 8))),
    ("suspended", Edit::Job(JobEdit::Suspend(0))),
    ("fewer at once", Edit::Job(JobEdit::Parallelism(0, 1))),
    ("more at once", Edit::Job(JobEdit::Parallelism(0, 6))),
    ("a deadline", Edit::Job(JobEdit::Deadline(0, 10))),
    ("removed", Edit::Job(JobEdit::Remove(0))),
    ("another job", Edit::Job(JobEdit::Add(0, Work::Flaky))),
    ("another job that comes first", Edit::Job(JobEdit::Priority(0, -9))),
    ("a service grows", Edit::Replicas(0, 3)),
    ("another version of a service", Edit::Image(0, Image::Well)),
    ("the pool goes", Edit::RemovePool(0)),
];
const AMID_EVENTS: [(&str, Event); 9] = [
    ("cancelled", Event::Order(Order::Cancel, 0)),
    ("an instance is lost", Event::InstanceLost(0)),
    ("a Spot interruption", Event::Interruption(0)),
    ("a new image of the instances", Event::Ami(0)),
    ("a task fails", Event::JobTaskEnds(0, 1)),
    ("a stranger stops a task", Event::Tamper(Tamper::StopsJobTask, 0)),
    ("a stranger drains an instance", Event::Tamper(Tamper::DrainsInstance, 0)),
    ("nobody looks for half an hour", Event::Pass(1_800)),
    ("the accelerators of an instance are impaired", Event::Impaired(0)),
];

/// So many seconds after it was declared, tasks of a job run.
const AMIDST: u64 = 420;

/// Jobs that are declared, and whatever happens to them while they run.
fn of_jobs() -> Vec<Scenario> {
    let long = |fleet: Fleet| Edit::Job(JobEdit::Image(0, Work::Long)).apply(&fleet);
    let spot = |fleet: Fleet| Edit::Option(0).apply(&fleet);
    let bases = [
        ("batch", long(Fleet::batch())),
        ("training", long(spot(Fleet::training()))),
        ("chain", long(Fleet::chain())),
        ("gang", long(spot(Fleet::gang()))),
    ];
    let mut all = Vec::new();
    let firsts = [
        ("batch", Fleet::batch()),
        ("training", Fleet::training()),
        ("hourly", Fleet::hourly()),
        ("chain", Fleet::chain()),
        ("gang", Fleet::gang()),
        ("busy", Fleet::busy()),
    ];
    for (base, fleet) in firsts {
        let name = format!("{base}: first installation");
        all.push(Scenario { name, rests: None, begun: None, declared: fleet.clone(), event: None });
        let without = Fleet { jobs: BTreeMap::new(), ..fleet.clone() };
        let name = format!("{base}: its jobs are declared");
        all.push(Scenario { name, rests: Some(without), begun: None, declared: fleet, event: None });
    }
    let due = Fleet::hourly();
    let (name, event) = ("hourly: nobody looks until a run is due".to_owned(), Some(Event::Pass(4_500)));
    all.push(Scenario { name, rests: Some(due.clone()), begun: None, declared: due, event });
    for (base, fleet) in &bases {
        let without = Fleet { jobs: BTreeMap::new(), ..fleet.clone() };
        let (rests, begun) = (Some(without), Some((fleet.clone(), AMIDST)));
        for (name, edit) in AMID {
            let name = format!("{base} amid its work: {name}");
            let declared = edit.apply(fleet);
            if declared != *fleet {
                all.push(Scenario { name, rests: rests.clone(), begun: begun.clone(), declared, event: None });
            }
        }
        for (name, event) in AMID_EVENTS {
            let (name, declared) = (format!("{base} amid its work: {name}"), fleet.clone());
            all.push(Scenario { name, rests: rests.clone(), begun: begun.clone(), declared, event: Some(event) });
        }
    }
    all
}
