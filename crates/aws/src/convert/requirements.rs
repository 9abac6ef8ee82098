//! Which instance types a capacity provider may launch. Table of members for `shape::requirements`.
//!
//! Rows only; what they turn into is written in `convert`.

use aws_sdk_ecs::types as sdk;
use axon_core::shape::requirements as shape;

wire! {
    InstanceRequirementsRequest:
        opt v_cpu_count,
        opt memory_mib,
        list cpu_manufacturers,
        opt memory_gib_per_v_cpu,
        list excluded_instance_types,
        list instance_generations,
        opt spot_max_price_percentage_over_lowest_price,
        opt on_demand_max_price_percentage_over_lowest_price,
        opt bare_metal,
        opt burstable_performance,
        opt require_hibernate_support,
        opt network_interface_count,
        opt local_storage,
        list local_storage_types,
        opt total_local_storage_gb,
        opt baseline_ebs_bandwidth_mbps,
        list accelerator_types,
        opt accelerator_count,
        list accelerator_manufacturers,
        list accelerator_names,
        opt accelerator_total_memory_mib,
        opt network_bandwidth_gbps,
        list allowed_instance_types,
        opt max_spot_price_as_percentage_of_optimal_on_demand_price;
    VCpuCountRangeRequest: req min, opt max;
    MemoryMiBRequest: req min, opt max;
    MemoryGiBPerVCpuRequest: opt min, opt max;
    NetworkInterfaceCountRequest: opt min, opt max;
    TotalLocalStorageGbRequest: opt min, opt max;
    BaselineEbsBandwidthMbpsRequest: opt min, opt max;
    AcceleratorCountRequest: opt min, opt max;
    AcceleratorTotalMemoryMiBRequest: opt min, opt max;
    NetworkBandwidthGbpsRequest: opt min, opt max;
}

words! {
    AcceleratorManufacturer,
    AcceleratorName,
    AcceleratorType,
    BareMetal,
    BurstablePerformance,
    CpuManufacturer,
    InstanceGeneration,
    LocalStorage,
    LocalStorageType,
}
