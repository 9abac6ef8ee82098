//! What a deployment configuration may say, and the defaults that ECS returns. Neighbours: `service` stores it,
//! `deployment`, `stage`, `settle` and `alarms` act on it. The exception type is InvalidParameterException (a guess).
//! AWS publishes no maximum of alarm names for ECS, so there is none here.

use serde_json::{Value, json};

use super::names;
use crate::wire::{
    fault::Fault,
    value::{Read, fill, put},
};

/// Members that belong to one strategy.
const SHIFTS: [(&str, &str); 2] = [("linearConfiguration", "LINEAR"), ("canaryConfiguration", "CANARY")];

/// A deployment configuration over what was there before, with the defaults that ECS returns.
pub(crate) fn configuration(old: &Value, input: &Value) -> Result<Value, Fault> {
    let mut out = old.clone();
    if !out.is_object() {
        out = json!({});
    }
    for (key, value) in input.at("deploymentConfiguration").and_then(Value::as_object).into_iter().flatten() {
        put(&mut out, key, value.clone());
    }
    // Whether ECS drops the settings of the strategy before is not documented; a service could not leave CANARY otherwise.
    let strategy = out.text("strategy").unwrap_or("ROLLING").to_owned();
    let sent = input.at("deploymentConfiguration").unwrap_or(&Value::Null);
    if let Some(map) = out.as_object_mut() {
        map.retain(|key, _| SHIFTS.iter().all(|(k, owner)| key != k || strategy == *owner || sent.has(key)));
    }
    fill(&mut out, "deploymentCircuitBreaker", json!({"enable": false, "rollback": false}));
    fill(&mut out, "maximumPercent", 200);
    fill(&mut out, "minimumHealthyPercent", 100);
    fill(&mut out, "strategy", "ROLLING");
    fill(&mut out, "bakeTimeInMinutes", 0);
    let number = |key: &str| out.number(key).unwrap_or(0);
    let (low, high) = (number("minimumHealthyPercent"), number("maximumPercent"));
    if low < 0 || high < 100 || (low >= 100 && high <= 100) {
        return Err(Fault::invalid("maximumPercent and minimumHealthyPercent leave no room for a deployment."));
    }
    if !(0..=1440).contains(&number("bakeTimeInMinutes")) {
        return Err(Fault::invalid("bakeTimeInMinutes must be from 0 to 1440."));
    }
    shifting(&out)?;
    let breaker = out.at("deploymentCircuitBreaker").unwrap_or(&Value::Null);
    if let Some(threshold) = breaker.at("thresholdConfiguration")
        && threshold.number("value").is_none_or(|v| v < 1)
    {
        return Err(Fault::invalid("The value of a circuit breaker threshold must be at least 1."));
    }
    alarms(&out)?;
    out.list("lifecycleHooks").iter().try_for_each(hook)?;
    early_success(&out, low)?;
    Ok(out)
}

fn shifting(configuration: &Value) -> Result<(), Fault> {
    let strategy = configuration.text("strategy").unwrap_or("ROLLING");
    for (key, owner) in SHIFTS {
        if configuration.has(key) && strategy != owner {
            return Err(Fault::invalid(format!("{key} needs the deployment strategy {owner}.")));
        }
    }
    let within = |of: &str, key: &str| {
        let percent = configuration.at(of).and_then(|c| c.get(key)).and_then(Value::as_f64);
        percent.is_none_or(|p| (0.1..=100.0).contains(&p))
    };
    if !within("linearConfiguration", "stepPercent") || !within("canaryConfiguration", "canaryPercent") {
        return Err(Fault::invalid("A traffic percentage must be above 0 and at most 100."));
    }
    Ok(())
}

fn alarms(configuration: &Value) -> Result<(), Fault> {
    let Some(alarms) = configuration.at("alarms") else { return Ok(()) };
    let names = alarms.strings("alarmNames");
    if names.is_empty() && alarms.flag("enable") == Some(true) {
        return Err(Fault::invalid("Deployment alarms that are enabled need at least one alarm name."));
    }
    if names.iter().any(|n| n.is_empty() || n.chars().count() > 255) {
        return Err(Fault::invalid("The name of an alarm has from 1 to 255 characters."));
    }
    Ok(())
}

fn hook(hook: &Value) -> Result<(), Fault> {
    let stages = hook.strings("lifecycleStages");
    if stages.is_empty() {
        return Err(Fault::invalid("A lifecycle hook must name at least one lifecycle stage."));
    }
    if hook.text("targetType") == Some("PAUSE") {
        if hook.has("hookTargetArn") {
            return Err(Fault::invalid("A PAUSE hook has no hookTargetArn."));
        }
        let shifting = |s: &String| matches!(s.as_str(), "TEST_TRAFFIC_SHIFT" | "PRODUCTION_TRAFFIC_SHIFT");
        if let Some(stage) = stages.iter().find(|s| shifting(s)) {
            return Err(Fault::invalid(format!("PAUSE hooks cannot be configured at {stage}.")));
        }
        return Ok(());
    }
    let function = hook.text("hookTargetArn").unwrap_or_default();
    if !function.starts_with("arn:") || !function.contains(":lambda:") || !function.contains(":function:") {
        return Err(Fault::invalid(format!("The hook target '{function}' is not the ARN of a Lambda function.")));
    }
    let role = hook.text("roleArn").unwrap_or_default();
    if !names::iam_arn(role, "role") {
        return Err(Fault::invalid(format!("The role '{role}' of a lifecycle hook is not valid.")));
    }
    Ok(())
}

fn early_success(configuration: &Value, minimum: i64) -> Result<(), Fault> {
    let Some(early) = configuration.at("earlySuccessCriteria") else { return Ok(()) };
    if early.flag("enable") != Some(true) {
        return Ok(());
    }
    if configuration.text("strategy") != Some("ROLLING") {
        return Err(Fault::invalid("Early success criteria need the deployment strategy ROLLING."));
    }
    let Some(percent) = early.number("healthyPercent").filter(|_| early.has("sourceServiceRevisionCleanup")) else {
        return Err(Fault::invalid("Early success criteria need healthyPercent and sourceServiceRevisionCleanup."));
    };
    if percent < minimum {
        return Err(Fault::invalid("healthyPercent must be at least minimumHealthyPercent."));
    }
    Ok(())
}
