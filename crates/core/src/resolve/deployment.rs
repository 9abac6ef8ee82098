//! How a service moves to a new revision → DeploymentConfiguration.

use super::int;
use crate::shape::deployment::{
    CanaryConfiguration, DeploymentAlarms, DeploymentCircuitBreaker, DeploymentConfiguration, DeploymentLifecycleHook,
    DeploymentLifecycleHookTimeoutConfiguration, LinearConfiguration, ThresholdConfiguration,
};
use crate::spec::{self, Duration, HookTarget, HookTimeoutAction, LifecycleStage, Strategy, ThresholdType};

pub(super) fn deployment(given: &spec::Deployment) -> DeploymentConfiguration {
    let canary = given.canary.clone().or_else(|| (given.strategy == Strategy::Canary).then(spec::Canary::default));
    let linear = given.linear.clone().or_else(|| (given.strategy == Strategy::Linear).then(spec::Linear::default));
    DeploymentConfiguration {
        deployment_circuit_breaker: Some(circuit_breaker(&given.circuit_breaker)),
        maximum_percent: Some(int(given.maximum_percent)),
        minimum_healthy_percent: Some(int(given.minimum_healthy_percent)),
        alarms: given.alarms.as_ref().map(|alarms| DeploymentAlarms {
            alarm_names: alarms.names.clone(),
            rollback: alarms.rollback,
            enable: alarms.enabled,
        }),
        strategy: Some(
            match given.strategy {
                Strategy::Rolling => "ROLLING",
                Strategy::BlueGreen => "BLUE_GREEN",
                Strategy::Canary => "CANARY",
                Strategy::Linear => "LINEAR",
            }
            .to_owned(),
        ),
        bake_time_in_minutes: given.bake_time.map(minutes),
        lifecycle_hooks: given.lifecycle_hooks.iter().map(hook).collect(),
        linear_configuration: linear.map(|linear| LinearConfiguration {
            step_percent: Some(linear.step_percent),
            step_bake_time_in_minutes: Some(minutes(linear.step_bake_time)),
        }),
        canary_configuration: canary.map(|canary| CanaryConfiguration {
            canary_percent: Some(canary.percent),
            canary_bake_time_in_minutes: Some(minutes(canary.bake_time)),
        }),
        early_success_criteria: None,
    }
}

/// Whole minutes, rounded up: AWS counts in minutes, and a shorter bake is not what was asked for.
fn minutes(time: Duration) -> i32 {
    int(time.seconds().div_ceil(60))
}

fn circuit_breaker(given: &spec::CircuitBreaker) -> DeploymentCircuitBreaker {
    DeploymentCircuitBreaker {
        enable: given.enabled,
        rollback: given.rollback,
        reset_on_healthy_task: given.reset_on_healthy_task,
        threshold_configuration: given.threshold.as_ref().map(|threshold| ThresholdConfiguration {
            r#type: match threshold.kind {
                ThresholdType::BoundedPercent => "BOUNDED_PERCENT",
                ThresholdType::UnboundedPercent => "UNBOUNDED_PERCENT",
                ThresholdType::Count => "COUNT",
            }
            .to_owned(),
            value: int(threshold.value),
        }),
    }
}

fn hook(given: &spec::LifecycleHook) -> DeploymentLifecycleHook {
    DeploymentLifecycleHook {
        target_type: Some(
            match given.target {
                HookTarget::Lambda => "AWS_LAMBDA",
                HookTarget::Pause => "PAUSE",
            }
            .to_owned(),
        ),
        hook_target_arn: given.lambda_arn.clone(),
        role_arn: given.role_arn.clone(),
        lifecycle_stages: given.stages.iter().map(|stage| word(*stage).to_owned()).collect(),
        timeout_configuration: given.timeout.as_ref().map(|timeout| DeploymentLifecycleHookTimeoutConfiguration {
            timeout_in_minutes: Some(minutes(timeout.after)),
            action: Some(
                match timeout.action {
                    HookTimeoutAction::Rollback => "ROLLBACK",
                    HookTimeoutAction::Continue => "CONTINUE",
                }
                .to_owned(),
            ),
        }),
    }
}

const fn word(stage: LifecycleStage) -> &'static str {
    match stage {
        LifecycleStage::ReconcileService => "RECONCILE_SERVICE",
        LifecycleStage::PreScaleUp => "PRE_SCALE_UP",
        LifecycleStage::PostScaleUp => "POST_SCALE_UP",
        LifecycleStage::TestTrafficShift => "TEST_TRAFFIC_SHIFT",
        LifecycleStage::PostTestTrafficShift => "POST_TEST_TRAFFIC_SHIFT",
        LifecycleStage::PreProductionTrafficShift => "PRE_PRODUCTION_TRAFFIC_SHIFT",
        LifecycleStage::ProductionTrafficShift => "PRODUCTION_TRAFFIC_SHIFT",
        LifecycleStage::PostProductionTrafficShift => "POST_PRODUCTION_TRAFFIC_SHIFT",
    }
}
