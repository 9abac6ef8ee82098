//! What a container may ask of the Linux kernel: capabilities, memory file systems, limits.
//!
//! Neighbours: part of `container`. Not here: devices, which Axon decides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Linux settings of a container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Linux {
    /// Kernel capabilities. Default: those of Docker; on Auto Scaling groups the Neuron container gets `IPC_LOCK` too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// Whether a small init process reaps the container's children. Default: false.
    #[serde(default)]
    pub init_process: bool,
    /// Size of `/dev/shm` in MiB. Managed Instances refuse it. Default: 64, by Docker.
    #[schemars(range(min = 1))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_memory_size: Option<u32>,
    /// File systems in memory. Managed Instances refuse them. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tmpfs: Vec<Tmpfs>,
}

/// Kernel capabilities, in the kernel's spelling without `CAP_` (`IPC_LOCK`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Capabilities {
    /// Added to the usual ones. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
    /// Taken from the usual ones. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
}

/// A file system in memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tmpfs {
    /// The absolute path in the container.
    pub path: String,
    /// Its size in MiB.
    #[schemars(range(min = 1))]
    pub size: u32,
    /// Mount options. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mount_options: Vec<String>,
}

/// A limit of the operating system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ulimit {
    /// What is limited.
    pub name: UlimitName,
    /// The limit at the start; -1 is unlimited.
    #[schemars(range(min = -1))]
    pub soft: i32,
    /// The most a process may raise it to; -1 is unlimited.
    #[schemars(range(min = -1))]
    pub hard: i32,
}

/// A kind of limit, as the operating system writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UlimitName {
    /// Size of core files.
    Core,
    /// CPU time.
    Cpu,
    /// Size of the data segment.
    Data,
    /// Size of files.
    Fsize,
    /// File locks.
    Locks,
    /// Locked memory; EFA needs it unlimited.
    Memlock,
    /// Bytes in message queues.
    Msgqueue,
    /// Nice priority.
    Nice,
    /// Open files.
    Nofile,
    /// Processes.
    Nproc,
    /// Resident memory.
    Rss,
    /// Real-time priority.
    Rtprio,
    /// Real-time CPU time.
    Rttime,
    /// Pending signals.
    Sigpending,
    /// Size of the stack.
    Stack,
}

/// A kernel parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SystemControl {
    /// Its name: `net.core.somaxconn`.
    pub namespace: String,
    /// Its value.
    pub value: String,
}
