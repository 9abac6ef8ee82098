//! An instance type with Neuron devices as EC2 describes it.
//!
//! Used by `lookup`. No calls, no opinion. What EC2 says about the devices' memory is not read: it is wrong for some
//! types (half a TiB for a chip of 96 GiB).

use aws_sdk_ec2::types::{InstanceTypeInfo, UsageClassType};
use axon_core::cloud::InstanceTypeFacts;

/// Reads an instance type; `None` if EC2 tells of no Neuron devices in it, or of nothing that could be relied on.
pub(crate) fn instance_type(sdk: &InstanceTypeInfo) -> Option<InstanceTypeFacts> {
    let (chips, cores_per_chip) = neuron(sdk).or_else(|| inferentia(sdk))?;
    let efa = sdk.network_info().and_then(|network| network.efa_info());
    Some(InstanceTypeFacts {
        name: sdk.instance_type()?.as_str().to_owned(),
        vcpus: u32::try_from(sdk.v_cpu_info()?.default_v_cpus()?).ok()?,
        memory_mib: u32::try_from(sdk.memory_info()?.size_in_mib()?).ok()?,
        chips,
        cores_per_chip,
        efa_interfaces: efa.and_then(|efa| u8::try_from(efa.maximum_efa_interfaces()?).ok()).unwrap_or(0),
        spot: sdk.supported_usage_classes().contains(&UsageClassType::Spot),
    })
}

/// Devices, and cores of each. A type has devices of one kind.
fn neuron(sdk: &InstanceTypeInfo) -> Option<(u8, u8)> {
    let device = sdk.neuron_info()?.neuron_devices().first()?;
    Some((u8::try_from(device.count()?).ok()?, u8::try_from(device.core_info()?.count()?).ok()?))
}

/// The older way to tell of Inferentia, which leaves the cores to its name.
fn inferentia(sdk: &InstanceTypeInfo) -> Option<(u8, u8)> {
    let accelerator = sdk.inference_accelerator_info()?.accelerators().first()?;
    let cores = match accelerator.name()?.to_ascii_lowercase().as_str() {
        "inferentia" => 4,
        "inferentia2" => 2,
        _ => return None,
    };
    Some((u8::try_from(accelerator.count()?).ok()?, cores))
}
