//! Rules for a NeuronCluster.
//!
//! Neighbours: called by `validate`. Not here: what pools and services ask of their cluster.

use crate::diagnostic::Code;
use crate::spec::{ExecuteCommandLogging, NeuronCluster};

use super::arn::{self, Resource};
use super::subject::Subject;
use super::{drift, identity, overrides};

pub(super) fn check(subject: &mut Subject<'_>, cluster: &NeuronCluster) {
    let spec = &cluster.spec;
    drift::cluster(subject, &cluster.metadata, spec);
    identity::tags(subject, "/spec/tags", &spec.tags, 50);
    overrides::cluster(subject, &spec.overrides);
    if let Some(storage) = &spec.managed_storage {
        key(subject, "/spec/managedStorage/kmsKeyId", &storage.kms_key_id);
    }
    if let Some(defaults) = &spec.service_connect_defaults {
        let at = "/spec/serviceConnectDefaults/namespace";
        arn::check(subject, at, &defaults.namespace, Resource::CloudMapNamespace);
    }
    let Some(exec) = &spec.execute_command else { return };
    if let Some(id) = &exec.kms_key_id {
        key(subject, "/spec/executeCommand/kmsKeyId", id);
    }
    let logs = exec.log_configuration.as_ref();
    let named = logs.is_some_and(|l| l.cloud_watch_log_group_name.is_some() || l.s3_bucket_name.is_some());
    let overridden = exec.logging == ExecuteCommandLogging::Override;
    if overridden && !named {
        let message = "logging is Override, but logConfiguration names neither a log group nor a bucket";
        subject.report(Code::ExecLogs, "/spec/executeCommand/logging", message, "Name one, or use Default.");
    }
    if !overridden && logs.is_some() {
        let message = "logConfiguration is given, but logging is not Override";
        let help = "Write `logging: Override`, or remove logConfiguration.";
        subject.report(Code::ExecLogs, "/spec/executeCommand/logConfiguration", message, help);
    }
}

/// Keys may be given by ARN, id or alias; only an ARN has a form that can be wrong.
fn key(subject: &mut Subject<'_>, pointer: &str, id: &str) {
    if id.starts_with("arn:") || id.is_empty() {
        arn::check(subject, pointer, id, Resource::KmsKey);
    }
}
