//! An EC2 instance as EC2 answers it.
//!
//! Used by `observe`. No calls, no opinion.

use aws_sdk_ec2::types;
use axon_core::observe::Machine;

use super::{Incomplete, ec2_tags, present, time};

/// Tag by which EC2 tells the Auto Scaling group of an instance.
pub(crate) const GROUP_TAG: &str = "aws:autoscaling:groupName";

/// Reads an instance.
pub(crate) fn machine(sdk: types::Instance) -> Result<Machine, Incomplete> {
    let state = sdk.state.and_then(|state| state.name);
    let tags = ec2_tags(sdk.tags);
    Ok(Machine {
        id: present(sdk.instance_id, "instanceId")?,
        image: sdk.image_id,
        state: present(state, "instanceState")?.as_str().to_owned(),
        launched: time(sdk.launch_time),
        address: sdk.private_ip_address,
        group: tags.get(GROUP_TAG).cloned(),
        tags,
    })
}
