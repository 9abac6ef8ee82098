//! The wire: shapes, faults, pages and the two protocols (AWS JSON 1.1 and AWS Query).
//! Neighbours: `aws` calls it with a request and `ecs`, `ssm`, `sts` answer behind it. No state of the world lives here.

pub(crate) mod fault;
pub(crate) mod json;
pub(crate) mod page;
pub(crate) mod query;
pub(crate) mod shape;
pub(crate) mod value;
