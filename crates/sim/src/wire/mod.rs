//! The wire: shapes, faults, pages and the protocols (AWS JSON 1.1, AWS Query and EC2 Query).
//! Neighbours: `aws` calls it with a request and `ecs`, `ec2`, `autoscaling`, `ssm`, `sts` answer behind it. No state of the world lives here.

pub(crate) mod base64;
pub(crate) mod envelope;
pub(crate) mod fault;
pub(crate) mod json;
pub(crate) mod page;
pub(crate) mod query;
pub(crate) mod shape;
pub(crate) mod value;
pub(crate) mod xml;
