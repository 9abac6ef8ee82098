//! Filters of EC2, and how many values one takes.
//!
//! Part of `observe`: `ec2`'s files ask with them.

use aws_sdk_ec2::types::Filter;
use axon_core::ownership;

/// Most values that a filter of EC2 takes.
pub(super) const VALUES: usize = 200;

/// Name of the filter for what carries an installation's id; Auto Scaling spells it like EC2.
pub(super) fn managed_by() -> String {
    format!("tag:{}", ownership::MANAGED_BY)
}

/// A filter of EC2.
pub(super) fn filter(name: &str, values: impl IntoIterator<Item = String>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().collect())).build()
}
