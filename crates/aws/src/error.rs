//! Reduces whatever can go wrong with an AWS call to a [`CloudError`]: finds the code, lets the table judge it.
//!
//! Called by `call`; the meanings themselves are data in `error_table`. Errors below AWS get a short word as their code:
//!
//! | code | what happened |
//! | --- | --- |
//! | `Request` | the request could not be made or sent by the rules of HTTP; nothing was sent |
//! | `Connect` | no connection came about; nothing was sent |
//! | `Connection` | the connection broke; something may have been sent |
//! | `Timeout` | the deadline passed; something may have been sent |
//! | `Unparsable` | there was an answer that is none of AWS's |
//! | `Incomplete` | AWS's answer lacks what it always has |
//! | `NoCredentials` | no credentials could be had; nothing was sent |
//! | `CredentialsTimeout` | credentials did not come in time; nothing was sent |

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ecs::config::http::HttpResponse;
use aws_sdk_ecs::error::{BuildError, ConnectorError, ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::operation::RequestId;
use aws_sdk_ecs::types::Failure;
use axon_core::cloud::CloudError;
use axon_core::text::is_hidden;

use crate::answers::Incomplete;
use crate::error_table::{Symptom, classify};
use crate::operations::Operation;

/// The error of a call that was sent, or was to be.
pub(crate) fn of_call<E>(operation: Operation, sdk: &SdkError<E, HttpResponse>) -> CloudError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let status = sdk.raw_response().map(|response| response.status().as_u16());
    let code = match sdk {
        SdkError::ServiceError(answer) => answer.err().code().map_or_else(|| unnamed(status), str::to_owned),
        SdkError::TimeoutError(_) => "Timeout".to_owned(),
        SdkError::ResponseError(_) => "Unparsable".to_owned(),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(connector) => below_http(connector).to_owned(),
            None => "Connection".to_owned(),
        },
        other => credentials_trouble(other).unwrap_or("Request").to_owned(),
    };
    let message = match sdk {
        SdkError::ServiceError(answer) => answer.err().message().map(str::to_owned),
        _ => None,
    };
    let message = message.unwrap_or_else(|| in_words(sdk));
    let request_id = sdk.request_id().map(printable);
    let class = classify(&Symptom { operation, code: &code, status, message: &message });
    CloudError { class, operation: operation.name(), code: printable(&code), message: printable(&message), request_id }
}

/// The error of a request that the SDK refuses to build.
pub(crate) fn of_request(operation: Operation, reason: &BuildError) -> CloudError {
    local(operation, "Request", &in_words(reason))
}

/// The error of an answer that lacks something.
pub(crate) fn of_answer(operation: Operation, incomplete: &Incomplete) -> CloudError {
    local(operation, "Incomplete", &format!("the answer has no {}", incomplete.0))
}

/// The error of an answer whose `failures[]` names something other than what is not there.
pub(crate) fn of_failure(operation: Operation, failure: &Failure) -> CloudError {
    let reason = failure.reason().unwrap_or("Incomplete");
    let about = failure.arn().unwrap_or("(no ARN)");
    let detail = failure.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    local(operation, reason, &format!("failure {reason} for {about}{detail}"))
}

fn local(operation: Operation, code: &str, message: &str) -> CloudError {
    let class = classify(&Symptom { operation, code, status: None, message });
    let (code, message) = (printable(code), printable(message));
    CloudError { class, operation: operation.name(), code, message, request_id: None }
}

/// What is shown on terminals and in logs must not move their cursor, whoever has answered.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if is_hidden(letter) { ' ' } else { letter }).collect()
}

/// Some of the SDK's clients take an answer that says it is one, and cannot be read, for a refusal without a name.
fn unnamed(status: Option<u16>) -> String {
    let refused = status.filter(|status| !(200..300).contains(status));
    refused.map_or_else(|| "Unparsable".to_owned(), |status| format!("HTTP{status}"))
}

/// The word for an error that no HTTP answer came with.
fn below_http(connector: &ConnectorError) -> &'static str {
    if let Some(word) = credentials_trouble(connector) {
        word
    } else if never_connected(connector) {
        "Connect"
    } else if connector.is_user() {
        "Request"
    } else if connector.is_timeout() {
        "Timeout"
    } else {
        "Connection"
    }
}

fn credentials_trouble(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let found = causes(error).find_map(|cause| cause.downcast_ref::<CredentialsError>())?;
    Some(match found {
        CredentialsError::ProviderTimedOut(_) => "CredentialsTimeout",
        _ => "NoCredentials",
    })
}

/// Whether the connection surely never came about. The HTTP client tells only in words; where they change, the error
/// counts as one after sending, which is the safe side.
fn never_connected(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        let refused = cause.downcast_ref::<io::Error>().is_some_and(|io| {
            matches!(
                io.kind(),
                io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::AddrNotAvailable
            )
        });
        let words = cause.to_string();
        refused || ["client error (Connect)", "HTTP connect timeout", "dns error"].iter().any(|w| words.starts_with(w))
    })
}

/// An error with its causes, each once. The SDK's own `DisplayErrorContext` ends in a dump of the whole error, which nobody
/// can read and which may hold parts of a request.
pub(crate) fn in_words(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(error).map(ToString::to_string).filter(|cause| !cause.is_empty()) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_below_http_is_said_with_its_causes_and_without_a_dump() {
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "Connection refused");
        let failure = SdkError::<io::Error, HttpResponse>::dispatch_failure(ConnectorError::io(Box::new(refused)));
        assert_eq!(in_words(&failure), "dispatch failure: io error: Connection refused");
    }
}
