//! Every metric that Axon exposes, as data: name, type, unit, labels, help, stability.
//!
//! `families` registers exactly these, `page` prints them, `meter` and `gauges` give them values. A metric that is not
//! here cannot be exposed. Names follow Prometheus' conventions: base units, `_total` on counters. Labels are bounded:
//! objects by what is declared, everything else by enums or by a cap; ids and revisions are labels of `_info` only.

use std::fmt;

/// What a metric counts or shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricType {
    /// Only grows, until the process restarts.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations in buckets.
    Histogram(Buckets),
}

impl fmt::Display for MetricType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        })
    }
}

/// Upper bounds of a histogram, by what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buckets {
    /// Seconds of computing: 0.5 ms to 10 s.
    Computing,
    /// Seconds of one call over a network: 5 ms to 30 s.
    Calling,
    /// Seconds of many calls: 0.1 s to 5 min.
    Reading,
    /// Seconds that people wait: 10 s to 1 day.
    Waiting,
    /// Seconds of work that ends: 1 min to 7 days.
    Working,
    /// Calls: 1 to 2000.
    Calls,
}

impl Buckets {
    /// The bounds, ascending, without the infinite one.
    pub const fn bounds(self) -> &'static [f64] {
        match self {
            Self::Computing => &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0],
            Self::Calling => &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0],
            Self::Reading => &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0],
            Self::Waiting => {
                &[10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0, 21_600.0, 86_400.0]
            }
            Self::Working => {
                &[60.0, 300.0, 900.0, 3_600.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0, 345_600.0, 604_800.0]
            }
            Self::Calls => &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0],
        }
    }
}

/// What one unit of the value is. The name ends in it, before `_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    None,
    /// Seconds; of a timestamp, since 1970 in UTC.
    Seconds,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "-",
            Self::Seconds => "seconds",
        })
    }
}

/// How long a name and its labels stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stability {
    /// Until the next major version.
    Stable,
    /// May change with any version; the changelog says so.
    Alpha,
}

impl fmt::Display for Stability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stable => "stable",
            Self::Alpha => "alpha",
        })
    }
}

/// Everything there is to know about a metric but its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// As it is exposed.
    pub name: &'static str,
    /// What it counts or shows.
    pub kind: MetricType,
    /// What one unit of the value is.
    pub unit: Unit,
    /// In the order of their values.
    pub labels: &'static [&'static str],
    /// One sentence.
    pub help: &'static str,
    /// How long it stays as it is.
    pub stability: Stability,
}

macro_rules! metrics {
    ($(
        #[doc = $help:literal]
        $metric:ident = $name:literal [$($label:literal),*] $kind:expr, $unit:ident, $stability:ident;
    )+) => {
        /// Every metric that Axon exposes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Metric {
            $(#[doc = $help] $metric),+
        }

        impl Metric {
            /// All of them, in the order of the reference page.
            pub const ALL: &[Self] = &[$(Self::$metric),+];

            /// What there is to know about it.
            pub const fn spec(self) -> Spec {
                match self {
                    $(Self::$metric => Spec {
                        name: $name,
                        kind: $kind,
                        unit: Unit::$unit,
                        labels: &[$($label),*],
                        // Doc comments begin with a space.
                        help: $help.trim_ascii(),
                        stability: Stability::$stability,
                    }),+
                }
            }
        }
    };
}

use Buckets::{Calling, Calls, Computing, Reading, Waiting, Working};
use MetricType::{Counter, Gauge, Histogram};

metrics! {
    /// Version and commit of this program; always 1.
    BuildInfo = "axon_build_info" ["version", "revision"] Gauge, None, Stable;
    /// Whether the configuration was good when it was read last (1) or the one before is still in force (0).
    ConfigLastReloadSuccessful = "axon_config_last_reload_successful" [] Gauge, None, Stable;
    /// When the configuration in force was read.
    ConfigLastReloadSuccessTimestamp = "axon_config_last_reload_success_timestamp_seconds" [] Gauge, Seconds, Stable;
    /// Panics that were contained, by where: step, sweep, lookup, or the loop of the target.
    Panics = "axon_panics_total" ["target", "place"] Counter, None, Stable;
    /// When the loop of the target turned last; it turns at least every ten seconds of real time.
    LoopLastTick = "axon_loop_last_tick_timestamp_seconds" ["target"] Gauge, Seconds, Stable;

    /// Plans made, by result: success, or unsafe when the independent check kept the plan from being executed.
    Reconcile = "axon_reconcile_total" ["target", "result"] Counter, None, Stable;
    /// How long it took to plan the whole target and to judge every object.
    ReconcileDuration = "axon_reconcile_duration_seconds" ["target"] Histogram(Computing), Seconds, Stable;
    /// Calls, sweeps and lookups that failed, by what the error means.
    ReconcileErrors = "axon_reconcile_errors_total" ["target", "class"] Counter, None, Stable;
    /// When a complete reading of AWS last found the object Ready.
    ReconcileLastSuccess = "axon_reconcile_last_success_timestamp_seconds" ["target", "kind", "name"] Gauge, Seconds, Stable;
    /// Calls that change AWS and have ended, by kind of object, kind of change, and result: success, or what the error means.
    Steps = "axon_steps_total" ["target", "kind", "change", "result"] Counter, None, Stable;
    /// Calls that were begun again after a failure of the same.
    StepRetries = "axon_step_retries_total" ["target", "kind"] Counter, None, Stable;
    /// Calls that change AWS and are under way.
    StepsInFlight = "axon_steps_in_flight" ["target"] Gauge, None, Stable;
    /// Age of the oldest call that is under way; 0 when there is none.
    StepsLongestRunning = "axon_steps_longest_running_seconds" ["target"] Gauge, Seconds, Stable;
    /// Calls that change AWS and are due, but wait so as to stay below AWS's limits, by AWS's bucket.
    StepsPaced = "axon_steps_paced" ["target", "bucket"] Gauge, None, Alpha;
    /// How much of its usual rate Axon takes from a bucket that steps wait for, 0 to 1: less than 1 after AWS has refused calls.
    PacingRatio = "axon_pacing_ratio" ["target", "bucket"] Gauge, None, Alpha;
    /// What is not done now, by what it waits for.
    Waiting = "axon_plan_waiting" ["target", "reason"] Gauge, None, Stable;
    /// Rules that the plan breaks; nothing is executed while there are any, and any is a bug of Axon.
    PlanViolations = "axon_plan_violations" ["target"] Gauge, None, Stable;

    /// Readings of the whole target, by result: complete, or partial when something could not be read.
    Sweeps = "axon_sweeps_total" ["target", "result"] Counter, None, Stable;
    /// How long a reading of the whole target took.
    SweepDuration = "axon_sweep_duration_seconds" ["target"] Histogram(Reading), Seconds, Stable;
    /// AWS requests that a reading of the whole target took.
    SweepRequests = "axon_sweep_aws_requests" ["target"] Histogram(Calls), None, Stable;
    /// When the last complete reading of AWS began.
    SweepLastSuccess = "axon_sweep_last_success_timestamp_seconds" ["target"] Gauge, Seconds, Stable;
    /// AWS requests, by result: OK, AWS's error code, or Other once there are more codes than fit.
    AwsRequests = "axon_aws_requests_total" ["target", "service", "operation", "code"] Counter, None, Stable;
    /// How long AWS took to answer.
    AwsRequestDuration = "axon_aws_request_duration_seconds" ["target", "service", "operation"] Histogram(Calling), Seconds, Stable;
    /// AWS requests that were refused for being too many.
    AwsThrottles = "axon_aws_throttles_total" ["target", "service", "operation"] Counter, None, Stable;
    /// How long AWS requests that only read were held back so as to stay below AWS's limits.
    AwsPacing = "axon_aws_pacing_seconds_total" ["target", "service", "operation"] Counter, Seconds, Alpha;

    /// Readings of a source, by result: success, or failure.
    SourceFetches = "axon_source_fetch_total" ["target", "source", "result"] Counter, None, Stable;
    /// How long a reading of a source took.
    SourceFetchDuration = "axon_source_fetch_duration_seconds" ["target", "source"] Histogram(Reading), Seconds, Stable;
    /// How long ago the revision in force was last confirmed by its source.
    SourceRevisionAge = "axon_source_revision_age_seconds" ["target", "source"] Gauge, Seconds, Stable;
    /// Findings about the files in force, by severity.
    SourceFindings = "axon_source_findings" ["target", "severity"] Gauge, None, Stable;

    /// One series for each object; always 1.
    ResourceInfo = "axon_resource_info" ["target", "kind", "name", "ready", "suspended", "revision"] Gauge, None, Stable;
    /// One series for each condition of an object, with its present status and reason; always 1.
    StatusCondition = "axon_status_condition" ["target", "kind", "name", "type", "status", "reason"] Gauge, None, Stable;
    /// How long conditions had been as they were when they changed.
    StatusConditionTransition = "axon_status_condition_transition_seconds" ["target", "kind", "type"] Histogram(Waiting), Seconds, Stable;
    /// Objects that are being brought back to what is declared, or that differ from it, by condition.
    DriftedResources = "axon_drifted_resources" ["target", "kind", "type"] Gauge, None, Stable;
    /// Changes of AWS by somebody else that were found on objects that had been as declared.
    DriftDetected = "axon_drift_detected_total" ["target", "kind"] Counter, None, Stable;
    /// Changes of AWS by somebody else that were taken back.
    DriftCorrected = "axon_drift_corrected_total" ["target", "kind"] Counter, None, Stable;
    /// Events, by type (Normal, Warning) and reason.
    Events = "axon_events_total" ["target", "type", "reason"] Counter, None, Stable;
    /// Events that could not be written to the history on disk.
    HistoryWriteErrors = "axon_history_write_errors_total" [] Counter, None, Alpha;

    /// Instances of a pool of Auto Scaling groups, by state in AWS's words.
    PoolInstances = "axon_pool_instances" ["target", "pool", "instance_type", "zone", "state"] Gauge, None, Stable;
    /// Instances that the groups of a pool want.
    PoolInstancesDesired = "axon_pool_instances_desired" ["target", "pool", "instance_type"] Gauge, None, Stable;
    /// Instances that the groups of a pool may have.
    PoolInstancesLimit = "axon_pool_instances_limit" ["target", "pool", "instance_type"] Gauge, None, Stable;
    /// Instances that were launched from an older image or launch template than new ones get.
    PoolInstancesOutOfDate = "axon_pool_instances_out_of_date" ["target", "pool", "instance_type"] Gauge, None, Stable;
    /// Neuron devices of the instances of a pool.
    PoolDevices = "axon_pool_devices" ["target", "pool", "instance_type", "zone"] Gauge, None, Stable;
    /// Neuron devices that replicas hold.
    PoolDevicesAllocated = "axon_pool_devices_allocated" ["target", "pool", "instance_type", "zone"] Gauge, None, Stable;
    /// Times that an object began to lack capacity (InsufficientCapacity) or Neuron devices (InsufficientDevices).
    LaunchFailures = "axon_launch_failures_total" ["target", "kind", "name", "reason"] Counter, None, Alpha;
    /// The image that new instances of a pool get; always 1.
    AmiInfo = "axon_ami_info" ["target", "pool", "instance_type", "ami_id", "ami_name", "agent_version"] Gauge, None, Stable;
    /// Age of the image that new instances of a pool get.
    AmiAge = "axon_ami_age_seconds" ["target", "pool", "instance_type"] Gauge, Seconds, Stable;
    /// Replacements of out-of-date instances that ended, by result: succeeded when none is left, failed when the image was put aside.
    AmiRollouts = "axon_ami_rollouts_total" ["target", "pool", "result"] Counter, None, Stable;

    /// Tasks of a service, by state: desired, running, pending.
    ServiceTasks = "axon_service_tasks" ["target", "service", "state"] Gauge, None, Stable;
    /// Deployments of services that ended, by result: succeeded, failed, rolled_back.
    Deployments = "axon_deployments_total" ["target", "service", "result"] Counter, None, Stable;
    /// How long deployments took, as far as this process has seen their beginning.
    DeploymentDuration = "axon_deployment_duration_seconds" ["target", "result"] Histogram(Waiting), Seconds, Stable;

    /// Runs of a job that are not over, by state: Pending, Running, Suspended, Ending.
    JobRuns = "axon_job_runs" ["target", "name", "state"] Gauge, None, Alpha;
    /// Attempts that ended, by outcome: succeeded, failed, cancelled, unknown; and in what way they failed.
    JobAttempts = "axon_job_attempts_total" ["target", "name", "outcome", "failure"] Counter, None, Alpha;
    /// Attempts that were put on record because an earlier one of their index did not succeed.
    JobRetries = "axon_job_retries_total" ["target", "name"] Counter, None, Alpha;
    /// How long jobs waited for Neuron devices, as far as they had to and this process has seen it.
    JobQueueWait = "axon_job_queue_wait_seconds" ["target"] Histogram(Waiting), Seconds, Alpha;
    /// How long runs took from their first attempt on, by result: Complete, Failed, DeadlineExceeded, Cancelled, Superseded, Unknown.
    JobRunDuration = "axon_job_run_seconds" ["target", "result"] Histogram(Working), Seconds, Alpha;
    /// Seconds for which runs that ended have held Neuron devices, times the number of devices where Axon chooses them.
    JobDeviceSeconds = "axon_job_device_seconds_total" ["target", "name"] Counter, Seconds, Alpha;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn words(name: &str) -> impl Iterator<Item = &str> {
        name.split('_')
    }

    #[test]
    fn names_follow_the_conventions_that_promtool_checks() {
        for metric in Metric::ALL {
            let Spec { name, kind, unit, help, .. } = metric.spec();
            assert!(name.starts_with("axon_"), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert_eq!(name.ends_with("_total"), kind == MetricType::Counter, "{name}: only counters are totals");
            assert_eq!(words(name).any(|word| word == "seconds"), unit == Unit::Seconds, "{name}: the unit is named");
            let base = name.trim_end_matches("_total");
            assert!(unit == Unit::None || base.ends_with("_seconds"), "{name}: the unit comes last");
            for reserved in ["bucket", "count", "sum"] {
                assert!(!name.ends_with(reserved), "{name}: {reserved} belongs to histograms");
            }
            for other in ["milliseconds", "ms", "minutes", "hours", "percent", "counter", "gauge", "histogram"] {
                assert!(words(name).all(|word| word != other), "{name}: {other}");
            }
            assert!(help.ends_with('.') && !help.starts_with(' ') && !help.contains('\n'), "{name}: {help:?}");
        }
    }

    #[test]
    fn labels_are_words_that_stand_once_and_ids_are_labels_of_info_only() {
        for metric in Metric::ALL {
            let Spec { name, labels, .. } = metric.spec();
            assert_eq!(labels.iter().collect::<BTreeSet<_>>().len(), labels.len(), "{name}");
            for label in labels {
                assert!(label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}: {label}");
                assert!(!["le", "quantile", "job", "instance"].contains(label), "{name}: {label} is Prometheus' own");
                let unbounded = ["revision", "ami_id", "ami_name", "agent_version", "version", "arn", "id"];
                assert!(!unbounded.contains(label) || name.ends_with("_info"), "{name}: {label} has no bound");
            }
        }
    }

    #[test]
    fn everything_about_a_target_says_which() {
        let process =
            |name: &str| ["axon_build", "axon_config", "axon_history"].iter().any(|prefix| name.starts_with(prefix));
        for metric in Metric::ALL {
            let Spec { name, labels, .. } = metric.spec();
            assert_eq!(labels.first() == Some(&"target"), !process(name), "{name}");
        }
    }

    #[test]
    fn names_stand_once() {
        let names: BTreeSet<_> = Metric::ALL.iter().map(|metric| metric.spec().name).collect();
        assert_eq!(names.len(), Metric::ALL.len());
    }

    #[test]
    fn bounds_ascend() {
        for buckets in [Computing, Calling, Reading, Waiting, Working, Calls] {
            assert!(buckets.bounds().is_sorted_by(|a, b| a < b), "{buckets:?}");
        }
    }
}
