//! Launch templates over the wire: versions, defaults, inheritance, what is refused and how.
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
mod forms;

use account::Account;
use axon_sim::NOT_MODELLED;
use forms::{IMAGE, ec2, ec2_code, template, try_ec2};
use serde_json::{Value, json};

const USER_DATA: &str = "IyEvYmluL2Jhc2gK";

fn versions(account: &mut Account, pairs: &[(&str, &str)]) -> Value {
    ec2(account, "DescribeLaunchTemplateVersions", pairs)["launchTemplateVersionSet"].clone()
}

#[test]
fn everything_a_neuron_worker_needs_comes_back_as_it_was_sent() {
    let mut account = Account::new();
    let d = "LaunchTemplateData";
    let pairs = [
        ("LaunchTemplateName", "axon/workers-1"),
        (&format!("{d}.ImageId"), IMAGE),
        (&format!("{d}.InstanceType"), "trn1.32xlarge"),
        (&format!("{d}.UserData"), USER_DATA),
        (&format!("{d}.IamInstanceProfile.Arn"), "arn:aws:iam::111122223333:instance-profile/ecs"),
        (&format!("{d}.BlockDeviceMapping.1.DeviceName"), "/dev/xvda"),
        (&format!("{d}.BlockDeviceMapping.1.Ebs.VolumeSize"), "200"),
        (&format!("{d}.BlockDeviceMapping.1.Ebs.VolumeType"), "gp3"),
        (&format!("{d}.MetadataOptions.HttpTokens"), "required"),
        (&format!("{d}.MetadataOptions.HttpPutResponseHopLimit"), "2"),
        (&format!("{d}.NetworkInterface.1.DeviceIndex"), "0"),
        (&format!("{d}.NetworkInterface.1.InterfaceType"), "efa"),
        (&format!("{d}.NetworkInterface.1.SecurityGroupId.1"), "sg-0123456789abcdef0"),
        (&format!("{d}.NetworkInterface.2.NetworkCardIndex"), "1"),
        (&format!("{d}.Placement.GroupName"), "cluster"),
        (&format!("{d}.Monitoring.Enabled"), "true"),
        (&format!("{d}.InstanceMarketOptions.MarketType"), "spot"),
        (&format!("{d}.TagSpecification.1.ResourceType"), "instance"),
        (&format!("{d}.TagSpecification.1.Tag.1.Key"), "team"),
        (&format!("{d}.TagSpecification.1.Tag.1.Value"), "a <b> & c"),
    ];
    ec2(&mut account, "CreateLaunchTemplate", &pairs);
    let found = versions(&mut account, &[("LaunchTemplateName", "axon/workers-1")]);
    let data = &found[0]["launchTemplateData"];
    let expected = json!({
        "imageId": IMAGE,
        "instanceType": "trn1.32xlarge",
        "userData": USER_DATA,
        "iamInstanceProfile": {"arn": "arn:aws:iam::111122223333:instance-profile/ecs"},
        "blockDeviceMappingSet": [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": "200", "volumeType": "gp3"}}],
        "metadataOptions": {"state": "pending", "httpTokens": "required", "httpPutResponseHopLimit": "2"},
        "networkInterfaceSet": [
            {"deviceIndex": "0", "interfaceType": "efa", "groupSet": Value::Null},
            {"networkCardIndex": "1"},
        ],
        "placement": {"groupName": "cluster"},
        "monitoring": {"enabled": "true"},
        "instanceMarketOptions": {"marketType": "spot"},
        "tagSpecificationSet": [{"resourceType": "instance", "tagSet": [{"key": "team", "value": "a <b> & c"}]}],
    });
    for (key, value) in expected.as_object().unwrap() {
        if key == "networkInterfaceSet" {
            assert_eq!(data[key][0]["interfaceType"], "efa");
            assert_eq!(data[key][0]["groupSet"]["groupId"], "sg-0123456789abcdef0");
            assert_eq!(data[key][1]["networkCardIndex"], "1");
        } else {
            assert_eq!(&data[key], value, "{key}");
        }
    }
    assert_eq!(data.as_object().unwrap().len(), expected.as_object().unwrap().len(), "nothing is added: {data}");
}

#[test]
fn a_version_with_a_source_inherits_what_it_does_not_say() {
    let mut account = Account::new();
    let id = template(&mut account, "workers", "inf2.xlarge");
    let more = |source: Option<&'static str>| {
        let mut pairs = vec![("LaunchTemplateName", "workers"), ("LaunchTemplateData.InstanceType", "inf2.8xlarge")];
        pairs.extend(source.map(|s| ("SourceVersion", s)));
        pairs
    };
    let second = ec2(&mut account, "CreateLaunchTemplateVersion", &more(Some("1")))["launchTemplateVersion"].clone();
    assert_eq!((&second["versionNumber"], &second["defaultVersion"]), (&json!("2"), &json!("false")));
    assert_eq!(second["launchTemplateData"]["imageId"], IMAGE);
    assert_eq!(second["launchTemplateData"]["instanceType"], "inf2.8xlarge");
    let third = ec2(&mut account, "CreateLaunchTemplateVersion", &more(None))["launchTemplateVersion"].clone();
    assert!(third["launchTemplateData"]["imageId"].is_null());
    let code = ec2_code(&mut account, "CreateLaunchTemplateVersion", &more(Some("9")));
    assert_eq!(code, "InvalidLaunchTemplateId.VersionNotFound");
    let all = versions(&mut account, &[("LaunchTemplateId", &id)]);
    let numbers: Vec<&str> = all.as_array().unwrap().iter().map(|v| v["versionNumber"].as_str().unwrap()).collect();
    assert_eq!(numbers, ["3", "2", "1"]);
    let range = [("LaunchTemplateId", id.as_str()), ("MinVersion", "2"), ("MaxVersion", "2")];
    assert_eq!(versions(&mut account, &range).as_array().unwrap().len(), 1);
}

#[test]
fn the_default_version_changes_only_when_told() {
    let mut account = Account::new();
    let id = template(&mut account, "workers", "inf2.xlarge");
    let next = [("LaunchTemplateId", id.as_str()), ("LaunchTemplateData.InstanceType", "inf2.8xlarge")];
    ec2(&mut account, "CreateLaunchTemplateVersion", &next);
    let by = [("LaunchTemplateId", id.as_str()), ("LaunchTemplateVersion.1", "$Default")];
    assert_eq!(versions(&mut account, &by)[0]["versionNumber"], "1");
    let change = |version| [("LaunchTemplateId", id.as_str()), ("SetDefaultVersion", version)];
    let changed = ec2(&mut account, "ModifyLaunchTemplate", &change("2"))["launchTemplate"].clone();
    assert_eq!((&changed["defaultVersionNumber"], &changed["latestVersionNumber"]), (&json!("2"), &json!("2")));
    assert_eq!(versions(&mut account, &by)[0]["versionNumber"], "2");
    let code = ec2_code(&mut account, "ModifyLaunchTemplate", &change("3"));
    assert_eq!(code, "InvalidLaunchTemplateId.VersionNotFound");
    let everywhere = versions(&mut account, &[("LaunchTemplateVersion.1", "$Latest")]);
    assert_eq!(everywhere.as_array().unwrap().len(), 1);
    assert_eq!(ec2_code(&mut account, "DescribeLaunchTemplateVersions", &[]), "InvalidParameterValue");
}

#[test]
fn versions_but_the_default_one_can_be_deleted() {
    let mut account = Account::new();
    let id = template(&mut account, "workers", "inf2.xlarge");
    for kind in ["inf2.8xlarge", "inf2.24xlarge"] {
        let pairs = [("LaunchTemplateId", id.as_str()), ("LaunchTemplateData.InstanceType", kind)];
        ec2(&mut account, "CreateLaunchTemplateVersion", &pairs);
    }
    let pairs = [
        ("LaunchTemplateId", id.as_str()),
        ("LaunchTemplateVersion.1", "1"),
        ("LaunchTemplateVersion.2", "2"),
        ("LaunchTemplateVersion.3", "7"),
    ];
    let answer = ec2(&mut account, "DeleteLaunchTemplateVersions", &pairs);
    assert_eq!(answer["successfullyDeletedLaunchTemplateVersionSet"][0]["versionNumber"], "2");
    let failed = answer["unsuccessfullyDeletedLaunchTemplateVersionSet"].as_array().unwrap();
    assert_eq!(failed.len(), 2);
    assert_eq!(failed[1]["responseError"]["code"], "launchTemplateVersionDoesNotExist");
    assert_eq!(account.aws.world().templates()["workers"], 3);
}

#[test]
fn names_are_taken_and_found_with_the_documented_codes() {
    let mut account = Account::new();
    let id = template(&mut account, "workers", "inf2.xlarge");
    let create = |name| [("LaunchTemplateName", name), ("LaunchTemplateData.InstanceType", "inf2.xlarge")];
    let mut refused = |action: &str, pairs: &[(&str, &str)]| ec2_code(&mut account, action, pairs);
    let taken = refused("CreateLaunchTemplate", &create("workers"));
    assert_eq!(taken, "InvalidLaunchTemplateName.AlreadyExistsException");
    for bad in ["ab", "white space", "colon:colon"] {
        let code = refused("CreateLaunchTemplate", &create(bad));
        assert_eq!(code, "InvalidLaunchTemplateName.MalformedException", "{bad}");
    }
    let code = refused("DescribeLaunchTemplates", &[("LaunchTemplateName.1", "nobody")]);
    assert_eq!(code, "InvalidLaunchTemplateName.NotFoundException");
    let code = refused("DeleteLaunchTemplate", &[("LaunchTemplateId", "lt-0123456789abcdef0")]);
    assert_eq!(code, "InvalidLaunchTemplateId.NotFound");
    let code = refused("DeleteLaunchTemplate", &[("LaunchTemplateId", "lt-xyz")]);
    assert_eq!(code, "InvalidLaunchTemplateId.Malformed");
    let both = [("LaunchTemplateId", id.as_str()), ("LaunchTemplateName", "workers")];
    assert_eq!(refused("DeleteLaunchTemplate", &both), "InvalidParameterCombination");
    assert_eq!(refused("DeleteLaunchTemplate", &[]), "MissingParameter");
    ec2(&mut account, "DeleteLaunchTemplate", &[("LaunchTemplateName", "workers")]);
    let left = ec2(&mut account, "DescribeLaunchTemplates", &[]);
    assert_eq!(left["launchTemplates"], "");
}

#[test]
fn a_client_token_makes_one_template_and_refuses_another_request() {
    let mut account = Account::new();
    let create =
        |kind| [("LaunchTemplateName", "workers"), ("LaunchTemplateData.InstanceType", kind), ("ClientToken", "t-1")];
    let first = ec2(&mut account, "CreateLaunchTemplate", &create("inf2.xlarge"))["launchTemplate"].clone();
    account.pass(60);
    let again = ec2(&mut account, "CreateLaunchTemplate", &create("inf2.xlarge"))["launchTemplate"].clone();
    assert_eq!(first, again);
    let code = ec2_code(&mut account, "CreateLaunchTemplate", &create("inf2.8xlarge"));
    assert_eq!(code, "IdempotentParameterMismatch");
}

#[test]
fn only_the_form_of_the_data_is_checked_at_once() {
    let mut account = Account::new();
    let with = |key: &'static str, value: &'static str| [("LaunchTemplateName", "workers"), (key, value)];
    let mut refused = |key, value| ec2_code(&mut account, "CreateLaunchTemplate", &with(key, value));
    assert_eq!(refused("LaunchTemplateData.UserData", "#!/bin/bash"), "InvalidUserData.Malformed");
    assert_eq!(refused("LaunchTemplateData.MetadataOptions.HttpPutResponseHopLimit", "65"), "InvalidParameterValue");
    assert_eq!(refused("LaunchTemplateData.MetadataOptions.HttpTokens", "perhaps"), "InvalidParameterValue");
    assert_eq!(refused("LaunchTemplateData.Monitoring.Enabled", "yes"), "InvalidParameterValue");
    assert_eq!(refused("LaunchTemplateData.Colour", "red"), "UnknownParameter");
    assert_eq!(refused("LaunchTemplateData.BlockDeviceMapping.1.Ebs.Volume", "1"), "UnknownParameter");
    assert_eq!(refused("LaunchTemplateData.InstanceRequirements.VCpuCount.Min", "1"), NOT_MODELLED);
    assert_eq!(refused("VersionDescription", "no data"), "MissingParameter");
    ec2(&mut account, "CreateLaunchTemplate", &with("LaunchTemplateData.ImageId", "ami-0123456789abcdef0"));
}

#[test]
fn a_parameter_in_place_of_an_image_is_resolved_when_asked() {
    let mut account = Account::new();
    let path = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended/image_id";
    let alias = format!("resolve:ssm:{path}");
    let pairs = [("LaunchTemplateName", "workers"), ("LaunchTemplateData.ImageId", alias.as_str())];
    ec2(&mut account, "CreateLaunchTemplate", &pairs);
    let name = ("LaunchTemplateName", "workers");
    assert_eq!(versions(&mut account, &[name])[0]["launchTemplateData"]["imageId"], alias.as_str());
    let resolved = versions(&mut account, &[name, ("ResolveAlias", "true")]);
    assert_eq!(resolved[0]["launchTemplateData"]["imageId"], IMAGE);
}

#[test]
fn templates_are_found_by_their_tags_page_by_page() {
    let mut account = Account::new();
    for number in 0..5 {
        let name = format!("workers-{number}");
        let pairs = [
            ("LaunchTemplateName", name.as_str()),
            ("LaunchTemplateData.InstanceType", "inf2.xlarge"),
            ("TagSpecification.1.ResourceType", "launch-template"),
            ("TagSpecification.1.Tag.1.Key", "fleet"),
            ("TagSpecification.1.Tag.1.Value", if number == 0 { "b" } else { "a" }),
        ];
        ec2(&mut account, "CreateLaunchTemplate", &pairs);
    }
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let pairs = [
            ("Filter.1.Name", "tag:fleet"),
            ("Filter.1.Value.1", "a"),
            ("MaxResults", "3"),
            ("NextToken", token.as_str()),
        ];
        let page = ec2(&mut account, "DescribeLaunchTemplates", &pairs);
        let names = page["launchTemplates"].as_array().unwrap();
        found.extend(names.iter().map(|t| t["launchTemplateName"].as_str().unwrap().to_owned()));
        match page["nextToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    found.sort();
    assert_eq!(found, ["workers-1", "workers-2", "workers-3", "workers-4"]);
    let wrong = [
        ("LaunchTemplateName", "other"),
        ("LaunchTemplateData.InstanceType", "inf2.xlarge"),
        ("TagSpecification.1.ResourceType", "instance"),
    ];
    assert_eq!(try_ec2(&mut account, "CreateLaunchTemplate", &wrong).unwrap_err().0, "InvalidParameterValue");
}
