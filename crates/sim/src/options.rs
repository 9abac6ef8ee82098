//! What an account looks like before anything happens in it. Neighbours: `world` keeps it, the tests fill it in.
//! Behaviour that AWS has not confirmed is a field of `quirks`, not of this.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{disturb::Disturbance, quirks::Quirks, throttle::Throttling};

/// The settings of a simulated account in one Region.
#[derive(Debug, Clone)]
pub struct Options {
    /// The account id in every ARN.
    pub account: String,
    /// The Region in every ARN.
    pub region: String,
    /// Ids and jitter come from this.
    pub seed: u64,
    /// Where virtual time begins.
    pub start: Timestamp,
    /// Choices where AWS's behaviour is not confirmed.
    pub quirks: Quirks,
    /// Whether the published API rates apply.
    pub throttling: Throttling,
    /// How many requests go wrong for no reason of the client's.
    pub disturbance: Disturbance,
    /// The zone letters of the Region, in order.
    pub zones: Vec<char>,
    /// Zones of subnets, by subnet id. A subnet that is not listed lies in a zone that its id determines.
    pub subnets: BTreeMap<String, char>,
    /// How many calls the log holds at most; when it is full the older half goes.
    pub log_limit: usize,
    /// How many instances the account may run, whatever their type.
    pub instance_limit: usize,
    /// Which log groups there are.
    pub log_groups: LogGroups,
}

/// See [`Options::log_groups`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogGroups {
    /// Every group that a task definition names, as if somebody had created it.
    OfEveryDefinition,
    /// Those that were created, and those that `awslogs-create-group` creates. Without its group a container cannot start.
    Created,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            account: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
            seed: 1,
            // 2026-01-01T00:00:00Z
            start: Timestamp::from_second(1_767_225_600).unwrap_or(Timestamp::UNIX_EPOCH),
            quirks: Quirks::default(),
            throttling: Throttling::Published,
            disturbance: Disturbance::default(),
            zones: vec!['a', 'b', 'c'],
            subnets: BTreeMap::new(),
            log_limit: 100_000,
            instance_limit: 5_000,
            log_groups: LogGroups::OfEveryDefinition,
        }
    }
}
