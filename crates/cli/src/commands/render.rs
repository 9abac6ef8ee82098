//! `axon render`: the exact AWS requests that files become, offline.
//!
//! An account with nothing in it is imagined, and the plan that fills it is played to its end: what is printed is what
//! the planner would send, names of providers and revisions included, as they are on first creation.

use axon_core::cloud::Facts;
use axon_core::observe::Identity;
use axon_core::observed::{Listing, Observed};
use axon_core::plan::{Prune, World};
use axon_core::preview::preview;
use axon_core::spec::Fleet;
use axon_runtime::clock::{Clock, SystemClock};

use crate::arguments::{Render, RenderFormat};
use crate::exit::Exit;
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::show::requests::{self, Places};
use crate::specs::Specs;

pub(super) fn render(arguments: &Render, out: &mut Output) -> Answer {
    let specs = Specs::sound(&arguments.paths, out)?;
    let specified = specs.specified(arguments.installation.clone(), &facts(arguments))?;
    let observed = Observed {
        clusters: Listing::Read(std::collections::BTreeMap::new()),
        task_definitions: Listing::Read(std::collections::BTreeMap::new()),
        ..Observed::default()
    };
    let world = World { installation: &arguments.installation, desired: &specified.desired, observed: &observed };
    let preview = preview(world, SystemClock.now(), Prune::Disabled);
    match arguments.output {
        RenderFormat::Yaml => out.data(&requests::yaml(preview.steps(), &places(&specs.fleet)))?,
        RenderFormat::Json => out.data(&format!("{:#}\n", requests::json(preview.steps())))?,
    }
    match preview.blocked.first() {
        None => Ok(Exit::Done),
        Some(waiting) => {
            Err(Failure::work(format!("not everything can be rendered: {} {}", waiting.object, waiting.on)))
        }
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
    }
}

fn places(fleet: &Fleet) -> Places {
    let clusters = fleet.clusters.values().map(|one| (one.key(), one.source.clone()));
    let pools = fleet.pools.values().map(|one| (one.key(), one.source.clone()));
    let services = fleet.services.values().map(|one| (one.key(), one.source.clone()));
    clusters.chain(pools).chain(services).collect()
}
