//! A task outside of any service. Table of members for `shape::run_task`.
//!
//! Rows only; what they turn into is written in `convert`.

use aws_sdk_ecs::types as sdk;
use axon_core::shape::run_task as shape;

wire! {
    TaskOverride: list container_overrides;
    ContainerOverride: opt name, list environment;
}
