//! What goes over the wire to EC2 and Auto Scaling when a step is executed, and what becomes of the answers.

use std::collections::BTreeMap;

use axon_core::cloud::{Cloud, Effect, ErrorClass};
use axon_core::observe::{Template, TemplateVersion};
use axon_core::step::{Action, Place};
use serde_json::json;

use crate::fake::{Fake, INSTANCE, Reply, actions, step, written};

fn action(operation: &str) -> Action {
    actions().into_iter().find(|action| action.operation() == operation).expect("there is one of every kind")
}

/// Members of the form that an action is sent as, without what every form has.
async fn sent(action: Action) -> BTreeMap<String, String> {
    let fake = Fake::new(written);
    let operation = action.operation();
    fake.aws().await.execute(&step(action)).await.expect("the fake says yes");
    let mut call = fake.calls().pop().expect("a call");
    assert_eq!(call.operation, operation);
    assert!(call.form.remove("Version").is_some());
    call.form
}

fn form(members: &[(&str, &str)]) -> BTreeMap<String, String> {
    members.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// The contents of a launch template with every member set.
const DATA: &[(&str, &str)] = &[
    ("LaunchTemplateData.ImageId", "ami-1"),
    ("LaunchTemplateData.InstanceType", "trn1.32xlarge"),
    ("LaunchTemplateData.KeyName", "a-key"),
    ("LaunchTemplateData.EbsOptimized", "true"),
    ("LaunchTemplateData.IamInstanceProfile.Arn", "a-profile-arn"),
    ("LaunchTemplateData.IamInstanceProfile.Name", "a-profile"),
    ("LaunchTemplateData.UserData", "IyEvYmluL3No"),
    ("LaunchTemplateData.BlockDeviceMapping.1.DeviceName", "/dev/xvda"),
    ("LaunchTemplateData.BlockDeviceMapping.1.Ebs.Encrypted", "true"),
    ("LaunchTemplateData.BlockDeviceMapping.1.Ebs.DeleteOnTermination", "true"),
    ("LaunchTemplateData.BlockDeviceMapping.1.Ebs.Iops", "3000"),
    ("LaunchTemplateData.BlockDeviceMapping.1.Ebs.KmsKeyId", "a-key-id"),
    ("LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeSize", "500"),
    ("LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeType", "gp3"),
    ("LaunchTemplateData.BlockDeviceMapping.1.Ebs.Throughput", "250"),
    ("LaunchTemplateData.MetadataOptions.HttpTokens", "required"),
    ("LaunchTemplateData.MetadataOptions.HttpPutResponseHopLimit", "2"),
    ("LaunchTemplateData.MetadataOptions.HttpEndpoint", "enabled"),
    ("LaunchTemplateData.MetadataOptions.InstanceMetadataTags", "enabled"),
    ("LaunchTemplateData.Monitoring.Enabled", "true"),
    ("LaunchTemplateData.NetworkInterface.1.AssociatePublicIpAddress", "true"),
    ("LaunchTemplateData.NetworkInterface.1.DeleteOnTermination", "true"),
    ("LaunchTemplateData.NetworkInterface.1.DeviceIndex", "0"),
    ("LaunchTemplateData.NetworkInterface.1.NetworkCardIndex", "1"),
    ("LaunchTemplateData.NetworkInterface.1.InterfaceType", "efa"),
    ("LaunchTemplateData.NetworkInterface.1.SecurityGroupId.1", "sg-1"),
    ("LaunchTemplateData.NetworkInterface.1.SecurityGroupId.2", "sg-2"),
    ("LaunchTemplateData.SecurityGroupId.1", "sg-3"),
    ("LaunchTemplateData.SecurityGroupId.2", "sg-4"),
    ("LaunchTemplateData.Placement.GroupName", "a-group"),
    ("LaunchTemplateData.Placement.AvailabilityZone", "us-east-1a"),
    ("LaunchTemplateData.Placement.Tenancy", "dedicated"),
    ("LaunchTemplateData.TagSpecification.1.ResourceType", "instance"),
    ("LaunchTemplateData.TagSpecification.1.Tag.1.Key", "team"),
    ("LaunchTemplateData.TagSpecification.1.Tag.1.Value", "ml"),
    ("LaunchTemplateData.CapacityReservationSpecification.CapacityReservationPreference", "open"),
    ("LaunchTemplateData.CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId", "cr-1"),
    (
        "LaunchTemplateData.CapacityReservationSpecification.CapacityReservationTarget.\
         CapacityReservationResourceGroupArn",
        "a-group-arn",
    ),
];

#[tokio::test]
async fn a_launch_template_reaches_the_wire_whole() {
    let mut members = sent(action("CreateLaunchTemplate")).await;
    assert!(members.remove("ClientToken").is_some_and(|token| !token.is_empty()));
    let mut expected = form(DATA);
    expected.extend(form(&[
        ("LaunchTemplateName", "axon-trn"),
        ("VersionDescription", "v1-abc"),
        ("TagSpecification.1.ResourceType", "launch-template"),
        ("TagSpecification.1.Tag.1.Key", "neuron.ecs/managed-by"),
        ("TagSpecification.1.Tag.1.Value", "axon"),
    ]));
    assert_eq!(members, expected);
}

#[tokio::test]
async fn a_version_of_a_launch_template_reaches_the_wire_whole() {
    let mut members = sent(action("CreateLaunchTemplateVersion")).await;
    assert!(members.remove("ClientToken").is_some());
    let mut expected = form(DATA);
    expected.extend(form(&[("LaunchTemplateId", "lt-1"), ("VersionDescription", "v1-def")]));
    assert_eq!(members, expected);
}

/// What creating and updating a group have in common, with every member set.
const GROUP: &[(&str, &str)] = &[
    ("AutoScalingGroupName", "axon-trn"),
    ("LaunchTemplate.LaunchTemplateId", "lt-1"),
    ("LaunchTemplate.LaunchTemplateName", "axon-trn"),
    ("LaunchTemplate.Version", "3"),
    ("MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateId", "lt-1"),
    ("MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateName", "axon-trn"),
    ("MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.Version", "3"),
    ("MixedInstancesPolicy.LaunchTemplate.Overrides.member.1.InstanceType", "trn1.32xlarge"),
    ("MixedInstancesPolicy.InstancesDistribution.OnDemandAllocationStrategy", "prioritized"),
    ("MixedInstancesPolicy.InstancesDistribution.OnDemandBaseCapacity", "1"),
    ("MixedInstancesPolicy.InstancesDistribution.OnDemandPercentageAboveBaseCapacity", "50"),
    ("MixedInstancesPolicy.InstancesDistribution.SpotAllocationStrategy", "price-capacity-optimized"),
    ("MixedInstancesPolicy.InstancesDistribution.SpotMaxPrice", "1.5"),
    ("MinSize", "0"),
    ("MaxSize", "8"),
    ("VPCZoneIdentifier", "subnet-1,subnet-2"),
    ("PlacementGroup", "a-group"),
    ("NewInstancesProtectedFromScaleIn", "true"),
    ("HealthCheckType", "EC2"),
    ("HealthCheckGracePeriod", "60"),
    ("DefaultInstanceWarmup", "120"),
    ("TerminationPolicies.member.1", "OldestInstance"),
    ("TerminationPolicies.member.2", "Default"),
    ("CapacityRebalance", "true"),
    ("MaxInstanceLifetime", "864000"),
];

#[tokio::test]
async fn a_group_reaches_the_wire_whole_and_its_tags_name_it() {
    let mut expected = form(GROUP);
    assert_eq!(sent(action("UpdateAutoScalingGroup")).await, expected);
    expected.extend(form(&[
        ("Tags.member.1.ResourceId", "axon-trn"),
        ("Tags.member.1.ResourceType", "auto-scaling-group"),
        ("Tags.member.1.Key", "neuron.ecs/managed-by"),
        ("Tags.member.1.Value", "axon"),
        ("Tags.member.1.PropagateAtLaunch", "true"),
    ]));
    assert_eq!(sent(action("CreateAutoScalingGroup")).await, expected);
}

#[tokio::test]
async fn tags_of_a_group_name_it_and_tags_of_ec2_are_removed_whatever_their_value() {
    let expected = form(&[
        ("Tags.member.1.ResourceId", "axon-trn"),
        ("Tags.member.1.ResourceType", "auto-scaling-group"),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "ml"),
        ("Tags.member.1.PropagateAtLaunch", "false"),
    ]);
    assert_eq!(sent(action("CreateOrUpdateTags")).await, expected);
    let expected = form(&[("ResourceId.1", "lt-1"), ("Tag.1.Key", "team"), ("Tag.1.Value", "ml & more")]);
    assert_eq!(sent(action("CreateTags")).await, expected);
    let expected = form(&[("ResourceId.1", "lt-1"), ("Tag.1.Key", "team"), ("Tag.2.Key", "cost")]);
    assert_eq!(sent(action("DeleteTags")).await, expected);
    let remove = Action::DeleteGroupTags { group: "axon-trn".to_owned(), keys: vec!["team".to_owned()] };
    let expected = form(&[
        ("Tags.member.1.ResourceId", "axon-trn"),
        ("Tags.member.1.ResourceType", "auto-scaling-group"),
        ("Tags.member.1.Key", "team"),
    ]);
    assert_eq!(sent(remove).await, expected);
}

#[tokio::test]
async fn what_is_deleted_or_resized_is_named_and_nothing_else_is_sent() {
    let expected = form(&[("LaunchTemplateId", "lt-1")]);
    assert_eq!(sent(action("DeleteLaunchTemplate")).await, expected);
    let expected = form(&[("AutoScalingGroupName", "axon-trn"), ("ForceDelete", "true")]);
    assert_eq!(sent(action("DeleteAutoScalingGroup")).await, expected, "its instances go with it");
    let expected = form(&[("AutoScalingGroupName", "axon-trn"), ("DesiredCapacity", "3")]);
    assert_eq!(sent(action("SetDesiredCapacity")).await, expected);
}

#[tokio::test]
async fn the_place_of_a_terminated_instance_is_refilled_or_removed() {
    for (place, decrement) in [(Place::Refilled, "false"), (Place::Removed, "true")] {
        let terminate = Action::TerminateInstanceInAutoScalingGroup { instance: "i-1".to_owned(), place };
        let expected = form(&[("InstanceId", "i-1"), ("ShouldDecrementDesiredCapacity", decrement)]);
        assert_eq!(sent(terminate).await, expected);
    }
}

#[tokio::test]
async fn a_created_template_is_told_with_the_version_that_was_asked_for() {
    let fake = Fake::new(written);
    let aws = fake.aws().await;
    let created = "2026-01-02T03:04:05Z".parse().ok();
    let version = |number, description: &str| TemplateVersion {
        number,
        description: Some(description.to_owned()),
        image: Some("ami-1".to_owned()),
        created,
    };
    let effect = aws.execute(&step(action("CreateLaunchTemplate"))).await.expect("the fake says yes");
    let expected = Template {
        id: "lt-1".to_owned(),
        name: "axon-trn".to_owned(),
        tags: [("neuron.ecs/managed-by".to_owned(), "axon".to_owned())].into(),
        versions: vec![version(1, "v1-abc")],
    };
    assert_eq!(effect, Effect::Template(expected));
    let effect = aws.execute(&step(action("CreateLaunchTemplateVersion"))).await.expect("the fake says yes");
    assert_eq!(effect, Effect::TemplateVersion("lt-1".to_owned(), version(2, "v1-def")));
}

#[tokio::test]
async fn writes_that_answer_nothing_about_the_resource_are_done() {
    let fake = Fake::new(written);
    let aws = fake.aws().await;
    for operation in [
        "DeleteLaunchTemplate",
        "CreateAutoScalingGroup",
        "UpdateAutoScalingGroup",
        "DeleteAutoScalingGroup",
        "SetDesiredCapacity",
        "TerminateInstanceInAutoScalingGroup",
    ] {
        assert_eq!(aws.execute(&step(action(operation))).await, Ok(Effect::Done), "{operation}");
    }
    for operation in ["CreateTags", "DeleteTags", "CreateOrUpdateTags"] {
        assert_eq!(aws.execute(&step(action(operation))).await, Ok(Effect::Tags), "{operation}");
    }
}

#[tokio::test]
async fn a_drained_instance_is_known_with_the_tasks_that_it_has_by_then() {
    let drained =
        json!({"containerInstanceArn": INSTANCE, "status": "DRAINING", "runningTasksCount": 1, "pendingTasksCount": 2});
    let fake = Fake::new(move |_| Reply::Ok(json!({"containerInstances": [drained]})));
    let effect = fake.aws().await.execute(&step(action("UpdateContainerInstancesState"))).await;
    let Ok(Effect::Instance(cluster, found)) = effect else { panic!("{effect:?}") };
    assert_eq!((cluster.as_str(), found.arn.as_str(), found.status.as_str()), ("main", INSTANCE, "DRAINING"));
    assert_eq!((found.running_tasks, found.pending_tasks), (1, 2));
}

#[tokio::test]
async fn an_answer_without_the_instance_that_was_to_drain_is_an_error() {
    let fake = Fake::new(|_| Reply::Ok(json!({"containerInstances": []})));
    let error = fake
        .aws()
        .await
        .execute(&step(action("UpdateContainerInstancesState")))
        .await
        .expect_err("nothing is answered");
    assert!(error.message.contains("containerInstances[]"), "{error:?}");
}

#[tokio::test]
async fn an_instance_that_ecs_could_not_drain_is_an_error() {
    for (reason, class) in [("INACTIVE", ErrorClass::NotFound), ("LIMBO", ErrorClass::Ambiguous)] {
        let failures = json!({"failures": [{"arn": INSTANCE, "reason": reason}]});
        let fake = Fake::new(move |_| Reply::Ok(failures.clone()));
        let drain = action("UpdateContainerInstancesState");
        let error = fake.aws().await.execute(&step(drain)).await.expect_err("it is among the failures");
        assert_eq!((error.class, error.code.as_str()), (class, reason));
        let sent = fake.calls().pop().expect("a call");
        assert_eq!(sent.body, json!({"cluster": "main", "containerInstances": [INSTANCE], "status": "DRAINING"}));
    }
}

#[tokio::test]
async fn the_provider_of_a_group_is_deleted_without_naming_a_cluster() {
    let fake = Fake::new(|_| {
        Reply::Ok(json!({"capacityProvider": {
            "name": "trn", "capacityProviderArn": "arn:trn", "status": "ACTIVE", "cluster": "main",
            "updateStatus": "DELETE_IN_PROGRESS",
            "autoScalingGroupProvider": {"autoScalingGroupArn": "arn:group", "managedDraining": "ENABLED"},
        }}))
    });
    let delete = Action::DeleteCapacityProvider { name: "trn".to_owned(), cluster: None };
    let effect = fake.aws().await.execute(&step(delete)).await.expect("the fake says yes");
    assert_eq!(fake.calls().pop().expect("a call").body, json!({"capacityProvider": "trn"}));
    let Effect::Provider(provider) = effect else { panic!("{effect:?}") };
    assert_eq!(provider.cluster, "", "it belongs to no cluster");
    let group = provider.auto_scaling_group.expect("answered");
    assert_eq!(
        (group.auto_scaling_group_arn.as_str(), group.managed_draining.as_deref()),
        ("arn:group", Some("ENABLED"))
    );
}

#[tokio::test]
async fn lists_without_elements_are_still_sent_when_providers_are_associated() {
    let fake = Fake::new(written);
    let nothing =
        axon_core::shape::cluster::PutClusterCapacityProviders { cluster: "main".to_owned(), ..Default::default() };
    let put = Action::PutClusterCapacityProviders(nothing);
    let effect = fake.aws().await.execute(&step(put)).await.expect("the fake says yes");
    let sent = fake.calls().pop().expect("a call");
    let expected = json!({"cluster": "main", "capacityProviders": [], "defaultCapacityProviderStrategy": []});
    assert_eq!(sent.body, expected);
    assert!(matches!(effect, Effect::Cluster(cluster) if cluster.name == "main"));
}

#[tokio::test]
async fn errors_in_xml_get_code_message_and_request_id_like_all_others() {
    let cases = [
        ("CreateLaunchTemplate", 400, "InvalidLaunchTemplateName.AlreadyExistsException", ErrorClass::Conflict),
        ("CreateLaunchTemplate", 503, "RequestLimitExceeded", ErrorClass::Throttled),
        ("CreateTags", 403, "UnauthorizedOperation", ErrorClass::Denied),
        ("CreateLaunchTemplate", 500, "InternalError", ErrorClass::Ambiguous),
        ("CreateAutoScalingGroup", 400, "AlreadyExists", ErrorClass::Conflict),
        ("UpdateAutoScalingGroup", 500, "ResourceContention", ErrorClass::Conflict),
        ("CreateAutoScalingGroup", 403, "AccessDenied", ErrorClass::Denied),
        ("SetDesiredCapacity", 400, "Throttling", ErrorClass::Throttled),
    ];
    for (operation, status, code, class) in cases {
        let fake = Fake::new(move |_| Reply::Refused(status, code, "No."));
        let error = fake.aws().await.execute(&step(action(operation))).await.expect_err("the fake says no");
        assert_eq!((error.class, error.code.as_str(), error.message.as_str()), (class, code, "No."), "{operation}");
        assert_eq!((error.operation, error.request_id.as_deref()), (operation, Some("request-1")));
        assert_eq!(fake.calls().len(), 1, "nothing is sent twice");
    }
}
