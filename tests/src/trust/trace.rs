//! What calls there were: a hash that tells two histories apart, the writes, and how many only went on with a list.
//!
//! Neighbours: `play`, `sweep` and `days` let it take the calls of the account as they go.

use std::collections::{BTreeMap, VecDeque};

use axon_sim::Call;
use serde_json::Value;

use super::stage::Stage;
use crate::wire::is_write;

/// A hash over all calls, and the writes among them.
#[derive(Clone, Debug)]
pub struct Trace {
    hash: u64,
    last_writes: VecDeque<String>,
    later_pages: u64,
}

/// So many writes are kept for people.
const KEPT_WRITES: usize = 400;

impl Default for Trace {
    fn default() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, last_writes: VecDeque::new(), later_pages: 0 }
    }
}

impl Trace {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Members in the order of their names: the SDK writes maps in any order.
    fn value(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                let sorted: BTreeMap<&String, &Value> = members.iter().collect();
                for (name, value) in sorted {
                    self.bytes(name.as_bytes());
                    self.value(value);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.value(item)),
            other => self.bytes(other.to_string().as_bytes()),
        }
    }

    /// The same history gives the same.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Calls that asked for a page of a list other than the first.
    pub fn later_pages(&self) -> u64 {
        self.later_pages
    }

    /// The last writes, for people.
    pub fn into_last_writes(self) -> VecDeque<String> {
        self.last_writes
    }

    /// Takes the calls since the last time; gives the writes.
    pub fn calls(&mut self, stage: &Stage) -> Vec<String> {
        let mut writes = Vec::new();
        for call in stage.world.calls() {
            self.bytes(call.at.to_string().as_bytes());
            self.bytes(call.operation.as_bytes());
            self.value(&call.body);
            self.bytes(call.error.as_deref().unwrap_or_default().as_bytes());
            if ["nextToken", "NextToken"].iter().any(|name| !call.body[*name].is_null()) {
                self.later_pages += 1;
            }
            if is_write(&call.operation) {
                self.last_writes.push_back(told(&call));
                if self.last_writes.len() > KEPT_WRITES {
                    self.last_writes.pop_front();
                }
                writes.push(call.operation);
            }
        }
        writes
    }
}

fn told(call: &Call) -> String {
    let mut body = call.body.to_string();
    body.truncate(body.floor_char_boundary(300));
    format!("{} {} {} {body}", call.at, call.operation, call.error.as_deref().unwrap_or("done"))
}
