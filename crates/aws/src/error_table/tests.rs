//! The table of errors, row by row and by example.

use super::*;
use crate::operations::ALL;

fn class(operation: Operation, code: &str, status: u16, message: &str) -> ErrorClass {
    classify(&Symptom { operation, code, status: Some(status), message })
}

/// A symptom made to fit the row.
fn example(row: &'static Row) -> Symptom<'static> {
    let operation = ALL
        .iter()
        .copied()
        .find(|operation| named(row.service, operation.service()) && named(row.operation, operation.name()))
        .expect("the row names an operation of ours");
    let (code, status) = match row.code {
        Code::Is(code) => (code, None),
        Code::Status(_, last) => ("SomethingNew", Some(last)),
        Code::Any => ("SomethingNew", None),
    };
    Symptom { operation, code, status, message: row.message }
}

#[test]
fn every_row_is_reached_by_what_it_describes() {
    for row in TABLE {
        let first = TABLE.iter().find(|candidate| candidate.covers(&example(row)));
        assert_eq!(first, Some(row), "an earlier row hides this one");
    }
}

#[test]
fn no_row_is_written_twice() {
    for (index, row) in TABLE.iter().enumerate() {
        let same = |other: &Row| (other.service, other.operation, other.code, other.message);
        assert!(!TABLE.iter().skip(index + 1).any(|other| same(other) == same(row)), "{row:?}");
    }
}

#[test]
fn every_modelled_error_of_the_operations_in_use_has_a_row() {
    let modelled = [
        "AccessDeniedException",
        "BlockedException",
        "ClientException",
        "ClusterContainsCapacityProviderException",
        "ClusterContainsContainerInstancesException",
        "ClusterContainsServicesException",
        "ClusterContainsTasksException",
        "ClusterNotFoundException",
        "ConflictException",
        "InvalidParameterException",
        "LimitExceededException",
        "NamespaceNotFoundException",
        "PlatformTaskDefinitionIncompatibilityException",
        "PlatformUnknownException",
        "ResourceInUseException",
        "ResourceNotFoundException",
        "ServerException",
        "ServiceNotActiveException",
        "ServiceNotFoundException",
        "UnsupportedFeatureException",
        "UpdateInProgressException",
    ];
    for code in modelled {
        assert!(TABLE.iter().any(|row| row.code == Code::Is(code) && row.message.is_empty()), "{code}");
    }
}

#[test]
fn a_resource_limit_of_ecs_is_a_quota_and_not_throttling() {
    assert_eq!(class(Operation::CreateCapacityProvider, "LimitExceededException", 400, "too many"), Quota);
    assert_eq!(class(Operation::CreateService, "ThrottlingException", 400, "Rate exceeded"), Throttled);
}

#[test]
fn an_unknown_outcome_is_ambiguous_for_writes_and_transient_for_reads() {
    for code in ["ServerException", "Timeout", "Connection", "Unparsable", "SomethingNew"] {
        assert_eq!(class(Operation::CreateService, code, 500, ""), ErrorClass::Ambiguous, "{code}");
        assert_eq!(class(Operation::DescribeServices, code, 500, ""), Transient, "{code}");
    }
}

#[test]
fn no_connection_means_no_effect() {
    let symptom = Symptom { operation: Operation::CreateService, code: "Connect", status: None, message: "" };
    assert_eq!(classify(&symptom), Transient);
}

#[test]
fn the_message_decides_where_the_code_says_nothing() {
    let provider = "The specified capacity provider does not exist. Specify a valid name or ARN.";
    assert_eq!(class(Operation::DeleteCapacityProvider, "ClientException", 400, provider), NotFound);
    assert_eq!(class(Operation::RegisterTaskDefinition, "ClientException", 400, "Invalid cpu"), Invalid);
    let young = "The capacity provider 'trn' is not in an ACTIVE state.";
    assert_eq!(class(Operation::CreateService, "InvalidParameterException", 400, young), Conflict);
    let role = "Unable to assume the service linked role. Verify that it exists.";
    assert_eq!(class(Operation::CreateService, "InvalidParameterException", 400, role), Conflict);
    assert_eq!(class(Operation::CreateService, "InvalidParameterException", 400, "No subnets"), Invalid);
}

#[test]
fn expired_credentials_are_fetched_anew_but_unknown_ones_are_denied() {
    assert_eq!(class(Operation::ListClusters, "ExpiredTokenException", 403, ""), Transient);
    assert_eq!(class(Operation::ListClusters, "UnrecognizedClientException", 403, ""), Denied);
}

#[test]
fn codes_from_the_future_are_judged_by_their_status() {
    assert_eq!(class(Operation::UpdateService, "SomethingNew", 400, ""), Invalid);
    assert_eq!(class(Operation::UpdateService, "SomethingNew", 403, ""), Denied);
    assert_eq!(class(Operation::UpdateService, "SomethingNew", 429, ""), Throttled);
    assert_eq!(class(Operation::UpdateService, "SomethingNew", 408, ""), ErrorClass::Ambiguous);
    assert_eq!(class(Operation::UpdateService, "SomethingNew", 503, ""), ErrorClass::Ambiguous);
}

#[test]
fn the_page_of_the_reference_is_what_the_table_says() {
    let page = include_str!("../../../../docs/reference/aws-errors.md");
    assert!(page == errors_page(), "docs/reference/aws-errors.md is out of date: generate it again");
}
