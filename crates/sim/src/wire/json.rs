//! The AWS JSON 1.1 envelope: target header in, body or fault out. Neighbours: `aws` routes with it.
//! What an operation means is not its business.

use bytes::Bytes;
use http::Response;
use serde_json::Value;

use super::{
    fault::{Answer, Fault},
    value::without_nulls,
};

/// Reads a request body; an empty one is an empty object, as AWS takes it.
pub(crate) fn read(body: &[u8]) -> Result<Value, Fault> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(body)
        .map(without_nulls)
        .map_err(|e| Fault::new("SerializationException", format!("The request body is not JSON: {e}.")))
}

/// Writes an answer.
pub(crate) fn write(answer: &Answer, request_id: &str) -> Response<Bytes> {
    let (status, body) = match answer {
        Ok(body) => (200, body.clone()),
        Err(fault) => (fault.status, fault.body()),
    };
    let mut builder = Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amzn-requestid", request_id);
    if let Err(fault) = answer {
        builder = builder.header("x-amzn-errortype", fault.code);
    }
    builder.body(Bytes::from(without_nulls(body).to_string())).unwrap_or_else(|_| Response::new(Bytes::new()))
}
