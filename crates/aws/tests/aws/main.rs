//! `axon-aws` through the real SDK against canned answers; no network.
//!
//! Each file is about one thing that the crate promises; `fake` is the AWS that they talk to.

#[cfg(test)]
mod connecting;
#[cfg(test)]
mod ec2_groups;
#[cfg(test)]
mod ec2_requests;
#[cfg(test)]
mod ec2_sweeps;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod facts;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod images;
#[cfg(test)]
mod log;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod services;
#[cfg(test)]
mod sweeps;
