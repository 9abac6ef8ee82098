//! Rules for `retryPolicy` of a NeuronJob: rules that fit something, and containers that exist.
//!
//! Neighbours: called by `job`; `job::progress` goes by the rules. Not here: which failures there are.

use crate::diagnostic::{Code, did_you_mean};
use crate::spec::{NeuronJob, RetryRule};

use super::subject::Subject;

const MOST_RULES: usize = 20;

pub(super) fn check(subject: &mut Subject<'_>, job: &NeuronJob) {
    let rules = &job.spec.retry_policy.rules;
    if rules.len() > MOST_RULES {
        let message = format!("there are {} rules; {MOST_RULES} may be", rules.len());
        let help = "Name several exit codes or failures in one rule.";
        subject.report(Code::RetryRule, "/spec/retryPolicy/rules", message, help);
    }
    for (index, rule) in rules.iter().enumerate() {
        let at = format!("/spec/retryPolicy/rules/{index}");
        one(subject, rule, &at);
        container(subject, job, rule, &at);
    }
}

fn one(subject: &mut Subject<'_>, rule: &RetryRule, at: &str) {
    let (codes, failures) = (!rule.on_exit_codes.is_empty(), !rule.on_failures.is_empty());
    if codes == failures {
        let what = if codes { "both are given" } else { "neither is given" };
        let message = format!("of onExitCodes and onFailures {what}");
        subject.report(Code::RetryRule, at, message, "Give one of them; write two rules for both.");
    }
    if rule.on_exit_codes.contains(&0) {
        let help = "Take 0 out; other codes are 1 to 255.";
        let message = "exit code 0 is in onExitCodes, and an attempt that ends with 0 has not failed";
        subject.report(Code::RetryRule, &format!("{at}/onExitCodes"), message, help);
    }
}

fn container(subject: &mut Subject<'_>, job: &NeuronJob, rule: &RetryRule, at: &str) {
    let Some(name) = &rule.container else { return };
    let at = format!("{at}/container");
    if rule.on_exit_codes.is_empty() {
        let message = format!("container is {name}, and without onExitCodes nothing asks for its exit code");
        subject.report(Code::RetryRule, &at, message, "Remove it, or add onExitCodes.");
    }
    let names = || job.spec.template.containers.iter().map(|container| container.name.as_str());
    if !names().any(|known| name == known) {
        let message = format!("the template has no container {name}");
        let help = did_you_mean(name.as_str(), names())
            .unwrap_or_else(|| format!("The containers are {}.", names().collect::<Vec<_>>().join(", ")));
        subject.report(Code::RetryContainer, &at, message, help);
    }
}
