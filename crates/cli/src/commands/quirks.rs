//! `--quirk name=value`: the simulator's switches by name. Neighbours: `axon_sim::Quirks` says what each one means.

use axon_sim::{
    ClusterNamespace, CrashAfterRunning, DefaultStrategyOnDelete, DeregisteredImage, DeviceDefaults, EmptyLogPages,
    ExistingCluster, GroupProviderCreation, GroupTemplate, LaggingLists, Launchable, LostTaskCode, ManagedNamesInPut,
    NeuronOverride, NeuronResource, NewerAcceleratorNames, OmittedOnUpdate, PageMarks, PriceProtection, Quirks,
    RecreatedParameter, StartedByWithStatus, StoppedTaskTags, StoppingCounts, StrategyAlone, TaskGroupCounts,
    Trainium2Memory, Trn2uNeuronInfo, TypeNamesWithMaxResults,
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

macro_rules! number {
    ($name:literal, $field:ident, $takes:literal) => {
        Switch {
            name: $name,
            takes: $takes,
            set: |quirks, word| match word.parse::<u32>() {
                Ok(number) => {
                    quirks.$field = i64::from(number).into();
                    true
                }
                Err(_) => false,
            },
        }
    };
}

const SWITCHES: [Switch; 38] = [
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
    choice!("cluster-namespace", cluster_namespace, "arn or as-sent",
        "arn" => ClusterNamespace::Arn, "as-sent" => ClusterNamespace::AsSent),
    choice!("group-template", group_template, "checked or checked-at-launch",
        "checked" => GroupTemplate::Checked, "checked-at-launch" => GroupTemplate::CheckedAtLaunch),
    choice!("deregistered-image", deregistered_image, "not-found or unavailable",
        "not-found" => DeregisteredImage::NotFound, "unavailable" => DeregisteredImage::Unavailable),
    choice!("trainium2-memory", trainium2_memory, "as-table or as-chip",
        "as-table" => Trainium2Memory::AsTable, "as-chip" => Trainium2Memory::AsChip),
    choice!("trn2u-neuron-info", trn2u_neuron_info, "absent or present",
        "absent" => Trn2uNeuronInfo::Absent, "present" => Trn2uNeuronInfo::Present),
    choice!("type-names-with-max-results", type_names_with_max_results, "rejected or accepted",
        "rejected" => TypeNamesWithMaxResults::Rejected, "accepted" => TypeNamesWithMaxResults::Accepted),
    choice!("group-provider-creation", group_provider_creation, "asynchronous or at-once",
        "asynchronous" => GroupProviderCreation::Asynchronous, "at-once" => GroupProviderCreation::AtOnce),
    choice!("stopping-counts", stopping_counts, "until-stopped or until-desired-stopped",
        "until-stopped" => StoppingCounts::UntilStopped, "until-desired-stopped" => StoppingCounts::UntilDesiredStopped),
    choice!("task-group-counts", task_group_counts, "desired-running or not-stopped",
        "desired-running" => TaskGroupCounts::DesiredRunning, "not-stopped" => TaskGroupCounts::NotStopped),
    choice!("recreated-parameter", recreated_parameter, "refused or accepted",
        "refused" => RecreatedParameter::Refused, "accepted" => RecreatedParameter::Accepted),
    choice!("lost-task-code", lost_task_code, "termination-notice or by-cause",
        "termination-notice" => LostTaskCode::TerminationNotice, "by-cause" => LostTaskCode::ByCause),
    choice!("stopped-task-tags", stopped_task_tags, "gone or kept-unless-stopped",
        "gone" => StoppedTaskTags::Gone, "kept-unless-stopped" => StoppedTaskTags::KeptUnlessStopped),
    choice!("started-by-with-status", started_by_with_status, "accepted or rejected",
        "accepted" => StartedByWithStatus::Accepted, "rejected" => StartedByWithStatus::Rejected),
    choice!("lagging-lists", lagging_lists, "never or like-describe",
        "never" => LaggingLists::Never, "like-describe" => LaggingLists::LikeDescribe),
    choice!("page-marks", page_marks, "item or position",
        "item" => PageMarks::Item, "position" => PageMarks::Position),
    number!("short-pages", short_pages, "items"),
    choice!("empty-log-pages", empty_log_pages, "first or never",
        "first" => EmptyLogPages::First, "never" => EmptyLogPages::Never),
    number!("log-lag-seconds", log_lag_seconds, "seconds"),
    number!("provisioning-limit-seconds", provisioning_limit_seconds, "seconds"),
    number!("first-scale-out", first_scale_out, "instances"),
    number!("scale-in-points", scale_in_points, "minutes"),
    number!("read-lag-seconds", read_lag_seconds, "seconds"),
    number!("inactive-service-seconds", inactive_service_seconds, "seconds"),
    number!("inactive-provider-seconds", inactive_provider_seconds, "seconds"),
    number!("inactive-cluster-seconds", inactive_cluster_seconds, "seconds"),
    number!("scale-in-seconds", scale_in_seconds, "seconds"),
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
    fn every_behaviour_that_is_open_has_a_switch() {
        let fields = format!("{:?}", Quirks::default());
        assert_eq!(fields.matches(": ").count(), SWITCHES.len(), "{fields}");
        let quirks = read(&["first-scale-out=1", "provisioning-limit-seconds=600", "group-provider-creation=at-once"]);
        let quirks = quirks.unwrap();
        assert_eq!((quirks.first_scale_out, quirks.provisioning_limit_seconds), (1, Some(600)));
        assert_eq!(quirks.group_provider_creation, GroupProviderCreation::AtOnce);
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
