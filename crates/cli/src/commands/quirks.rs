//! `--quirk name=value`: the simulator's switches by name. Neighbours: `axon_sim::Quirks` says what each one means.

use axon_sim::{
    CrashAfterRunning, DefaultStrategyOnDelete, DeviceDefaults, ExistingCluster, Launchable, ManagedNamesInPut,
    NeuronOverride, NeuronResource, NewerAcceleratorNames, OmittedOnUpdate, PriceProtection, Quirks, StrategyAlone,
};

use crate::failure::Failure;
use crate::target::Simulated;

/// A switch: its name, what it takes, and how it is set; `false` if it does not take this.
struct Switch {
    name: &'static str,
    takes: &'static str,
    set: fn(&mut Quirks, &str) -> bool,
}

macro_rules! choice {
    ($name:literal, $field:ident, $takes:literal, $($word:literal => $value:expr),+) => {
        Switch {
            name: $name,
            takes: $takes,
            set: |quirks, word| {
                match word {
                    $($word => quirks.$field = $value,)+
                    _ => return false,
                }
                true
            },
        }
    };
}

macro_rules! seconds {
    ($name:literal, $field:ident) => {
        Switch {
            name: $name,
            takes: "seconds",
            set: |quirks, word| match word.parse::<u32>() {
                Ok(seconds) => {
                    quirks.$field = i64::from(seconds);
                    true
                }
                Err(_) => false,
            },
        }
    };
}

const SWITCHES: [Switch; 17] = [
    choice!("omitted-on-update", omitted_on_update, "keep or reset",
        "keep" => OmittedOnUpdate::Keep, "reset" => OmittedOnUpdate::Reset),
    choice!("neuron-resource", neuron_resource, "integer or string-set",
        "integer" => NeuronResource::Integer, "string-set" => NeuronResource::StringSet),
    choice!("strategy-alone", strategy_alone, "deployment or no-deployment",
        "deployment" => StrategyAlone::Deployment, "no-deployment" => StrategyAlone::NoDeployment),
    choice!("managed-names-in-put", managed_names_in_put, "accepted or rejected",
        "accepted" => ManagedNamesInPut::Accepted, "rejected" => ManagedNamesInPut::Rejected),
    choice!("existing-cluster", existing_cluster, "returned or rejected",
        "returned" => ExistingCluster::Returned, "rejected" => ExistingCluster::Rejected),
    choice!("newer-accelerator-names", newer_accelerator_names, "accepted or rejected",
        "accepted" => NewerAcceleratorNames::Accepted, "rejected" => NewerAcceleratorNames::Rejected),
    choice!("launchable", launchable, "agreed, with-trainium2 or every-neuron-type",
        "agreed" => Launchable::Agreed, "with-trainium2" => Launchable::WithTrainium2,
        "every-neuron-type" => Launchable::EveryNeuronType),
    choice!("price-protection", price_protection, "off or like-ec2",
        "off" => PriceProtection::Off, "like-ec2" => PriceProtection::LikeEc2),
    choice!("crash-after-running", crash_after_running, "a-failure or not-a-failure",
        "a-failure" => CrashAfterRunning::AFailure, "not-a-failure" => CrashAfterRunning::NotAFailure),
    choice!("default-strategy-on-delete", default_strategy_on_delete, "refused or allowed",
        "refused" => DefaultStrategyOnDelete::Refused, "allowed" => DefaultStrategyOnDelete::Allowed),
    choice!("neuron-override", neuron_override, "accepted or rejected",
        "accepted" => NeuronOverride::Accepted, "rejected" => NeuronOverride::Rejected),
    choice!("device-defaults", device_defaults, "as-sent or filled",
        "as-sent" => DeviceDefaults::AsSent, "filled" => DeviceDefaults::Filled),
    seconds!("read-lag-seconds", read_lag_seconds),
    seconds!("inactive-service-seconds", inactive_service_seconds),
    seconds!("inactive-provider-seconds", inactive_provider_seconds),
    seconds!("inactive-cluster-seconds", inactive_cluster_seconds),
    seconds!("scale-in-seconds", scale_in_seconds),
];

/// The switches as given, the others as they are in the account of `--simulate`.
pub(super) fn quirks(given: &[String]) -> Result<Quirks, Failure> {
    let mut quirks = Simulated::quirks();
    for one in given {
        let (name, value) = one.split_once('=').unwrap_or((one, ""));
        let Some(switch) = SWITCHES.iter().find(|switch| switch.name == name) else {
            let all: Vec<String> = SWITCHES.iter().map(|s| format!("  {}={}", s.name, s.takes)).collect();
            return Err(
                Failure::usage(format!("there is no quirk {name:?}")).hint(format!("there are\n{}", all.join("\n")))
            );
        };
        if !(switch.set)(&mut quirks, value) {
            return Err(Failure::usage(format!("the quirk {name} takes {}, not {value:?}", switch.takes)));
        }
    }
    Ok(quirks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[&str]) -> Result<Quirks, Failure> {
        quirks(&given.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn switches_are_set_by_name() {
        let quirks = read(&["read-lag-seconds=20", "launchable=every-neuron-type"]).unwrap();
        assert_eq!((quirks.read_lag_seconds, quirks.launchable), (20, Launchable::EveryNeuronType));
    }

    #[test]
    fn a_wrong_name_lists_all_and_a_wrong_value_says_what_is_taken() {
        assert!(read(&["lag=1"]).unwrap_err().hint.contains("read-lag-seconds=seconds"));
        assert_eq!(
            read(&["launchable=all"]).unwrap_err().cause,
            "the quirk launchable takes agreed, with-trainium2 or every-neuron-type, not \"all\""
        );
        assert!(read(&["read-lag-seconds=-1"]).is_err());
    }
}
