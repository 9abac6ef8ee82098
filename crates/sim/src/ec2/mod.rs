//! Amazon EC2: launch templates, images, instance types, instances. Neighbours: `aws` calls `answer` for a request whose shape
//! is already checked and `happen` for what is due; `autoscaling` launches instances; `ecs::machines` is told of them.
//! The rules are in the submodules.

use serde_json::Value;

use crate::{
    engine::Event,
    wire::{
        fault::{Answer, Fault},
        page::{self, Bad, Page, Paging, Sizes},
        value::Read,
    },
    world::World,
};

pub(crate) mod filter;
pub(crate) mod image;
mod images;
pub(crate) mod instance;
mod instances;
mod knobs;
pub(crate) mod subnet;
mod tags;
pub(crate) mod template;
pub(crate) mod template_data;
mod template_read;
mod templates;
mod types;

pub use knobs::{Loss, RunningGroup, RunningMachine};

/// The page that NextToken and MaxResults ask for.
fn page(paging: Paging, keys: Vec<String>, input: &Value, sizes: Sizes) -> Result<Page, Fault> {
    page::page(paging, keys, input.number("MaxResults"), input.text("NextToken"), sizes).map_err(|bad| match bad {
        Bad::Size => Fault::new("InvalidParameterValue", "The value of MaxResults is out of range."),
        Bad::Token => Fault::new("InvalidNextToken", "The token is not valid."),
    })
}

pub(crate) fn answer(world: &mut World, operation: &str, input: &Value) -> Answer {
    if input.flag("DryRun") == Some(true) {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(Fault { status: 412, ..Fault::new("DryRunOperation", message) });
    }
    match operation {
        "CreateLaunchTemplate" => templates::create(world, input),
        "CreateLaunchTemplateVersion" => templates::create_version(world, input),
        "ModifyLaunchTemplate" => templates::modify(world, input),
        "DeleteLaunchTemplate" => templates::delete(world, input),
        "DeleteLaunchTemplateVersions" => templates::delete_versions(world, input),
        "DescribeLaunchTemplates" => template_read::describe(world, input),
        "DescribeLaunchTemplateVersions" => template_read::describe_versions(world, input),
        "DescribeImages" => images::describe(world, input),
        "DescribeInstanceTypes" => types::describe(world, input),
        "DescribeInstanceTypeOfferings" => types::offerings(world, input),
        "DescribeInstances" => instances::describe(world, input),
        "TerminateInstances" => instances::terminate(world, input),
        "DescribeSubnets" => subnet::describe(world, input),
        "CreateTags" => tags::create(world, input),
        "DeleteTags" => tags::delete(world, input),
        other => Err(Fault::not_modelled(format!("the operation {other}"))),
    }
}

pub(crate) fn happen(world: &mut World, event: &Event) {
    match event {
        Event::MachineRuns(id) => instance::runs(world, id),
        Event::MachineBoots(id) => instance::boots(world, id),
        Event::MachineGone(id) => instance::gone(world, id),
        Event::MachineForgotten(id) => instance::forget(world, id),
        Event::MachineInterrupted(id) => {
            let message = "Server.SpotInstanceTermination: Spot instance termination";
            instance::terminate(world, id, (instance::INTERRUPTED, message));
        }
        _ => {}
    }
}
