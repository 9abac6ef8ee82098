//! Amazon ECS: which function answers which operation and which follows which event. Neighbours: `aws` calls `answer` for a
//! request whose shape is already checked and `happen` for what is due. The rules are in the submodules.

use serde_json::Value;

use crate::{
    engine::Event,
    wire::fault::{Answer, Fault},
    world::World,
};

mod agent;
mod alarms;
mod attributes;
mod balancers;
mod capacity;
pub(crate) mod chips;
mod cluster;
mod connect;
mod deployment;
mod deployment_validate;
mod describe;
mod expression;
mod group_provider;
mod groups;
pub(crate) mod instance;
mod instance_read;
pub(crate) mod machines;
mod names;
mod notices;
mod placement;
mod ports;
mod provider;
mod provider_validate;
mod requirements;
mod reservation;
mod revised;
mod revision_defaults;
mod revision_validate;
mod rollout;
mod run_task;
mod scaling;
mod scheduler;
mod service;
mod service_read;
mod service_validate;
mod settings;
mod settle;
mod stage;
mod strategy;
mod tags;
pub(crate) mod task;
mod task_definition;
mod task_read;
mod task_start;
mod volumes;

pub(crate) fn answer(world: &mut World, operation: &str, input: &Value) -> Answer {
    match operation {
        "CreateCluster" => cluster::create(world, input),
        "DescribeClusters" => cluster::describe(world, input),
        "ListClusters" => cluster::list(world, input),
        "UpdateCluster" => cluster::update(world, input),
        "UpdateClusterSettings" => cluster::update_settings(world, input),
        "DeleteCluster" => cluster::delete(world, input),
        "PutClusterCapacityProviders" => cluster::put_providers(world, input),
        "CreateCapacityProvider" => provider::create(world, input),
        "UpdateCapacityProvider" => provider::update(world, input),
        "DeleteCapacityProvider" => provider::delete(world, input),
        "DescribeCapacityProviders" => provider::describe(world, input),
        "RegisterTaskDefinition" => task_definition::register(world, input),
        "DeregisterTaskDefinition" => task_definition::deregister(world, input),
        "DeleteTaskDefinitions" => task_definition::delete(world, input),
        "DescribeTaskDefinition" => task_definition::describe(world, input),
        "ListTaskDefinitions" => task_definition::list(world, input),
        "ListTaskDefinitionFamilies" => task_definition::list_families(world, input),
        "CreateService" => service::create(world, input),
        "UpdateService" => service::update(world, input),
        "DeleteService" => service::delete(world, input),
        "DescribeServices" => service_read::describe(world, input),
        "ListServices" => service_read::list(world, input),
        "ListServiceDeployments" => rollout::list(world, input),
        "DescribeServiceDeployments" => rollout::describe(world, input),
        "DescribeServiceRevisions" => rollout::describe_revisions(world, input),
        "ContinueServiceDeployment" => rollout::go_on(world, input),
        "StopServiceDeployment" => rollout::stop(world, input),
        _ => answer_more(world, operation, input),
    }
}

fn answer_more(world: &mut World, operation: &str, input: &Value) -> Answer {
    match operation {
        "RunTask" => run_task::run(world, input),
        "StopTask" => run_task::stop(world, input),
        "DescribeTasks" => task_read::describe(world, input),
        "ListTasks" => task_read::list(world, input),
        "ListContainerInstances" => instance_read::list(world, input),
        "DescribeContainerInstances" => instance_read::describe(world, input),
        "UpdateContainerInstancesState" => instance::update_state(world, input),
        "DeregisterContainerInstance" => instance::deregister(world, input),
        "PutAttributes" => attributes::put(world, input),
        "DeleteAttributes" => attributes::delete(world, input),
        "ListAttributes" => attributes::list(world, input),
        "TagResource" => tags::tag(world, input),
        "UntagResource" => tags::untag(world, input),
        "ListTagsForResource" => tags::list(world, input),
        "ListAccountSettings" => settings::list(world, input),
        "PutAccountSetting" => settings::put(world, input),
        other => Err(Fault::not_modelled(format!("the operation {other}"))),
    }
}

pub(crate) fn happen(world: &mut World, event: Event) {
    match event {
        Event::ClusterAttached(name) => cluster::attached(world, &name),
        Event::ClusterForgotten(name) => cluster::forget(world, &name),
        Event::ProviderMoves(name, change) => provider::moves(world, &name, change),
        Event::ProviderForgotten(name, change) => provider::forget(world, &name, change),
        Event::Place(cluster) => capacity::place(world, &cluster),
        Event::Service(cluster, name) => scheduler::look(world, &(cluster, name)),
        Event::ServiceForgotten(arn) => service::forget(world, &arn),
        Event::Task(id, plan) => task::step(world, &id, plan),
        Event::TaskActs(id, plan) => task::acts(world, &id, plan),
        Event::TaskSays(id, plan, line) => task::says(world, &id, plan, line),
        Event::TaskForgotten(id) => task::forget(world, &id),
        Event::InstanceRegisters(id) => instance::registers(world, &id),
        Event::InstanceIdle(id, since) => instance::idle(world, &id, since),
        Event::InstanceGone(id) => instance::gone(world, &id),
        Event::InstanceDrains(id) => instance::drains(world, &id),
        Event::InstanceExpires(id) => instance::lost(world, &id),
        Event::InstanceForgotten(id) => machines::forget(world, &id),
        Event::AgentRegisters(id) => machines::registers(world, &id),
        Event::MachineDrained(id, drain) => machines::drained(world, &id, drain),
        Event::ProviderScales(name) => scaling::look(world, &name),
        Event::RevisionGoes(arn) => task_definition::goes(world, &arn),
        // Not of ECS.
        Event::MachineRuns(_)
        | Event::MachineBoots(_)
        | Event::MachineGone(_)
        | Event::MachineForgotten(_)
        | Event::MachineInterrupted(_)
        | Event::Group(_) => {}
    }
}
