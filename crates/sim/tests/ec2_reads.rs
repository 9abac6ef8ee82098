//! What EC2 says of images, instance types, zones, instances and subnets, and the tags of resources.
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
use axon_sim::{
    DeregisteredImage, Image, NOT_MODELLED, Options, Quirks, Throttling, Trainium2Memory, Trn2uNeuronInfo,
    TypeNamesWithMaxResults,
};
use forms::{IMAGE, ec2, ec2_code, group, in_service, template, try_ec2};
use serde_json::{Value, json};

fn with(quirks: Quirks) -> Account {
    Account::with(Options { quirks, ..Options::default() })
}

fn kinds(account: &mut Account, pairs: &[(&str, &str)]) -> Vec<Value> {
    let answer = ec2(account, "DescribeInstanceTypes", pairs);
    answer["instanceTypeSet"].as_array().cloned().unwrap_or_default()
}

#[test]
fn neuron_types_are_found_by_name_patterns_and_tell_their_devices() {
    let mut account = Account::new();
    let filter = [("Filter.1.Name", "instance-type"), ("Filter.1.Value.1", "inf*"), ("Filter.1.Value.2", "trn?.*")];
    let found = kinds(&mut account, &filter);
    assert_eq!(found.len(), 12, "four inf1, four inf2, two trn1, two trn2; trn1n and trn2u have one letter more");
    let one = |kind: &str| found.iter().find(|t| t["instanceType"] == kind).unwrap();
    let neuron = &one("inf2.48xlarge")["neuronInfo"];
    let device = json!({"count": "12", "name": "Inferentia2", "coreInfo": {"count": "2", "version": "2"},
                        "memoryInfo": {"sizeInMiB": "32768"}});
    assert_eq!(neuron["neuronDevices"][0], device);
    assert_eq!(neuron["totalNeuronDeviceMemoryInMiB"], "393216");
    let trainium = one("trn1.32xlarge");
    assert_eq!(trainium["networkInfo"]["efaInfo"]["maximumEfaInterfaces"], "8");
    assert_eq!(trainium["networkInfo"]["networkCards"].as_array().unwrap().len(), 8);
    assert_eq!(
        (&trainium["vCpuInfo"]["defaultVCpus"], &trainium["memoryInfo"]["sizeInMiB"]),
        (&json!("128"), &json!("524288"))
    );
    assert!(
        one("inf2.xlarge")["networkInfo"]["efaInfo"].is_null()
            && one("trn1.2xlarge")["inferenceAcceleratorInfo"].is_null()
    );
    assert_eq!(one("trn2.48xlarge")["neuronInfo"]["neuronDevices"][0]["memoryInfo"]["sizeInMiB"], "524288");
}

#[test]
fn neuron_types_tell_how_they_are_bought_booted_and_connected() {
    let found = kinds(&mut Account::new(), &[("Filter.1.Name", "instance-type"), ("Filter.1.Value.1", "*")]);
    let one = |kind: &str| found.iter().find(|t| t["instanceType"] == kind).unwrap();
    let trainium = one("trn1.32xlarge");
    assert_eq!(trainium["supportedUsageClasses"], json!(["capacity-block", "on-demand", "spot"]));
    assert_eq!(trainium["supportedBootModes"], json!(["legacy-bios"]));
    assert_eq!(trainium["networkInfo"]["networkPerformance"], "8x 100 Gigabit");
    assert_eq!(trainium["networkInfo"]["networkCards"][0]["networkPerformance"], "100 Gigabit");
    let small = one("inf2.xlarge");
    assert_eq!(small["supportedUsageClasses"], json!(["on-demand", "spot"]));
    assert_eq!(
        (&small["dedicatedHostsSupported"], &small["autoRecoverySupported"]),
        (&json!("false"), &json!("false"))
    );
    assert_eq!(one("inf2.48xlarge")["dedicatedHostsSupported"], "true");
    let encrypted = |kind: &str| one(kind)["networkInfo"]["encryptionInTransitSupported"].clone();
    assert_eq!((encrypted("inf1.xlarge"), encrypted("m4.xlarge")), (json!("true"), json!("false")));
}

#[test]
fn what_aws_leaves_open_about_trainium2_can_be_switched() {
    let wanted = [("InstanceType.1", "trn2u.48xlarge")];
    assert!(kinds(&mut Account::new(), &wanted)[0]["neuronInfo"].is_null());
    let quirks = Quirks {
        trn2u_neuron_info: Trn2uNeuronInfo::Present,
        trainium2_memory: Trainium2Memory::AsChip,
        type_names_with_max_results: TypeNamesWithMaxResults::Accepted,
        ..Quirks::default()
    };
    let mut account = with(quirks);
    let found = kinds(&mut account, &[wanted[0], ("MaxResults", "5")]);
    assert_eq!(found[0]["neuronInfo"]["neuronDevices"][0]["memoryInfo"]["sizeInMiB"], "98304");
}

#[test]
fn unknown_types_and_wrong_pages_are_refused() {
    let mut account = Account::new();
    let (code, message) =
        try_ec2(&mut account, "DescribeInstanceTypes", &[("InstanceType.1", "trn9.huge")]).unwrap_err();
    assert_eq!(code, "InvalidInstanceType");
    assert!(message.contains("[trn9.huge]"), "{message}");
    let mut refused = |pairs: &[(&str, &str)]| ec2_code(&mut account, "DescribeInstanceTypes", pairs);
    assert_eq!(refused(&[("MaxResults", "4")]), "InvalidParameterValue");
    assert_eq!(refused(&[("InstanceType.1", "inf2.xlarge"), ("MaxResults", "5")]), "InvalidParameterCombination");
    assert_eq!(refused(&[("Filter.1.Name", "neuron-info"), ("Filter.1.Value.1", "x")]), NOT_MODELLED);
    assert_eq!(refused(&[("NextToken", "zz")]), "InvalidNextToken");
    let mut found = 0;
    let mut token = String::new();
    loop {
        let page = ec2(&mut account, "DescribeInstanceTypes", &[("MaxResults", "10"), ("NextToken", &token)]);
        found += page["instanceTypeSet"].as_array().unwrap().len();
        let Some(next) = page["nextToken"].as_str() else { break };
        next.clone_into(&mut token);
    }
    assert_eq!(found, kinds(&mut account, &[]).len());
}

#[test]
fn offerings_say_in_which_zones_a_type_is() {
    let mut account = Account::new();
    account.aws.world_mut().offer_only_in("trn2*", &["us-east-1b"]);
    let mut offered = |by: &str, kind: &str| {
        let pairs = [("LocationType", by), ("Filter.1.Name", "instance-type"), ("Filter.1.Value.1", kind)];
        let answer = ec2(&mut account, "DescribeInstanceTypeOfferings", &pairs);
        let all = answer["instanceTypeOfferingSet"].as_array().cloned().unwrap_or_default();
        all.iter().map(|o| o["location"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(offered("availability-zone", "trn2.48xlarge"), ["us-east-1b"]);
    assert_eq!(offered("availability-zone-id", "trn2.48xlarge"), ["use1-az2"]);
    assert_eq!(offered("region", "trn2.48xlarge"), ["us-east-1"]);
    assert_eq!(offered("availability-zone", "inf2.xlarge").len(), 3);
}

#[test]
fn images_tell_their_state_and_age() {
    let mut account = Account::new();
    let by_id = [("ImageId.1", IMAGE)];
    let image = ec2(&mut account, "DescribeImages", &by_id)["imagesSet"][0].clone();
    assert_eq!((&image["imageState"], &image["architecture"]), (&json!("available"), &json!("x86_64")));
    assert_eq!(image["name"], "al2023-ami-ecs-neuron-hvm-2023.0.20251215-kernel-6.1-x86_64");
    assert_eq!(image["creationDate"], "2025-12-15T00:00:00.000Z");
    assert_eq!(image["deprecationTime"], "2027-12-15T00:00:00.000Z");
    assert_eq!(image["rootDeviceName"], "/dev/xvda");
    assert_eq!(image["blockDeviceMapping"][0]["ebs"]["volumeSize"], "30");
    let named = [
        ("Owner.1", "amazon"),
        ("Filter.1.Name", "name"),
        ("Filter.1.Value.1", "al2023-ami-ecs-neuron-*"),
        ("Filter.2.Name", "state"),
        ("Filter.2.Value.1", "available"),
    ];
    let mut count =
        |pairs: &[(&str, &str)]| ec2(&mut account, "DescribeImages", pairs)["imagesSet"].as_array().map_or(0, Vec::len);
    assert_eq!(count(&named), 2);
    assert_eq!(count(&[("Owner.1", "self")]), 0);
}

#[test]
fn a_deprecated_image_is_found_by_its_id_only_and_a_deregistered_one_not_at_all() {
    let mut account = Account::new();
    let listed = |account: &mut Account, pairs: &[(&str, &str)]| {
        let found = ec2(account, "DescribeImages", pairs);
        found["imagesSet"].as_array().is_some_and(|all| all.iter().any(|i| i["imageId"] == IMAGE))
    };
    assert!(account.aws.world_mut().deprecate_image(IMAGE));
    assert!(!listed(&mut account, &[]));
    assert!(listed(&mut account, &[("IncludeDeprecated", "true")]));
    assert!(listed(&mut account, &[("ImageId.1", IMAGE)]));
    assert!(account.aws.world_mut().deregister_image(IMAGE));
    let by_id = [("ImageId.1", IMAGE)];
    assert_eq!(ec2_code(&mut account, "DescribeImages", &by_id), "InvalidAMIID.NotFound");
    assert!(!listed(&mut account, &[("IncludeDeprecated", "true")]));
    let mut other = with(Quirks { deregistered_image: DeregisteredImage::Unavailable, ..Quirks::default() });
    other.aws.world_mut().deregister_image(IMAGE);
    assert_eq!(ec2_code(&mut other, "DescribeImages", &by_id), "InvalidAMIID.Unavailable");
    assert_eq!(ec2_code(&mut other, "DescribeImages", &[("ImageId.1", "ami-x")]), "InvalidAMIID.Malformed");
    assert!(!other.aws.world_mut().deprecate_image("ami-none"));
}

#[test]
fn an_added_image_is_described_although_no_parameter_names_it() {
    let mut account = Account::new();
    let mut image = Image::new("ami-0123456789abcdef0", "mine", "1.100.0").created(account.aws.now());
    image.architecture = "arm64".to_owned();
    account.aws.world_mut().add_image(image);
    let found = ec2(&mut account, "DescribeImages", &[("ImageId.1", "ami-0123456789abcdef0")]);
    assert_eq!(found["imagesSet"][0]["architecture"], "arm64");
    assert!(found["imagesSet"][0]["deprecationTime"].is_null());
}

#[test]
fn subnets_lie_in_the_zone_that_the_account_says() {
    let options = Options { subnets: [("subnet-0000000000000000b".to_owned(), 'b')].into(), ..Options::default() };
    let mut account = Account::with(options);
    let found = ec2(&mut account, "DescribeSubnets", &[])["subnetSet"].clone();
    assert_eq!(
        (&found[0]["availabilityZone"], &found[0]["availabilityZoneId"]),
        (&json!("us-east-1b"), &json!("use1-az2"))
    );
    let any = [("SubnetId.1", "subnet-0123456789abcdef0")];
    assert_eq!(ec2(&mut account, "DescribeSubnets", &any)["subnetSet"][0]["state"], "available");
    let named = [("Filter.1.Name", "subnet-id"), ("Filter.1.Value.1", "subnet-0123456789abcdef0")];
    assert_eq!(ec2(&mut account, "DescribeSubnets", &named)["subnetSet"][0]["subnetId"], "subnet-0123456789abcdef0");
    account.aws.world_mut().remove_subnet("subnet-0123456789abcdef0");
    let left = ec2(&mut account, "DescribeSubnets", &named)["subnetSet"].as_array().cloned().unwrap_or_default();
    assert!(left.is_empty(), "a filter that finds nothing is no error: {left:?}");
    assert_eq!(ec2_code(&mut account, "DescribeSubnets", &any), "InvalidSubnetID.NotFound");
}

#[test]
fn instances_are_described_through_their_lives() {
    let mut account = Account::new();
    group(&mut account, ["0", "1", "1"], &[]);
    let of_group = [("Filter.1.Name", "tag:aws:autoscaling:groupName"), ("Filter.1.Value.1", "workers")];
    let first = |account: &mut Account| {
        ec2(account, "DescribeInstances", &of_group)["reservationSet"][0]["instancesSet"][0].clone()
    };
    let pending = first(&mut account);
    assert_eq!(pending["instanceState"], json!({"code": "0", "name": "pending"}));
    account.pass(30);
    let running = first(&mut account);
    assert_eq!((&running["instanceState"]["name"], &running["imageId"]), (&json!("running"), &json!(IMAGE)));
    let id = running["instanceId"].as_str().unwrap().to_owned();
    let pairs = [("InstanceId.1", id.as_str())];
    let change = ec2(&mut account, "TerminateInstances", &pairs)["instancesSet"][0].clone();
    assert_eq!(change["previousState"]["name"], "running");
    assert_eq!(change["currentState"]["name"], "shutting-down");
    account.pass(60);
    let gone = ec2(&mut account, "DescribeInstances", &pairs)["reservationSet"][0]["instancesSet"][0].clone();
    assert_eq!(gone["instanceState"]["name"], "terminated");
    assert_eq!(gone["stateReason"]["code"], "Client.UserInitiatedShutdown");
    assert!(gone["privateIpAddress"].is_null());
    let again = ec2(&mut account, "TerminateInstances", &pairs)["instancesSet"][0].clone();
    assert_eq!(again["previousState"]["name"], "terminated");
    account.pass(4000);
    assert_eq!(ec2_code(&mut account, "DescribeInstances", &pairs), "InvalidInstanceID.NotFound");
    assert_eq!(ec2_code(&mut account, "DescribeInstances", &[("InstanceId.1", "i-x")]), "InvalidInstanceID.Malformed");
}

#[test]
fn tags_of_instances_and_templates_follow_the_rules() {
    let mut account = Account::new();
    group(&mut account, ["0", "1", "1"], &[]);
    account.pass(30);
    let id = in_service(&mut account)[0].clone();
    let lt = template(&mut account, "second", "inf2.xlarge");
    let both = [("ResourceId.1", id.as_str()), ("ResourceId.2", lt.as_str())];
    let tagged = |pairs: &[(&'static str, &'static str)]| {
        let mut all: Vec<(&str, &str)> = both.to_vec();
        all.extend_from_slice(pairs);
        all
    };
    ec2(
        &mut account,
        "CreateTags",
        &tagged(&[("Tag.1.Key", "a"), ("Tag.1.Value", "1"), ("Tag.2.Key", "b"), ("Tag.2.Value", "")]),
    );
    ec2(&mut account, "DeleteTags", &tagged(&[("Tag.1.Key", "a"), ("Tag.1.Value", "other"), ("Tag.2.Key", "b")]));
    let machine = account.aws.world().machines().remove(0);
    assert_eq!(machine.tags.get("a").map(String::as_str), Some("1"), "the value did not match");
    assert!(!machine.tags.contains_key("b"));
    ec2(&mut account, "DeleteTags", &both);
    let machine = account.aws.world().machines().remove(0);
    assert!(!machine.tags.contains_key("a") && machine.tags.contains_key("aws:autoscaling:groupName"));
    let mut refused = |pairs: &[(&'static str, &'static str)]| ec2_code(&mut account, "CreateTags", &tagged(pairs));
    assert_eq!(refused(&[("Tag.1.Key", "aws:x"), ("Tag.1.Value", "1")]), "InvalidParameterValue");
    assert_eq!(refused(&[("Tag.1.Key", "a"), ("Tag.2.Key", "a")]), "InvalidParameterValue");
    assert_eq!(refused(&[("Tag.1.Key", "a"), ("ResourceId.3", "i-0123456789abcdef0")]), "InvalidInstanceID.NotFound");
    assert_eq!(refused(&[("Tag.1.Key", "a"), ("ResourceId.3", "vpc-0123456789abcdef0")]), NOT_MODELLED);
    let many: Vec<(String, String)> = (0..51).map(|n| (format!("Tag.{}.Key", n + 1), format!("k{n}"))).collect();
    let mut pairs: Vec<(&str, &str)> = many.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    pairs.push(("ResourceId.1", &lt));
    assert_eq!(ec2_code(&mut account, "CreateTags", &pairs), "TagLimitExceeded");
}

#[test]
fn a_dry_run_changes_nothing() {
    let mut account = Account::new();
    let pairs = [("LaunchTemplateName", "abc"), ("LaunchTemplateData.InstanceType", "inf2.xlarge"), ("DryRun", "true")];
    assert_eq!(ec2_code(&mut account, "CreateLaunchTemplate", &pairs), "DryRunOperation");
    assert!(account.aws.world().templates().is_empty());
}

#[test]
fn ec2_limits_each_operation_and_says_so_in_its_own_words() {
    let mut account = Account::new();
    let call = |account: &mut Account| try_ec2(account, "DescribeSubnets", &[]);
    for _ in 0..100 {
        call(&mut account).unwrap();
    }
    let (status, text) = forms::post(&mut account, "ec2", "Action=DescribeSubnets&Version=2016-11-15".to_owned());
    assert_eq!(status, 503);
    assert!(text.contains("<Code>RequestLimitExceeded</Code>"), "{text}");
    ec2(&mut account, "DescribeImages", &[]);
    account.pass(1);
    call(&mut account).unwrap();
    let mut free = Account::with(Options { throttling: Throttling::Off, ..Options::default() });
    (0..200).for_each(|_| drop(call(&mut free).unwrap()));
}

#[test]
fn a_form_goes_to_the_service_it_is_signed_for_or_whose_version_it_names() {
    let mut account = Account::new();
    let (status, text) = forms::post(&mut account, "sts", "Action=GetCallerIdentity&Version=2011-06-15".to_owned());
    assert!(status == 200 && text.contains("GetCallerIdentityResult"), "{text}");
    let (status, text) = forms::post(&mut account, "sqs", "Action=ListQueues&Version=2012-11-05".to_owned());
    assert!(status == 400 && text.contains(NOT_MODELLED), "{text}");
    let (_, text) = forms::post(&mut account, "ec2", "Action=RunInstances&Version=2016-11-15".to_owned());
    assert!(text.contains("<Response><Errors><Error>") && text.contains(NOT_MODELLED), "{text}");
    let (_, text) = forms::post(&mut account, "autoscaling", "Action=Dance&Version=2011-01-01".to_owned());
    assert!(text.contains("<ErrorResponse") && text.contains("<Code>InvalidAction</Code>"), "{text}");
    let unsigned = http::Request::post("/").body(bytes::Bytes::from("Action=DescribeTags&Version=2011-01-01")).unwrap();
    let answer = account.aws.answer(&unsigned);
    assert!(String::from_utf8_lossy(answer.body()).contains("DescribeTagsResult"));
    let services: Vec<String> = account.aws.take_calls().into_iter().map(|c| c.service).collect();
    assert_eq!(services, ["sts", "sts", "ec2", "autoscaling", "autoscaling"]);
}
