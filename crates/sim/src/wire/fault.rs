//! An AWS error as a value: status, code, message. Neighbours: every operation returns it, `json` and `query` write it.
//! It must not know any operation.

use serde_json::{Map, Value, json};

/// The code of everything the simulator knows it does not model.
pub const NOT_MODELLED: &str = "NotModelledBySimulator";

/// An error answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// HTTP status.
    pub status: u16,
    /// The error code, `__type` on the wire.
    pub code: &'static str,
    /// The message.
    pub message: String,
    /// Members beside the message, such as `resourceIds` of a ConflictException.
    pub more: Map<String, Value>,
}

impl Fault {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into(), more: Map::new() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    pub(crate) fn client(message: impl Into<String>) -> Self {
        Self::new("ClientException", message)
    }

    pub(crate) fn not_modelled(what: impl AsRef<str>) -> Self {
        Self::new(NOT_MODELLED, format!("The simulator does not model {}.", what.as_ref()))
    }

    pub(crate) fn cluster_not_found() -> Self {
        Self::new("ClusterNotFoundException", "Cluster not found.")
    }

    pub(crate) fn service_not_found() -> Self {
        Self::new("ServiceNotFoundException", "Service not found.")
    }

    /// The simulator itself is wrong.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self { status: 500, ..Self::new("InternalFailure", message) }
    }

    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.more.insert(key.to_owned(), value);
        self
    }

    pub(crate) fn body(&self) -> Value {
        let mut body = json!({"__type": self.code, "message": self.message});
        if let Some(map) = body.as_object_mut() {
            map.extend(self.more.clone());
        }
        body
    }
}

pub(crate) type Answer = Result<Value, Fault>;
