//! How a service moves from one revision to the next. Table of members for `shape::deployment`.
//!
//! Rows only; what they turn into is written in `convert`.

use aws_sdk_ecs::types as sdk;
use axon_core::shape::deployment as shape;

wire! {
    DeploymentConfiguration:
        opt deployment_circuit_breaker,
        opt maximum_percent,
        opt minimum_healthy_percent,
        opt alarms,
        opt strategy,
        opt bake_time_in_minutes,
        list lifecycle_hooks,
        opt linear_configuration,
        opt canary_configuration,
        opt early_success_criteria;
    DeploymentCircuitBreaker: req enable, req rollback, opt reset_on_healthy_task, opt threshold_configuration;
    ThresholdConfiguration: req r#type, req value;
    DeploymentAlarms: vec(set_alarm_names) alarm_names, req rollback, req enable;
    DeploymentLifecycleHook:
        opt target_type,
        opt hook_target_arn,
        opt role_arn,
        list lifecycle_stages,
        opt timeout_configuration;
    DeploymentLifecycleHookTimeoutConfiguration: opt timeout_in_minutes, opt action;
    LinearConfiguration: opt step_percent, opt step_bake_time_in_minutes;
    CanaryConfiguration: opt canary_percent, opt canary_bake_time_in_minutes;
    DeploymentEarlySuccessCriteria: req enable, opt healthy_percent, opt source_service_revision_cleanup;
}

words! {
    DeploymentLifecycleHookAction,
    DeploymentLifecycleHookStage,
    DeploymentLifecycleHookTargetType,
    DeploymentStrategy,
    ServiceRevisionCleanup,
    ThresholdType,
}
