//! NeuronPool → a Managed Instances capacity provider.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Context, int, overrides, tags};
use crate::desired::{DesiredCapacity, DesiredPool, DesiredProvider};
use crate::fingerprint;
use crate::layout::Host;
use crate::neuron::Catalog;
use crate::shape::provider::{
    AutoRepairConfiguration, CapacityReservationRequest, InfrastructureOptimization, InstanceLaunchTemplate,
    ManagedInstancesLocalStorageConfiguration, ManagedInstancesNetworkConfiguration, ManagedInstancesProvider,
    ManagedInstancesStorageConfiguration,
};
use crate::shape::requirements::InstanceRequirementsRequest;
use crate::spec::{
    Accepted, AutoRepair, Capacity, CapacityOption, InstanceRequirements, JobPreemption, ManagedInstances, Monitoring,
    NeuronPool, PropagatePoolTags, ReservationPreference, ScaleIn,
};

/// Data volume of an instance (ECS developer guide, Managed Instances storage). Said explicitly, because what AWS does
/// with a member that an update leaves out is not documented.
const DEFAULT_STORAGE_GIB: i32 = 80;

pub(super) fn pool(
    accepted: &Accepted<NeuronPool>,
    managed: &ManagedInstances,
    catalog: &Catalog,
    context: Context<'_>,
) -> Result<DesiredPool, String> {
    let spec = &accepted.spec;
    let object = accepted.key();
    let document = ManagedInstancesProvider {
        infrastructure_role_arn: Some(managed.infrastructure_role_arn.clone()),
        instance_launch_template: Some(launch_template(managed)?),
        propagate_tags: Some(
            match managed.propagate_tags {
                PropagatePoolTags::CapacityProvider => "CAPACITY_PROVIDER",
                PropagatePoolTags::None => "NONE",
            }
            .to_owned(),
        ),
        infrastructure_optimization: managed.scale_in_after.map(|after| InfrastructureOptimization {
            scale_in_after: Some(match after {
                ScaleIn::After(time) => int(time.seconds()),
                ScaleIn::Never => -1,
            }),
        }),
        auto_repair_configuration: managed.auto_repair.map(|repair| AutoRepairConfiguration {
            actions_status: Some(
                match repair {
                    AutoRepair::Enabled => "ENABLED",
                    AutoRepair::Disabled => "DISABLED",
                }
                .to_owned(),
            ),
        }),
    };
    let request = Request { managed_instances_provider: document };
    let document = overrides::merge(request, &spec.overrides.capacity_provider)?.managed_instances_provider;
    let generation = generation(accepted, &document, context);
    let tags = tags(accepted, &object, &[&spec.tags], context);
    let host = match catalog.types_of(Capacity::ManagedInstances(managed)).as_slice() {
        [only] => Some((only.name.clone(), Host::new(only, only.task_cpu(), only.task_memory_mib()))),
        _ => None,
    };
    let provider = DesiredProvider { name: format!("{}-{generation}", object.name), generation };
    Ok(DesiredPool {
        object,
        cluster: spec.cluster.clone(),
        capacity: DesiredCapacity::Managed { provider, document: Box::new(document), host },
        // There is no limit to their instances, so nobody has to make room.
        job_preemption: JobPreemption::Never,
        tags,
    })
}

/// What users write overrides for: CreateCapacityProvider, of which the rest follows from Axon.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    managed_instances_provider: ManagedInstancesProvider,
}

/// Hash of what has no place in UpdateCapacityProvider (ECS API reference, `InstanceLaunchTemplateUpdate`), with the
/// installation, because provider names are unique in an account and Region.
fn generation(accepted: &Accepted<NeuronPool>, document: &ManagedInstancesProvider, context: Context<'_>) -> String {
    let template = document.instance_launch_template.as_ref();
    let immutable = json!({
        "installation": context.installation,
        "cluster": accepted.spec.cluster,
        "capacityOptionType": template.and_then(|template| template.capacity_option_type.clone()),
        "fipsEnabled": template.and_then(|template| template.fips_enabled),
    });
    fingerprint::hex(&immutable.to_string(), 8)
}

fn launch_template(managed: &ManagedInstances) -> Result<InstanceLaunchTemplate, String> {
    Ok(InstanceLaunchTemplate {
        ec2_instance_profile_arn: managed.instance_profile_arn.clone(),
        network_configuration: Some(ManagedInstancesNetworkConfiguration {
            subnets: managed.subnets.clone(),
            security_groups: managed.security_groups.clone(),
        }),
        storage_configuration: (!managed.local_storage).then(|| ManagedInstancesStorageConfiguration {
            storage_size_gib: Some(managed.storage_size_gib.map_or(DEFAULT_STORAGE_GIB, int)),
        }),
        local_storage_configuration: Some(ManagedInstancesLocalStorageConfiguration {
            use_local_storage: managed.local_storage,
        }),
        monitoring: Some(
            match managed.monitoring {
                Monitoring::Basic => "BASIC",
                Monitoring::Detailed => "DETAILED",
            }
            .to_owned(),
        ),
        capacity_option_type: Some(
            match managed.capacity_option {
                CapacityOption::OnDemand => "ON_DEMAND",
                CapacityOption::Spot => "SPOT",
                CapacityOption::Reserved => "RESERVED",
            }
            .to_owned(),
        ),
        instance_metadata_tags_propagation: managed.instance_metadata_tags_propagation,
        instance_requirements: Some(requirements(&managed.instance_requirements)?),
        fips_enabled: managed.fips,
        capacity_reservations: managed.reservations.as_ref().map(|reservations| CapacityReservationRequest {
            reservation_group_arn: reservations.group_arn.clone(),
            reservation_preference: Some(
                match reservations.preference {
                    ReservationPreference::Only => "RESERVATIONS_ONLY",
                    ReservationPreference::First => "RESERVATIONS_FIRST",
                    ReservationPreference::Excluded => "RESERVATIONS_EXCLUDED",
                }
                .to_owned(),
            ),
        }),
    })
}

/// The specification's members have AWS's names, except for one spelling and one enumeration.
fn requirements(given: &InstanceRequirements) -> Result<InstanceRequirementsRequest, String> {
    let mut value = serde_json::to_value(given).map_err(|error| error.to_string())?;
    if let Value::Object(members) = &mut value {
        if let Some(memory) = members.remove("memoryMib") {
            members.insert("memoryMiB".to_owned(), memory);
        }
        for inclusion in ["bareMetal", "burstablePerformance", "localStorage"] {
            if let Some(Value::String(word)) = members.get_mut(inclusion) {
                *word = word.to_lowercase();
            }
        }
    }
    serde_json::from_value(value).map_err(|error| format!("instanceRequirements do not fit AWS's request: {error}"))
}
