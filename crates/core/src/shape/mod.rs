//! AWS's own requests as plain data: what `render` produces and `axon-aws` sends.
//!
//! Names, nesting and spelling are those of ECS (API version 2014-11-13), EC2 and Auto Scaling, so that a rendered document reads like the AWS
//! documentation, an `overrides` block can be merged into it, and an unknown member is refused here and not by AWS.
//! No defaults and no rules live here.
#![allow(missing_docs, reason = "every member is documented under its own name in AWS's API references")]

pub mod cluster;
pub mod connect;
pub mod container;
pub mod deployment;
pub mod launch_template;
pub mod provider;
pub mod requirements;
pub mod run_task;
pub mod scaling_group;
pub mod service;
pub mod shared;
pub mod task_definition;
