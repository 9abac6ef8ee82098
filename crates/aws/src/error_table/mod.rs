//! What AWS's errors mean: one table, the first matching row wins.
//!
//! `error` finds the symptom of a failed call, this table judges it, `runtime` and `plan` act on the class. To teach
//! Axon a new error, add a row above the more general ones. No code decides a class anywhere else.
//!
//! Decisions worth knowing: ECS's `LimitExceededException` is a used-up quota, not throttling. Expired credentials are
//! transient, because the SDK fetches new ones by itself; credentials that AWS does not know are not. A write whose
//! outcome nobody knows (5xx, deadline, broken connection, unreadable answer) is ambiguous even where AWS calls the
//! operation idempotent, as reading first costs little; the same symptom on a read is transient.

use axon_core::cloud::ErrorClass;

use crate::operations::{Access, Operation};

mod page;

pub use page::errors_page;

/// What is known about a failed call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symptom<'a> {
    pub(crate) operation: Operation,
    /// AWS's code, or the word for an error below AWS.
    pub(crate) code: &'a str,
    /// HTTP status, if there was an answer.
    pub(crate) status: Option<u16>,
    pub(crate) message: &'a str,
}

/// Which codes a row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// This very code.
    Is(&'static str),
    /// Any code that ends so: EC2 puts the kind of resource before it.
    Ending(&'static str),
    /// Any code with an HTTP status from the first to the second number.
    Status(u16, u16),
    /// Any code at all.
    Any,
}

/// What a row concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// This class.
    Is(ErrorClass),
    /// Nobody knows whether the call had its effect: transient for a read, ambiguous for a write.
    Unknown,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Service prefix, or `*`.
    pub(crate) service: &'static str,
    /// AWS's name of the operation, or `*`.
    pub(crate) operation: &'static str,
    pub(crate) code: Code,
    /// Part of AWS's message, compared without regard to case; empty for any message.
    pub(crate) message: &'static str,
    pub(crate) meaning: Meaning,
}

const fn row(
    service: &'static str,
    operation: &'static str,
    code: &'static str,
    message: &'static str,
    class: ErrorClass,
) -> Row {
    Row { service, operation, code: Code::Is(code), message, meaning: Meaning::Is(class) }
}

const fn any(code: &'static str, class: ErrorClass) -> Row {
    row("*", "*", code, "", class)
}

const fn unknown(code: &'static str) -> Row {
    Row { service: "*", operation: "*", code: Code::Is(code), message: "", meaning: Meaning::Unknown }
}

const fn ending(end: &'static str, class: ErrorClass) -> Row {
    Row { service: "*", operation: "*", code: Code::Ending(end), message: "", meaning: Meaning::Is(class) }
}

const fn status(first: u16, last: u16, meaning: Meaning) -> Row {
    Row { service: "*", operation: "*", code: Code::Status(first, last), message: "", meaning }
}

use ErrorClass::{Conflict, Denied, Invalid, NoCapacity, NotFound, Quota, Throttled, Transient};

/// The table.
#[rustfmt::skip]
pub(crate) const TABLE: &[Row] = &[
    // One row a line, grouped by meaning; rows for single operations and messages first.
    row("ecs", "*", "ClientException", "Rate exceeded", Throttled),
    row("ecs", "RegisterTaskDefinition", "ClientException", "Too many concurrent attempts", Throttled),

    row("ecs", "DeleteCapacityProvider", "ClientException", "does not exist", NotFound),
    row("ecs", "UpdateCapacityProvider", "ClientException", "does not exist", NotFound),
    row("ecs", "CreateCapacityProvider", "ClientException", "does not exist", NotFound),
    row("ecs", "CreateCapacityProvider", "InvalidParameterException", "does not exist", NotFound),
    row("ecs", "PutClusterCapacityProviders", "InvalidParameterException", "does not exist", NotFound),
    row("ecs", "PutClusterCapacityProviders", "InvalidParameterException", "not found", NotFound),
    row("ecs", "DescribeTaskDefinition", "ClientException", "Unable to describe task definition", NotFound),
    row("ecs", "DeregisterTaskDefinition", "ClientException", "Unable to describe task definition", NotFound),
    row("ecs", "DeregisterTaskDefinition", "ClientException", "does not exist", NotFound),
    row("ecs", "StopTask", "InvalidParameterException", "not found", NotFound),
    // At most 500 tasks of a cluster wait in PROVISIONING (developer guide, cluster auto scaling).
    row("ecs", "RunTask", "ClientException", "PROVISIONING", NoCapacity),

    row("ecs", "CreateCapacityProvider", "ClientException", "already exists", Conflict),
    row("ecs", "CreateCapacityProvider", "InvalidParameterException", "already exists", Conflict),
    row("ecs", "DeleteCapacityProvider", "ClientException", "in use", Conflict),
    row("ecs", "DeleteCapacityProvider", "InvalidParameterException", "in use", Conflict),
    row("ecs", "CreateCapacityProvider", "ClientException", "limit", Quota),
    row("ecs", "CreateService", "InvalidParameterException", "still draining", Conflict),
    row("ecs", "CreateService", "InvalidParameterException", "not idempotent", Conflict),
    row("ecs", "*", "InvalidParameterException", "not in an ACTIVE state", Conflict),
    row("ecs", "*", "ClientException", "not in an ACTIVE state", Conflict),
    row("ecs", "*", "ClientException", "was not ACTIVE", Conflict),
    // IAM shows new roles to ECS some seconds late.
    row("ecs", "*", "InvalidParameterException", "assume", Conflict),
    row("ecs", "*", "ClientException", "assume", Conflict),
    row("ecs", "*", "InvalidParameterException", "service-linked role", Conflict),
    row("ecs", "*", "ClientException", "service-linked role", Conflict),

    // Auto Scaling has one code for most that it refuses. A group is not found, a template does not exist; an image that
    // does not exist is a mistake in the template.
    row("autoscaling", "*", "ValidationError", "image id", Invalid),
    row("autoscaling", "*", "ValidationError", "not found", NotFound),
    row("autoscaling", "*", "ValidationError", "does not exist", NotFound),
    row("autoscaling", "*", "ValidationError", "pending delete", Conflict),
    // Somebody's refresh keeps the template of the group from being changed until it is over.
    row("autoscaling", "UpdateAutoScalingGroup", "ValidationError", "active instance refresh", Conflict),

    any("ThrottlingException", Throttled),
    any("Throttling", Throttled),
    any("ThrottledException", Throttled),
    any("RequestThrottled", Throttled),
    any("RequestThrottledException", Throttled),
    any("TooManyRequestsException", Throttled),
    any("RequestLimitExceeded", Throttled),
    any("EC2ThrottledException", Throttled),
    any("SlowDown", Throttled),

    any("UpdateInProgressException", Conflict),
    any("ResourceInUseException", Conflict),
    any("ConflictException", Conflict),
    any("ServiceNotActiveException", Conflict),
    any("ClusterContainsContainerInstancesException", Conflict),
    any("ClusterContainsServicesException", Conflict),
    any("ClusterContainsCapacityProviderException", Conflict),
    any("ClusterContainsTasksException", Conflict),

    // A record that somebody has made already; a name that was removed a moment ago.
    any("ParameterAlreadyExists", Conflict),
    any("TooManyUpdates", Conflict),

    // Auto Scaling. A template or group that exists already, and what is being changed just now.
    any("AlreadyExists", Conflict),
    any("ResourceContention", Conflict),
    any("ResourceInUse", Conflict),
    any("ScalingActivityInProgress", Conflict),
    any("ServiceLinkedRoleFailure", Conflict),
    // EC2.
    ending(".AlreadyExistsException", Conflict),
    any("IncorrectState", Conflict),
    any("IncorrectInstanceState", Conflict),

    any("ServiceNotFoundException", NotFound),
    any("ClusterNotFoundException", NotFound),
    any("NamespaceNotFoundException", NotFound),
    any("ResourceNotFoundException", NotFound),
    any("ParameterNotFound", NotFound),
    any("MISSING", NotFound),
    // A container instance that was deregistered.
    any("INACTIVE", NotFound),
    ending(".NotFound", NotFound),
    ending(".NotFoundException", NotFound),
    ending(".VersionNotFound", NotFound),
    any("InvalidAMIID.Unavailable", NotFound),

    any("InsufficientInstanceCapacity", NoCapacity),
    any("InsufficientCapacity", NoCapacity),
    any("InsufficientHostCapacity", NoCapacity),
    any("UnfulfillableCapacity", NoCapacity),
    // Reasons in `failures[]` of RunTask (developer guide, "API failure reasons").
    any("RESOURCE:CPU", NoCapacity),
    any("RESOURCE:MEMORY", NoCapacity),
    any("RESOURCE:PORTS", NoCapacity),
    any("RESOURCE:ENI", NoCapacity),
    any("ATTRIBUTE", NoCapacity),
    any("AGENT", NoCapacity),
    any("EMPTY CAPACITY PROVIDER", NoCapacity),
    any("NO ACTIVE INSTANCES", NoCapacity),
    any("ParameterLimitExceeded", Quota),
    any("ParameterMaxVersionLimitExceeded", Quota),
    any("LimitExceededException", Quota),
    any("AttributeLimitExceededException", Quota),
    any("MaxSpotInstanceCountExceeded", Quota),
    // After RequestLimitExceeded, which is throttling.
    ending("LimitExceeded", Quota),

    any("AccessDeniedException", Denied),
    any("AccessDenied", Denied),
    any("ACCESS_DENIED", Denied),
    any("NotAuthorized", Denied),
    any("UnauthorizedOperation", Denied),
    any("AuthFailure", Denied),
    any("PendingVerification", Denied),
    any("UnrecognizedClientException", Denied),
    any("InvalidClientTokenId", Denied),
    any("IncompleteSignature", Denied),
    any("InvalidSignatureException", Denied),
    any("SignatureDoesNotMatch", Denied),
    any("MissingAuthenticationToken", Denied),
    any("MissingAuthenticationTokenException", Denied),
    any("OptInRequired", Denied),
    any("BlockedException", Denied),
    any("RegionDisabledException", Denied),
    any("NoCredentials", Denied),

    any("ExpiredTokenException", Transient),
    any("ExpiredToken", Transient),
    // EC2's word for temporary credentials that have expired (EC2 Developer Guide, Common client errors).
    any("RequestExpired", Transient),
    any("CredentialsTimeout", Transient),
    // The listing is begun again with the next sweep.
    any("InvalidNextToken", Transient),
    any("Connect", Transient),

    unknown("ServerException"),
    unknown("InternalFailure"),
    unknown("InternalServerError"),
    unknown("InternalError"),
    unknown("Unavailable"),
    unknown("ServiceUnavailable"),
    unknown("ServiceUnavailableException"),
    unknown("RequestTimeout"),
    unknown("RequestTimeoutException"),
    unknown("Timeout"),
    unknown("Connection"),
    unknown("Unparsable"),
    unknown("Incomplete"),

    any("InvalidParameterException", Invalid),
    any("ClientException", Invalid),
    any("UnsupportedFeatureException", Invalid),
    any("PlatformUnknownException", Invalid),
    any("PlatformTaskDefinitionIncompatibilityException", Invalid),
    any("ValidationError", Invalid),
    any("ValidationException", Invalid),
    any("SerializationException", Invalid),
    any("RequestEntityTooLargeException", Invalid),
    any("InvalidKeyId", Invalid),
    any("DryRunOperation", Invalid),
    any("Request", Invalid),

    // Codes that this version does not know, by status.
    status(429, 429, Meaning::Is(Throttled)),
    status(408, 408, Meaning::Unknown),
    status(401, 401, Meaning::Is(Denied)),
    status(403, 403, Meaning::Is(Denied)),
    status(400, 499, Meaning::Is(Invalid)),
    Row { service: "*", operation: "*", code: Code::Any, message: "", meaning: Meaning::Unknown },
];

impl Row {
    fn covers(&self, symptom: &Symptom<'_>) -> bool {
        let code = match self.code {
            Code::Is(code) => code == symptom.code,
            Code::Ending(end) => symptom.code.ends_with(end),
            Code::Status(first, last) => symptom.status.is_some_and(|status| (first..=last).contains(&status)),
            Code::Any => true,
        };
        code && named(self.service, symptom.operation.service())
            && named(self.operation, symptom.operation.name())
            && contains(symptom.message, self.message)
    }
}

fn named(pattern: &str, name: &str) -> bool {
    pattern == "*" || pattern == name
}

fn contains(message: &str, part: &str) -> bool {
    part.is_empty() || message.to_ascii_lowercase().contains(&part.to_ascii_lowercase())
}

/// What a symptom means.
pub(crate) fn classify(symptom: &Symptom<'_>) -> ErrorClass {
    let meaning = TABLE.iter().find(|row| row.covers(symptom)).map_or(Meaning::Unknown, |row| row.meaning);
    match (meaning, symptom.operation.access()) {
        (Meaning::Is(class), _) => class,
        (Meaning::Unknown, Access::Read) => ErrorClass::Transient,
        (Meaning::Unknown, Access::Write) => ErrorClass::Ambiguous,
    }
}

#[cfg(test)]
mod tests;
