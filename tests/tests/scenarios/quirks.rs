//! Where AWS's documents leave a behaviour open, the fleet converges and is quiet under every reading of them.

use std::time::Duration;

use axon_sim::{
    ClusterNamespace, CrashAfterRunning, DefaultStrategyOnDelete, DeregisteredImage, DeviceDefaults, EmptyLogPages,
    ExistingCluster, GroupProviderCreation, GroupTemplate, ImageActs, LaggingLists, Launchable, LostTaskCode,
    ManagedNamesInPut, NeuronOverride, NeuronResource, NewerAcceleratorNames, OmittedOnUpdate, Options, PageMarks,
    PriceProtection, Quirks, RecreatedParameter, StartedByWithStatus, StoppedTaskTags, StoppingCounts, StrategyAlone,
    TaskGroupCounts, Trainium2Memory, Trn2uNeuronInfo, TypeNamesWithMaxResults,
};
use axon_tests::World;
use axon_tests::fleets::{ROLLING, SMALL, edit, example};
use serde_json::json;

/// Every setting that is not the default.
fn every_other() -> Quirks {
    Quirks {
        omitted_on_update: OmittedOnUpdate::Keep,
        neuron_resource: NeuronResource::Integer,
        strategy_alone: StrategyAlone::Deployment,
        managed_names_in_put: ManagedNamesInPut::Accepted,
        existing_cluster: ExistingCluster::Rejected,
        cluster_namespace: ClusterNamespace::AsSent,
        newer_accelerator_names: NewerAcceleratorNames::Accepted,
        launchable: Launchable::EveryNeuronType,
        price_protection: PriceProtection::LikeEc2,
        crash_after_running: CrashAfterRunning::AFailure,
        default_strategy_on_delete: DefaultStrategyOnDelete::Allowed,
        neuron_override: NeuronOverride::Accepted,
        device_defaults: DeviceDefaults::Filled,
        read_lag_seconds: 10,
        inactive_service_seconds: 0,
        inactive_provider_seconds: 0,
        inactive_cluster_seconds: 0,
        scale_in_seconds: 60,
        group_template: GroupTemplate::CheckedAtLaunch,
        deregistered_image: DeregisteredImage::Unavailable,
        trainium2_memory: Trainium2Memory::AsChip,
        trn2u_neuron_info: Trn2uNeuronInfo::Present,
        type_names_with_max_results: TypeNamesWithMaxResults::Accepted,
        group_provider_creation: GroupProviderCreation::AtOnce,
        stopping_counts: StoppingCounts::UntilDesiredStopped,
        task_group_counts: TaskGroupCounts::NotStopped,
        provisioning_limit_seconds: Some(3600),
        first_scale_out: 1,
        scale_in_points: 5,
        recreated_parameter: RecreatedParameter::Accepted,
        lost_task_code: LostTaskCode::ByCause,
        stopped_task_tags: StoppedTaskTags::KeptUnlessStopped,
        started_by_with_status: StartedByWithStatus::Rejected,
        lagging_lists: LaggingLists::LikeDescribe,
        page_marks: PageMarks::Position,
        short_pages: Some(2),
        log_lag_seconds: 30,
        empty_log_pages: EmptyLogPages::Never,
    }
}

/// Every setting that is not the default, one at a time, and all together.
fn others() -> Vec<(&'static str, Quirks)> {
    let default = Quirks::default();
    let all = every_other();
    vec![
        ("the defaults", default.clone()),
        ("all others", all.clone()),
        ("omitted members keep", Quirks { omitted_on_update: all.omitted_on_update, ..default.clone() }),
        ("devices are counted", Quirks { neuron_resource: all.neuron_resource, ..default.clone() }),
        ("a strategy deploys", Quirks { strategy_alone: all.strategy_alone, ..default.clone() }),
        ("clusters are refused twice", Quirks { existing_cluster: all.existing_cluster, ..default.clone() }),
        ("every type is launched", Quirks { launchable: all.launchable, ..default.clone() }),
        ("prices are protected", Quirks { price_protection: all.price_protection, ..default.clone() }),
        ("every end is a failure", Quirks { crash_after_running: all.crash_after_running, ..default.clone() }),
        ("devices are filled in", Quirks { device_defaults: all.device_defaults, ..default.clone() }),
        (
            "readings lag, but for lists",
            Quirks { read_lag_seconds: 60, lagging_lists: LaggingLists::Never, ..default.clone() },
        ),
        (
            "readings lag, lists with them",
            Quirks { read_lag_seconds: 60, lagging_lists: LaggingLists::LikeDescribe, ..default.clone() },
        ),
        (
            "pages are short, and go on by position",
            Quirks { page_marks: all.page_marks, short_pages: all.short_pages, ..default.clone() },
        ),
        (
            "what is deleted is gone",
            Quirks {
                inactive_service_seconds: 0,
                inactive_provider_seconds: 0,
                inactive_cluster_seconds: 0,
                ..default.clone()
            },
        ),
        (
            "what is deleted lingers",
            Quirks {
                inactive_service_seconds: 86_400,
                inactive_provider_seconds: 86_400,
                inactive_cluster_seconds: 86_400,
                ..default
            },
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn the_example_converges_and_is_quiet_whatever_aws_does_where_its_documents_are_open() {
    for (name, quirks) in others() {
        let world = World::with(Options { quirks, ..Options::default() }, "");
        world.specify_files(vec![example("vllm-managed.yaml")]);
        let mut operator = world.start().await;
        operator.ready().await;
        world.quiet(Duration::from_mins(30)).await;
        assert_eq!(world.plan().await.steps().count(), 0, "{name}");
        operator.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn changes_converge_and_are_quiet_whatever_aws_does_where_its_documents_are_open() {
    let spot = edit(SMALL, "capacityOption: OnDemand", "capacityOption: Spot");
    let changes = [
        SMALL.to_owned(),
        // In place, with members that the update leaves out.
        edit(SMALL, "storageSizeGib: 200", "storageSizeGib: 300"),
        edit(SMALL, "    storageSizeGib: 200\n", ""),
        // By replacement, and back while the first name may still be blocked.
        spot.clone(),
        SMALL.to_owned(),
        edit(&spot, "vllm:1", "vllm:2"),
    ];
    for (name, quirks) in others() {
        let world = World::with(Options { quirks, ..Options::default() }, "");
        let mut operator = world.start().await;
        for change in &changes {
            world.specify(change);
            operator.ready().await;
            world.quiet(Duration::from_mins(10)).await;
            assert_eq!(world.providers("ml").len(), 1, "{name}");
            assert_eq!(world.running("llama"), 2, "{name}");
        }
        operator.stop().await;
    }
}

/// What concerns Auto Scaling groups, one at a time, and all together.
fn of_groups() -> Vec<(&'static str, Quirks)> {
    let default = Quirks::default();
    let all = every_other();
    vec![
        ("the defaults", default.clone()),
        ("all others", all.clone()),
        ("omitted members keep", Quirks { omitted_on_update: all.omitted_on_update, ..default.clone() }),
        ("templates fail at launch", Quirks { group_template: all.group_template, ..default.clone() }),
        (
            "providers are there at once",
            Quirks { group_provider_creation: all.group_provider_creation, ..default.clone() },
        ),
        ("stopping tasks do not count", Quirks { stopping_counts: all.stopping_counts, ..default.clone() }),
        ("constraints see stopping tasks", Quirks { task_group_counts: all.task_group_counts, ..default.clone() }),
        ("tasks wait for ten minutes", Quirks { provisioning_limit_seconds: Some(600), ..default.clone() }),
        ("one instance comes first", Quirks { first_scale_out: all.first_scale_out, ..default.clone() }),
        ("groups shrink early", Quirks { scale_in_points: all.scale_in_points, ..default }),
    ]
}

#[tokio::test(start_paused = true)]
async fn pools_of_groups_converge_roll_and_are_quiet_whatever_aws_does_where_its_documents_are_open() {
    let changed = edit(ROLLING, "server:1", "server:2");
    let changed = edit(&changed, "maxSize: 6", "maxSize: 5\n    scaling: {targetCapacity: 90}");
    for (name, quirks) in of_groups() {
        let world = World::with(Options { quirks, ..Options::default() }, ROLLING);
        let mut operator = world.start().await;
        operator.ready().await;
        world.publish("ami-0000000000000new1", ImageActs::Good);
        let rolled = || {
            let images = world.images();
            images.len() >= 3 && images.iter().all(|image| image == "ami-0000000000000new1")
        };
        for _ in 0..12 {
            if !rolled() {
                world.pass(Duration::from_mins(10)).await;
            }
        }
        operator.ready().await;
        assert!(rolled(), "{name}: {:?}", world.images());
        world.specify(&changed);
        operator.ready().await;
        world.quiet(Duration::from_mins(30)).await;
        assert_eq!(world.running("server"), 3, "{name}");
        assert_eq!(world.plan().await.steps().count(), 0, "{name}");
        operator.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_of_somebody_else_is_never_taken_over_by_creating_it() {
    for existing in [ExistingCluster::Returned, ExistingCluster::Rejected] {
        let quirks = Quirks { existing_cluster: existing, ..Quirks::default() };
        let mut world = World::with(Options { quirks, ..Options::default() }, SMALL);
        world.settings.timeout = Some(Duration::from_mins(20));
        world.act("CreateCluster", &json!({"clusterName": "ml"}));
        let before = world.inventory("ml");
        world.apply().await;
        assert_eq!(world.inventory("ml"), before, "{existing:?}");
    }
}
