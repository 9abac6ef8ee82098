//! What the loop does about AWS's limits on calls.

use super::*;

#[tokio::test(start_paused = true)]
async fn being_throttled_is_waited_out_shortly_and_is_no_failure_of_the_object() {
    let bench = Bench::new();
    bench.cloud.script("CreateCluster", vec![Act::failing(ErrorClass::Throttled); 3]);
    let running = bench.start(FixedSource(one("Disabled")));
    let view = running.at(20).await;
    assert_eq!(bench.cloud.writes().len(), 4);
    assert!(view.statuses[&key("a")].is_ready());
    assert_eq!(said(&view), ["Created a", "Ready a"]);
}

#[tokio::test(start_paused = true)]
async fn steps_beyond_the_limits_of_aws_wait_for_their_token_and_that_is_shown() {
    let bench = Bench::new();
    let names: Vec<String> = (0..20).map(|number| format!("c{number:02}")).collect();
    let fleet: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "Disabled")).collect();
    let running = bench.start(FixedSource(clusters("r", &fleet)));
    // Sixteen of AWS's twenty at once, then one in a second and a quarter.
    let paced = |view: &View| view.paced.iter().map(|paced| (paced.bucket, paced.steps)).collect::<Vec<_>>();
    assert_eq!(paced(&*running.at(1).await), [("cluster modify", 4)]);
    assert_eq!(paced(&*running.at(4).await), [("cluster modify", 1)]);
    let view = running.at(6).await;
    assert_eq!((paced(&view), bench.cloud.writes().len()), (vec![], 20));
    assert!(view.statuses.values().all(axon_core::status::Status::is_ready));
    let seconds: Vec<i64> = bench.cloud.writes()[16..].iter().map(|(at, _)| *at).collect();
    assert_eq!(seconds, [1, 2, 3, 5]);
}
