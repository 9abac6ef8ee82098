//! Instance types of the Region, as a lookup tells them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use axon_aws::{Aws, Connection};
use axon_core::cloud::{Cloud, InstanceTypeFacts};

use crate::fake::{Call, Fake, Reply, xml};

/// An item of DescribeInstanceTypes; `devices` are the members about accelerators.
fn item(name: &str, vcpus: i32, memory: i64, devices: &str, efa: &str) -> String {
    format!(
        "<item><instanceType>{name}</instanceType>\
         <supportedUsageClasses><item>on-demand</item><item>spot</item></supportedUsageClasses>\
         <vCpuInfo><defaultVCpus>{vcpus}</defaultVCpus></vCpuInfo><memoryInfo><sizeInMiB>{memory}</sizeInMiB></memoryInfo>\
         <networkInfo>{efa}</networkInfo>{devices}</item>"
    )
}

const TRN2: &str = "<neuronInfo><neuronDevices><item><count>16</count><name>Trainium2</name>\
    <coreInfo><count>8</count><version>3</version></coreInfo><memoryInfo><sizeInMiB>524288</sizeInMiB></memoryInfo>\
    </item></neuronDevices></neuronInfo>";
const INF1: &str = "<inferenceAcceleratorInfo><accelerators><member><count>4</count><name>Inferentia</name>\
    <manufacturer>AWS</manufacturer></member></accelerators></inferenceAcceleratorInfo>";

fn types(call: &Call) -> Reply {
    match call.operation.as_str() {
        "GetCallerIdentity" => {
            xml(call, "<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/axon</Arn>")
        }
        _ if call.form.contains_key("NextToken") => {
            let page = item("inf1.6xlarge", 24, 49_152, INF1, "").replace("<item>spot</item>", "");
            xml(call, &format!("<instanceTypeSet>{page}</instanceTypeSet>"))
        }
        _ => {
            let efa = "<efaInfo><maximumEfaInterfaces>16</maximumEfaInterfaces></efaInfo>";
            let page = item("trn2.48xlarge", 192, 2_097_152, TRN2, efa) + &item("trn2u.48xlarge", 192, 1, "", efa);
            xml(call, &format!("<instanceTypeSet>{page}</instanceTypeSet><nextToken>2</nextToken>"))
        }
    }
}

fn asked(fake: &Fake) -> usize {
    fake.calls()
        .iter()
        .filter(|call| call.operation == "DescribeInstanceTypes" && !call.form.contains_key("NextToken"))
        .count()
}

#[tokio::test]
async fn types_with_neuron_devices_are_told_and_others_left_out() {
    let fake = Fake::new(types);
    let facts = fake.aws().await.lookup().await.expect("an identity");
    let trn2 = InstanceTypeFacts {
        name: "trn2.48xlarge".to_owned(),
        vcpus: 192,
        memory_mib: 2_097_152,
        chips: 16,
        cores_per_chip: 8,
        efa_interfaces: 16,
        spot: true,
    };
    let inf1 = InstanceTypeFacts {
        name: "inf1.6xlarge".to_owned(),
        vcpus: 24,
        memory_mib: 49_152,
        chips: 4,
        cores_per_chip: 4,
        efa_interfaces: 0,
        spot: false,
    };
    assert_eq!(facts.instance_types, [trn2, inf1]);
    let call = fake.calls().into_iter().find(|call| call.operation == "DescribeInstanceTypes").expect("called");
    let sent: Vec<_> = call.form.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let expected = [
        ("Filter.1.Name", "instance-type"),
        ("Filter.1.Value.1", "inf*"),
        ("Filter.1.Value.2", "trn*"),
        ("MaxResults", "100"),
        ("Version", "2016-11-15"),
    ];
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn not_being_told_the_types_is_no_error() {
    let fake = Fake::new(|call| match call.operation.as_str() {
        "DescribeInstanceTypes" => Reply::Refused(403, "UnauthorizedOperation", "You are not authorized."),
        _ => types(call),
    });
    let aws = fake.aws().await;
    let facts = aws.lookup().await.expect("an identity");
    assert_eq!((facts.identity.account.as_str(), facts.instance_types), ("123456789012", vec![]));
    aws.lookup().await.expect("an identity");
    assert_eq!(asked(&fake), 1, "a role that lacks the permission is not asked for it at every turn");
}

/// A clock that shows a later hour at every look that the test asks for.
#[derive(Debug)]
struct Hours(&'static AtomicUsize);

impl TimeSource for Hours {
    fn now(&self) -> SystemTime {
        let hours = u64::try_from(self.0.load(Ordering::Relaxed)).expect("few hours");
        SystemTime::UNIX_EPOCH + Duration::from_hours(500_000 + hours)
    }
}

#[tokio::test]
async fn types_are_asked_for_again_after_a_day_and_kept_if_that_fails() {
    static HOUR: AtomicUsize = AtomicUsize::new(0);
    let fake = Fake::new(|call| match (call.operation.as_str(), HOUR.load(Ordering::Relaxed)) {
        ("DescribeInstanceTypes", 24) => Reply::Refused(403, "UnauthorizedOperation", "You may not."),
        _ => types(call),
    });
    let time_source = Some(SharedTimeSource::new(Hours(&HOUR)));
    let aws = Aws::connect(Connection { time_source, ..fake.connection() }).await.expect("the fake can be reached");
    for (hour, times) in [(0, 1), (23, 1), (24, 2), (24, 2), (25, 3), (48, 3), (49, 4)] {
        HOUR.store(hour, Ordering::Relaxed);
        let facts = aws.lookup().await.expect("an identity");
        assert_eq!(facts.instance_types.len(), 2, "hour {hour}");
        assert_eq!(asked(&fake), times, "hour {hour}");
    }
    assert_eq!(fake.count("GetCallerIdentity"), 1);
}
