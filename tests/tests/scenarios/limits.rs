//! Axon's table of AWS's limits on calls against the simulated AWS, which has one of its own from the same documents.

use axon_core::quota::{QUOTAS, Quota};
use axon_sim::{Aws, Options, Throttling};
use bytes::Bytes;
use jiff::SignedDuration;

/// One call of an operation, whose input does not matter: AWS counts calls before it reads them.
fn is_refused_as_too_fast(aws: &mut Aws, service: &str, operation: &str) -> bool {
    let request = http::Request::post("/");
    let request = match service {
        "ecs" => request.header("x-amz-target", format!("AmazonEC2ContainerServiceV20141113.{operation}")),
        "ssm" => request.header("x-amz-target", format!("AmazonSSM.{operation}")),
        "logs" => request.header("x-amz-target", format!("Logs_20140328.{operation}")),
        _ => request,
    };
    let body = match service {
        "ec2" => format!("Action={operation}&Version=2016-11-15"),
        "autoscaling" => format!("Action={operation}&Version=2011-01-01"),
        _ => "{}".to_owned(),
    };
    let answer = aws.answer(&request.body(Bytes::from(body)).unwrap());
    let text = String::from_utf8_lossy(answer.body());
    ["ThrottlingException", "RequestLimitExceeded", "<Code>Throttling</Code>"].iter().any(|code| text.contains(code))
}

/// Calls of an operation that are answered now, one after the other.
fn answered(aws: &mut Aws, quota: &Quota, operation: &str) -> u32 {
    let most = quota.burst * 10;
    let count = (0..most).take_while(|_| !is_refused_as_too_fast(aws, quota.service, operation)).count();
    u32::try_from(count).unwrap()
}

#[test]
fn the_table_of_limits_is_what_the_simulated_aws_goes_by() {
    // One of the Regions with the least of everything: what Axon goes by, as it does not tell them apart.
    let region = "eu-central-1".to_owned();
    let options = Options { throttling: Throttling::Published, region, ..Options::default() };
    let used = |quota: &Quota, operation: &str| axon_aws::OPERATIONS.contains(&(quota.service, operation));
    let operations = QUOTAS.iter().flat_map(|quota| quota.operations.iter().map(move |operation| (quota, *operation)));
    let mut checked = 0;
    for (quota, operation) in operations.filter(|(quota, operation)| used(quota, operation)) {
        let mut aws = Aws::new(options.clone());
        let at_once = answered(&mut aws, quota, operation);
        aws.advance_to(options.start + SignedDuration::from_secs(4));
        let later = answered(&mut aws, quota, operation);
        let (burst, refill) = (quota.burst, (4 * quota.per_second).min(quota.burst));
        if quota.service == "autoscaling" {
            // AWS publishes nothing; both are guesses, and ours, of which there are two, must be the more careful one.
            assert!(2 * burst <= at_once && 2 * refill <= later, "{operation}: {at_once} at once, {later} later");
        } else {
            assert_eq!((at_once, later), (burst, refill), "{operation}: calls at once, and four seconds later");
        }
        checked += 1;
    }
    let limited = axon_aws::OPERATIONS.iter().filter(|(service, _)| *service != "sts").count();
    assert_eq!(checked, limited, "every operation that Axon uses");
}

#[test]
fn operations_share_a_bucket_where_the_table_says_so() {
    for quota in QUOTAS.iter().filter(|quota| quota.operations.len() > 1 && quota.name != "task protection") {
        let [first, .., last] = quota.operations else { unreachable!("more than one") };
        let known = |operation: &str| axon_aws::OPERATIONS.contains(&(quota.service, operation));
        if known(first) && known(last) {
            let mut aws = Aws::new(Options::default());
            let emptied = answered(&mut aws, quota, first);
            assert!(emptied > 0 && is_refused_as_too_fast(&mut aws, quota.service, last), "{first}, then {last}");
        }
    }
}
