//! What holds whatever is asked and in whatever order: devices are never shared, pages are complete, time orders everything.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_in_result,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on should panic, and JSON literals read best handed over by value"
)]

mod account;

use std::collections::BTreeSet;

use account::{Account, service};
use axon_sim::{Options, Shortage, Throttling};
use proptest::prelude::*;
use serde_json::json;

#[derive(Debug, Clone)]
enum Act {
    Scale(i64),
    Deploy,
    Pass(i64),
    StopOne,
    LoseOne,
    Short,
    Enough,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (0_i64..4).prop_map(Act::Scale),
        Just(Act::Deploy),
        (1_i64..400).prop_map(Act::Pass),
        Just(Act::StopOne),
        Just(Act::LoseOne),
        Just(Act::Short),
        Just(Act::Enough),
    ];
    prop::collection::vec(act, 1..25)
}

fn perform(account: &mut Account, act: Act) {
    match act {
        Act::Scale(count) => {
            account.call("UpdateService", json!({"cluster": "ml", "service": "web", "desiredCount": count}));
        }
        Act::Deploy => {
            account.definition("llm", "vllm:2");
            account.call("UpdateService", json!({"cluster": "ml", "service": "web", "taskDefinition": "llm"}));
        }
        Act::Pass(seconds) => account.pass(seconds),
        Act::StopOne => {
            if let Some(task) = account.tasks("RUNNING").first() {
                let arn = task["taskArn"].clone();
                account.call("StopTask", json!({"cluster": "ml", "task": arn}));
            }
        }
        Act::LoseOne => {
            let first = account.aws.world().running_instances().into_keys().next();
            first.map(|arn| account.aws.world_mut().lose_instance(&arn));
        }
        Act::Short => account.aws.world_mut().run_short(Shortage { instance_type: "inf2*".into(), zone: None }),
        Act::Enough => account.aws.world_mut().end_shortages(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn managed_devices_are_never_shared_and_a_service_always_settles(acts in acts(), seed in 0_u64..1000) {
        let mut account = Account::with(Options { seed, throttling: Throttling::Off, ..Options::default() });
        account.ready();
        account.definition("llm", "vllm:1");
        account.call("CreateService", service("web", "llm", 2));
        for act in acts {
            perform(&mut account, act);
            let mut held = BTreeSet::new();
            for task in account.aws.world().live_tasks() {
                for device in task.devices {
                    prop_assert!(held.insert((task.instance.clone(), device)));
                }
            }
        }
        account.aws.world_mut().end_shortages();
        account.pass(3 * 3600);
        let web = account.service("web");
        prop_assert_eq!(&web["runningCount"], &web["desiredCount"]);
        prop_assert_eq!(&web["deployments"][0]["rolloutState"], "COMPLETED");
        prop_assert!(account.aws.world().violations().is_empty());
        let instances = account.aws.world().running_instances().len();
        prop_assert_eq!(i64::try_from(instances).unwrap(), web["desiredCount"].as_i64().unwrap());
    }

    #[test]
    fn pages_of_any_size_hold_every_cluster_once(size in 1_i64..12, count in 0_usize..30) {
        let mut account = Account::with(Options { throttling: Throttling::Off, ..Options::default() });
        for n in 0..count {
            account.call("CreateCluster", json!({"clusterName": format!("c{n}")}));
        }
        let (mut seen, mut input) = (Vec::new(), json!({"maxResults": size}));
        loop {
            let page = account.call("ListClusters", input.clone());
            seen.extend(page["clusterArns"].as_array().unwrap().iter().map(ToString::to_string));
            if page.get("nextToken").is_none() {
                break;
            }
            input["nextToken"] = page["nextToken"].clone();
        }
        prop_assert_eq!(seen.len(), count);
        prop_assert_eq!(seen.into_iter().collect::<BTreeSet<_>>().len(), count);
    }
}
