//! Members that several ECS requests share: tags, logging, secrets, strategies. Table of members for `shape::shared`.
//!
//! Rows only; what they turn into is written in `convert`.

use aws_sdk_ecs::types as sdk;
use axon_core::shape::shared as shape;

wire! {
    LogConfiguration: req log_driver, map options, list secret_options;
    CapacityProviderStrategyItem: req capacity_provider, req weight, req base;
    Tag: opt key, opt value;
    Secret: req name, req value_from;
    KeyValuePair: opt name, opt value;
}

words! {
    LogDriver,
}
