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
        Code::Is(code) | Code::Ending(code) => (code, None),
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
        "AlreadyExists",
        "BlockedException",
        "ClientException",
        "ClusterContainsCapacityProviderException",
        "ClusterContainsContainerInstancesException",
        "ClusterContainsServicesException",
        "ClusterContainsTasksException",
        "ClusterNotFoundException",
        "ConflictException",
        "InternalServerError",
        "InvalidKeyId",
        "InvalidNextToken",
        "InvalidParameterException",
        "LimitExceededException",
        "NamespaceNotFoundException",
        "PlatformTaskDefinitionIncompatibilityException",
        "PlatformUnknownException",
        "ResourceContention",
        "ResourceInUse",
        "ResourceInUseException",
        "ResourceNotFoundException",
        "ScalingActivityInProgress",
        "ServerException",
        "ServiceLinkedRoleFailure",
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
fn codes_of_ec2_tell_by_their_end_what_they_mean_whatever_the_resource() {
    let create = Operation::CreateLaunchTemplate;
    assert_eq!(class(create, "InvalidLaunchTemplateName.AlreadyExistsException", 400, ""), Conflict);
    assert_eq!(class(Operation::DeleteLaunchTemplate, "InvalidLaunchTemplateId.NotFound", 400, ""), NotFound);
    assert_eq!(
        class(Operation::DeleteLaunchTemplate, "InvalidLaunchTemplateName.NotFoundException", 400, ""),
        NotFound
    );
    assert_eq!(class(Operation::CreateTags, "InvalidLaunchTemplateId.Malformed", 400, ""), Invalid);
    assert_eq!(class(Operation::DescribeImages, "InvalidAMIID.NotFound", 400, ""), NotFound);
    assert_eq!(class(create, "VcpuLimitExceeded", 400, ""), Quota);
    assert_eq!(class(create, "RequestLimitExceeded", 503, "Request limit exceeded."), Throttled);
    assert_eq!(class(create, "UnauthorizedOperation", 403, ""), Denied);
    assert_eq!(class(create, "InsufficientInstanceCapacity", 500, ""), NoCapacity);
}

#[test]
fn auto_scaling_says_most_in_the_message_of_one_code() {
    let group = "AutoScalingGroup name not found - AutoScalingGroup 'axon-trn' not found";
    let instance = "Instance Id not found - No managed instance found for instance ID: i-1";
    let template = "You must use a valid fully-formed launch template. The specified launch template, with template ID \
                    lt-1, does not exist.";
    let image = "You must use a valid fully-formed launch template. The image id '[ami-1]' does not exist";
    let size = "New SetDesiredCapacity value 5 is above max value 3 for the AutoScalingGroup.";
    assert_eq!(class(Operation::DeleteAutoScalingGroup, "ValidationError", 400, group), NotFound);
    assert_eq!(class(Operation::TerminateInstanceInAutoScalingGroup, "ValidationError", 400, instance), NotFound);
    assert_eq!(class(Operation::CreateAutoScalingGroup, "ValidationError", 400, template), NotFound);
    assert_eq!(class(Operation::CreateAutoScalingGroup, "ValidationError", 400, image), Invalid);
    assert_eq!(class(Operation::SetDesiredCapacity, "ValidationError", 400, size), Invalid);
    assert_eq!(class(Operation::UpdateAutoScalingGroup, "ResourceContention", 500, ""), Conflict);
    assert_eq!(class(Operation::CreateAutoScalingGroup, "LimitExceeded", 400, ""), Quota);
    assert_eq!(class(Operation::DescribeAutoScalingGroups, "Throttling", 400, "Rate exceeded"), Throttled);
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
