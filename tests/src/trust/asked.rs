//! One call to AWS, read off the wire: from `line` to `audit` and its rules.

use std::time::Duration;

use serde_json::Value;

/// A call, read off the wire.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// `ecs`, `ec2`, `autoscaling`, `ssm` or `sts`.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// The members; of a form, its fields as they are named there.
    pub input: Value,
    /// For how long it was under way before AWS did it.
    pub late: Duration,
}

impl Asked {
    /// Reads a request's body.
    pub fn read(service: &str, operation: Option<&str>, body: &[u8]) -> Self {
        let input = serde_json::from_slice(body).unwrap_or_else(|_| {
            let fields = form_urlencoded::parse(body).into_owned();
            Value::Object(fields.map(|(name, value)| (name, Value::String(value))).collect())
        });
        Self {
            service: service.to_owned(),
            operation: operation.unwrap_or_default().to_owned(),
            input,
            late: Duration::ZERO,
        }
    }

    /// A text of the input.
    pub fn text(&self, name: &str) -> &str {
        self.input[name].as_str().unwrap_or_default()
    }
}
