//! What a sweep reads of the EC2 path, and what it refuses to conclude.

use axon_core::cloud::{Cloud, Ec2Scope, Ec2Sweep, ErrorClass, Scope, Seen};
use axon_core::observe::{ProviderStatus, SubnetAnswer};
use serde_json::json;

use crate::fake::{Call, Fake, INSTANCE, Reply, cluster, cluster_arn, names, scope, xml};

/// A fake that answers what `script` says, else nothing. Cluster `main` exists.
pub(crate) fn fake(script: impl Fn(&Call) -> Option<Reply> + Send + Sync + 'static) -> Fake {
    Fake::new(move |call| match (script(call), call.operation.as_str()) {
        (Some(reply), _) => reply,
        (None, "ListClusters") => Reply::Ok(json!({"clusterArns": [cluster_arn("main")]})),
        (None, "DescribeClusters") => Reply::Ok(json!({"clusters": [cluster("main")]})),
        (None, _) if call.form.is_empty() => Reply::Ok(json!({})),
        (None, _) => xml(call, ""),
    })
}

fn wanted(ec2: Ec2Scope) -> Scope {
    Scope { ec2: Some(ec2), ..scope("main") }
}

pub(crate) fn named(names: &[&str]) -> Ec2Scope {
    Ec2Scope { names: names.iter().map(|name| (*name).to_owned()).collect(), ..Ec2Scope::default() }
}

pub(crate) async fn swept(fake: &Fake, ec2: Ec2Scope) -> Ec2Sweep {
    let sweep = fake.aws().await.observe(wanted(ec2)).await;
    assert_eq!(usize::try_from(sweep.calls), Ok(fake.calls().len()), "every call counts");
    sweep.ec2.expect("asked for")
}

/// The values under a member of a form, in order.
pub(crate) fn values(call: &Call, member: &str) -> Vec<String> {
    (1..).map_while(|number| call.form.get(&format!("{member}.{number}")).cloned()).collect()
}

pub(crate) fn calls(fake: &Fake, operation: &str) -> Vec<Call> {
    fake.calls().into_iter().filter(|call| call.operation == operation).collect()
}

#[tokio::test]
async fn the_ec2_path_is_read_only_if_it_is_wanted() {
    let fake = fake(|_| None);
    let sweep = fake.aws().await.observe(scope("main")).await;
    assert!(sweep.ec2.is_none());
    assert!(fake.calls().iter().all(|call| call.form.is_empty()), "neither EC2 nor Auto Scaling is asked");
}

#[tokio::test]
async fn providers_of_groups_are_read_to_the_last_page_and_others_left_to_their_clusters() {
    let fake = fake(|call| {
        let body =
            (call.operation == "DescribeCapacityProviders" && call.body["cluster"].is_null()).then_some(&call.body)?;
        assert_eq!(names(call, "include"), ["TAGS"]);
        Some(Reply::Ok(match body["nextToken"].as_str() {
            None => json!({"nextToken": "2", "capacityProviders": [{
                "name": "FARGATE", "capacityProviderArn": "arn:fargate", "status": "ACTIVE", "type": "FARGATE",
            }]}),
            Some(_) => json!({"capacityProviders": [{
                "name": "axon-trn", "capacityProviderArn": "arn:trn", "status": "ACTIVE",
                "autoScalingGroupProvider": {
                    "autoScalingGroupArn": "arn:group",
                    "managedScaling": {"status": "ENABLED", "targetCapacity": 100, "instanceWarmupPeriod": 300},
                    "managedTerminationProtection": "ENABLED",
                },
                "tags": [{"key": "neuron.ecs/managed-by", "value": "axon"}],
            }]}),
        }))
    });
    let providers = swept(&fake, Ec2Scope::default()).await.providers.expect("read");
    assert_eq!(providers.len(), 1);
    let found = &providers[0];
    assert_eq!((found.name.as_str(), found.cluster.as_str(), &found.status), ("axon-trn", "", &ProviderStatus::Active));
    assert_eq!(found.tags.get("neuron.ecs/managed-by").map(String::as_str), Some("axon"));
    let group = found.auto_scaling_group.as_ref().expect("told");
    assert_eq!(group.auto_scaling_group_arn, "arn:group");
    let scaling = group.managed_scaling.as_ref().expect("told");
    assert_eq!((scaling.target_capacity, scaling.instance_warmup_period), (Some(100), Some(300)));
}

fn template(id: &str, name: &str) -> String {
    format!(
        "<item><launchTemplateId>{id}</launchTemplateId><launchTemplateName>{name}</launchTemplateName>\
         <tagSet><item><key>neuron.ecs/name</key><value>{name}</value></item></tagSet></item>"
    )
}

fn version(number: i64, image: &str) -> String {
    format!(
        "<item><launchTemplateId>lt</launchTemplateId><versionNumber>{number}</versionNumber>\
         <versionDescription>v1-{number}</versionDescription><createTime>2026-01-0{number}T00:00:00.000Z</createTime>\
         <launchTemplateData><imageId>{image}</imageId></launchTemplateData></item>"
    )
}

/// `lt-1` is tagged, `lt-2` is named and foreign, and both have two pages of versions.
fn two_templates(call: &Call) -> Option<Reply> {
    let second = call.form.get("NextToken").is_some_and(|token| token == "2");
    match call.operation.as_str() {
        "DescribeLaunchTemplates" => Some(match call.form.get("Filter.1.Name").map(String::as_str) {
            Some("launch-template-name") => {
                let both = template("lt-1", "axon-trn") + &template("lt-2", "foreign");
                xml(call, &format!("<launchTemplates>{both}</launchTemplates>"))
            }
            _ if second => xml(call, "<launchTemplates/>"),
            _ => {
                let one = template("lt-1", "axon-trn");
                xml(call, &format!("<launchTemplates>{one}</launchTemplates><nextToken>2</nextToken>"))
            }
        }),
        "DescribeLaunchTemplateVersions" => {
            let (page, token) = if second { (version(1, "ami-1"), "") } else { (version(2, "ami-2"), "2") };
            let set = format!("<launchTemplateVersionSet>{page}</launchTemplateVersionSet>");
            Some(xml(call, &format!("{set}<nextToken>{token}</nextToken>")))
        }
        _ => None,
    }
}

#[tokio::test]
async fn templates_are_found_by_tag_and_by_name_and_have_all_their_versions() {
    let fake = fake(two_templates);
    let templates = swept(&fake, named(&["axon-trn", "foreign", "unmade"])).await.templates.expect("read");
    let found: Vec<_> = templates.iter().map(|found| (found.id.as_str(), found.name.as_str())).collect();
    assert_eq!(found, [("lt-1", "axon-trn"), ("lt-2", "foreign")]);
    assert_eq!(templates[0].tags.get("neuron.ecs/name").map(String::as_str), Some("axon-trn"));
    let versions: Vec<_> = templates[0].versions.iter().map(|found| (found.number, found.image.as_deref())).collect();
    assert_eq!(versions, [(1, Some("ami-1")), (2, Some("ami-2"))], "oldest first");
    assert_eq!(templates[0].versions[1].description.as_deref(), Some("v1-2"));
    assert_eq!(templates[0].versions[1].created, "2026-01-02T00:00:00Z".parse().ok());
    let asked = calls(&fake, "DescribeLaunchTemplates");
    assert_eq!(asked[0].form.get("Filter.1.Name").map(String::as_str), Some("tag:neuron.ecs/managed-by"));
    assert_eq!(values(&asked[0], "Filter.1.Value"), ["axon"]);
    let by_name = asked.last().expect("asked");
    assert_eq!(values(by_name, "Filter.1.Value"), ["axon-trn", "foreign", "unmade"]);
    assert_eq!(fake.count("DescribeLaunchTemplateVersions"), 4);
}

#[tokio::test]
async fn a_template_that_goes_between_two_calls_is_left_out() {
    let fake = fake(|call| match (call.operation.as_str(), call.form.get("LaunchTemplateId").map(String::as_str)) {
        ("DescribeLaunchTemplateVersions", Some("lt-2")) => {
            Some(Reply::Refused(400, "InvalidLaunchTemplateId.NotFound", "It does not exist."))
        }
        _ => two_templates(call),
    });
    let templates = swept(&fake, named(&["axon-trn", "foreign"])).await.templates.expect("read");
    assert_eq!(templates.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), ["lt-1"]);
}

#[tokio::test]
async fn a_failing_second_page_makes_the_reading_an_error() {
    for operation in ["DescribeLaunchTemplates", "DescribeLaunchTemplateVersions"] {
        let fake = fake(move |call| {
            if call.operation == operation && call.form.contains_key("NextToken") {
                return Some(Reply::Refused(500, "InternalError", "page lost"));
            }
            two_templates(call)
        });
        let sweep = swept(&fake, named(&["axon-trn"])).await;
        assert_eq!(sweep.templates.expect_err("half a list").class, ErrorClass::Transient, "{operation}");
        assert!(sweep.groups.is_ok() && sweep.providers.is_ok(), "other parts are read");
    }
}

#[tokio::test]
async fn many_names_are_asked_for_in_as_many_calls_as_aws_wants() {
    let fake = fake(|_| None);
    let names = (0..201).map(|number| format!("g-{number:03}")).collect();
    swept(&fake, Ec2Scope { names, ..Ec2Scope::default() }).await;
    assert_eq!(fake.count("DescribeLaunchTemplates"), 3, "by tag, two hundred names, one name");
    assert_eq!(fake.count("DescribeAutoScalingGroups"), 6, "by tag, four times fifty names, one name");
}

#[tokio::test]
async fn container_instances_of_a_cluster_are_read_to_the_last_page() {
    let fake = fake(|call| {
        Some(Reply::Ok(match (call.operation.as_str(), call.body["nextToken"].as_str()) {
            ("ListContainerInstances", None) => json!({"containerInstanceArns": [], "nextToken": "2"}),
            ("ListContainerInstances", Some(_)) => json!({"containerInstanceArns": [INSTANCE]}),
            ("DescribeContainerInstances", _) => json!({"containerInstances": [{
                "containerInstanceArn": INSTANCE,
                "ec2InstanceId": "i-1",
                "capacityProviderName": "axon-trn",
                "status": "DRAINING",
                "agentConnected": true,
                "runningTasksCount": 2,
                "pendingTasksCount": 1,
                "registeredAt": 1_700_000_000,
                "versionInfo": {"agentVersion": "1.107.0"},
                "attributes": [
                    {"name": "ecs.ami-id", "value": "ami-1"},
                    {"name": "ecs.instance-type", "value": "trn1.32xlarge"},
                    {"name": "ecs.availability-zone", "value": "us-east-1a"},
                ],
            }]}),
            _ => return None,
        }))
    });
    let instances_of = ["main".to_owned(), "unmade".to_owned()].into();
    let sweep = swept(&fake, Ec2Scope { instances_of, ..Ec2Scope::default() }).await;
    assert_eq!(sweep.instances.get("unmade"), Some(&Ok(vec![])), "a cluster that does not exist has none");
    let found = &sweep.instances.get("main").expect("asked for").as_ref().expect("read")[0];
    assert_eq!((found.arn.as_str(), found.status.as_str(), found.connected), (INSTANCE, "DRAINING", true));
    assert_eq!((found.ec2_id.as_deref(), found.provider.as_deref()), (Some("i-1"), Some("axon-trn")));
    assert_eq!((found.running_tasks, found.pending_tasks), (2, 1));
    assert_eq!((found.image.as_deref(), found.agent_version.as_deref()), (Some("ami-1"), Some("1.107.0")));
    assert_eq!(found.instance_type.as_deref(), Some("trn1.32xlarge"));
    assert_eq!(found.registered.map(jiff::Timestamp::as_second), Some(1_700_000_000));
    assert!(calls(&fake, "ListContainerInstances").iter().all(|call| call.body["cluster"] == "main"));
}

#[tokio::test]
async fn an_instance_that_was_there_and_is_not_in_the_list_is_asked_for_by_name() {
    let [listed, skipped, deregistered, gone] =
        ["a", "b", "c", "d"].map(|id| format!("arn:aws:ecs:us-east-1:123456789012:container-instance/main/{id}"));
    let described = [(&listed, "ACTIVE"), (&skipped, "ACTIVE"), (&deregistered, "INACTIVE")]
        .map(|(arn, status)| json!({"containerInstanceArn": arn, "status": status, "agentConnected": true}));
    let (first, missing) = (listed.clone(), json!([{"arn": gone, "reason": "MISSING"}]));
    let fake = fake(move |call| {
        Some(Reply::Ok(match call.operation.as_str() {
            "ListContainerInstances" => json!({"containerInstanceArns": [first]}),
            "DescribeContainerInstances" => json!({"containerInstances": described, "failures": missing}),
            _ => return None,
        }))
    });
    let main = || "main".to_owned();
    let ec2 = Ec2Scope { instances_of: [main()].into(), ..Ec2Scope::default() };
    let instances = [(main(), [&skipped, &deregistered, &gone].map(Clone::clone).into())].into();
    let scope = Scope { seen: Seen { instances, ..Seen::default() }, ..wanted(ec2) };
    let sweep = fake.aws().await.observe(scope).await.ec2.expect("asked for");
    let found = sweep.instances["main"].as_ref().expect("read");
    assert_eq!(found.iter().map(|instance| &instance.arn).collect::<Vec<_>>(), [&listed, &skipped]);
    let asked = &calls(&fake, "DescribeContainerInstances")[0];
    assert_eq!(asked.body["containerInstances"], json!([listed, skipped, deregistered, gone]));
}

#[tokio::test]
async fn where_nobody_knows_the_clusters_nothing_is_known_of_their_instances() {
    let fake = fake(|call| (call.operation == "ListClusters").then_some(Reply::Refused(500, "ServerException", "")));
    let instances_of = ["main".to_owned()].into();
    let sweep = swept(&fake, Ec2Scope { instances_of, ..Ec2Scope::default() }).await;
    assert!(sweep.instances.get("main").is_some_and(Result::is_err));
    assert!(sweep.templates.is_ok(), "the rest has nothing to do with clusters");
}

#[tokio::test]
async fn subnets_are_asked_for_together_and_what_ec2_does_not_name_does_not_exist() {
    let fake = fake(|call| {
        let item = "<item><subnetId>subnet-a</subnetId><availabilityZone>us-east-1a</availabilityZone></item>";
        (call.operation == "DescribeSubnets").then(|| xml(call, &format!("<subnetSet>{item}</subnetSet>")))
    });
    let subnets = ["subnet-a".to_owned(), "subnet-b".to_owned()].into();
    let found = swept(&fake, Ec2Scope { subnets, ..Ec2Scope::default() }).await.subnets.expect("read");
    assert_eq!(found.get("subnet-a"), Some(&SubnetAnswer::Found { zone: "us-east-1a".to_owned() }));
    assert_eq!(found.get("subnet-b"), Some(&SubnetAnswer::Missing));
    let asked = &calls(&fake, "DescribeSubnets")[0];
    assert_eq!(asked.form.get("Filter.1.Name").map(String::as_str), Some("subnet-id"));
    assert_eq!(values(asked, "Filter.1.Value"), ["subnet-a", "subnet-b"]);
    assert_eq!(fake.count("DescribeSubnets"), 1);
}

#[tokio::test]
async fn subnets_are_read_only_if_they_are_wanted_and_a_refusal_says_nothing_about_them() {
    let none = fake(|_| None);
    assert_eq!(swept(&none, Ec2Scope::default()).await.subnets, Ok(std::collections::BTreeMap::new()));
    assert_eq!(none.count("DescribeSubnets"), 0);
    let denied = fake(|call| {
        (call.operation == "DescribeSubnets").then_some(Reply::Refused(403, "UnauthorizedOperation", "Not yours."))
    });
    let subnets = ["subnet-a".to_owned()].into();
    let sweep = swept(&denied, Ec2Scope { subnets, ..Ec2Scope::default() }).await;
    assert_eq!(sweep.subnets.map_err(|error| error.class), Err(ErrorClass::Denied));
    assert!(sweep.groups.is_ok(), "the rest has nothing to do with subnets");
}

#[tokio::test]
async fn a_list_that_ends_before_its_end_proves_nothing_gone() {
    let whole = "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups/>\
        </DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>\n";
    let cut = "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups>";
    for (body, is_read) in [(whole, true), (cut, false), ("", false)] {
        let fake = fake(move |call| (call.operation == "DescribeAutoScalingGroups").then_some(Reply::Raw(200, body)));
        let groups = swept(&fake, named(&["axon-trn"])).await.groups;
        assert_eq!(groups.as_ref().is_ok_and(Vec::is_empty), is_read, "{body:?}: {groups:?}");
        assert_eq!(groups.is_err_and(|error| error.code == "Unparsable"), !is_read, "{body:?}");
    }
}
