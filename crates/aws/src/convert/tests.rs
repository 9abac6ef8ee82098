//! Nothing is lost between `shape` and the SDK. That requests reach the wire whole is shown by the tests of the crate.

use std::fmt::Debug;

use axon_core::shape::cluster::{CreateCluster, PutClusterCapacityProviders, UpdateCluster};
use axon_core::shape::launch_template::{CreateLaunchTemplate, CreateLaunchTemplateVersion, LaunchTemplateData};
use axon_core::shape::provider::{CreateCapacityProvider, ManagedInstancesProvider, UpdateCapacityProvider};
use axon_core::shape::scaling_group::{CreateAutoScalingGroup, UpdateAutoScalingGroup};
use axon_core::shape::service::{CreateService, UpdateService};
use axon_core::shape::task_definition::RegisterTaskDefinition;
use serde_json::Value;

use super::{FromSdk, IntoSdk};

/// A request with every member set.
macro_rules! document {
    ($name:ident) => {
        serde_json::from_str::<$name>(include_str!(concat!("../../tests/documents/", stringify!($name), ".json")))
            .expect("the document fits the shape")
    };
}

fn survives<T, S>(values: impl IntoIterator<Item = S>)
where
    S: IntoSdk<T> + FromSdk<T> + Clone + Debug + PartialEq,
{
    let values: Vec<S> = values.into_iter().collect();
    assert!(!values.is_empty(), "nothing to convert");
    for value in values {
        let back = S::from_sdk(value.clone().into_sdk().expect("the SDK takes it"));
        assert_eq!(back, value);
    }
}

#[test]
fn a_cluster_survives_the_way_through_the_sdk() {
    let cluster = document!(CreateCluster);
    survives(cluster.tags);
    survives(cluster.settings);
    survives(cluster.configuration);
    survives(cluster.service_connect_defaults);
}

#[test]
fn a_capacity_provider_survives_the_way_through_the_sdk() {
    survives(document!(CreateCapacityProvider).managed_instances_provider);
    survives(document!(UpdateCapacityProvider).managed_instances_provider);
    survives(document!(CreateCapacityProvider).auto_scaling_group_provider);
    survives(document!(UpdateCapacityProvider).auto_scaling_group_provider);
    survives([document!(ManagedInstancesProvider)]);
}

#[test]
fn a_launch_template_survives_the_way_through_the_sdk() {
    let template = document!(CreateLaunchTemplate);
    survives::<aws_sdk_ec2::types::RequestLaunchTemplateData, LaunchTemplateData>([template.launch_template_data]);
    survives::<aws_sdk_ec2::types::TagSpecification, _>(template.tag_specifications);
}

#[test]
fn what_a_group_launches_survives_the_way_through_the_sdk() {
    let group = document!(UpdateAutoScalingGroup);
    survives(group.launch_template);
    survives(group.mixed_instances_policy);
}

#[test]
fn a_task_definition_survives_the_way_through_the_sdk() {
    let definition = document!(RegisterTaskDefinition);
    survives(definition.container_definitions);
    survives(definition.volumes);
    survives(definition.placement_constraints);
    survives(definition.proxy_configuration);
    survives(definition.inference_accelerators);
    survives(definition.ephemeral_storage);
    survives(definition.runtime_platform);
}

#[test]
fn a_service_survives_the_way_through_the_sdk() {
    let service = document!(CreateService);
    survives(service.load_balancers);
    survives(service.service_registries);
    survives(service.capacity_provider_strategy);
    survives(service.deployment_configuration);
    survives(service.placement_constraints);
    survives(service.placement_strategy);
    survives(service.network_configuration);
    survives(service.deployment_controller);
    survives(service.service_connect_configuration);
    survives(service.volume_configurations);
    survives(service.vpc_lattice_configurations);
    survives(service.monitoring);
}

#[test]
fn the_documents_set_every_member() {
    let documents = [
        format!("{:?}", document!(CreateCluster)),
        format!("{:?}", document!(CreateCapacityProvider)),
        format!("{:?}", document!(UpdateCluster)),
        format!("{:?}", document!(UpdateCapacityProvider)),
        format!("{:?}", document!(UpdateService)),
        format!("{:?}", document!(ManagedInstancesProvider)),
        format!("{:?}", document!(RegisterTaskDefinition)),
        format!("{:?}", document!(CreateService)),
        format!("{:?}", document!(PutClusterCapacityProviders)),
        format!("{:?}", document!(CreateLaunchTemplate)),
        format!("{:?}", document!(CreateLaunchTemplateVersion)),
        format!("{:?}", document!(CreateAutoScalingGroup)),
        format!("{:?}", document!(UpdateAutoScalingGroup)),
    ];
    for document in documents {
        for empty in [": None", "[]", "{}", "\"\""] {
            assert!(!document.contains(empty), "{empty} in {document}");
        }
    }
}

#[test]
fn a_word_from_the_future_stays_the_word_it_is() {
    let new: Value = serde_json::json!({"family": "llama", "networkMode": "quantum"});
    let definition: RegisterTaskDefinition = serde_json::from_value(new).expect("the document fits the shape");
    let mode: Option<aws_sdk_ecs::types::NetworkMode> =
        definition.network_mode.clone().into_sdk().expect("the SDK takes it");
    assert_eq!(Option::<String>::from_sdk(mode), definition.network_mode);
}
