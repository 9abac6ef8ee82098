//! Task definitions: families of immutable revisions. Neighbours: `revision_validate` and `revision_defaults` on the way
//! in, `service` and `run_task` look revisions up.

use serde_json::{Value, json};

use super::{names, revision_defaults, revision_validate, tags};
use crate::{
    engine::Event,
    state::{Family, Revision},
    wire::{
        fault::{Answer, Fault},
        page::{Sizes, cut},
        value::{Read, put, put_some, stamp},
    },
    world::{World, tail},
};

pub(crate) fn register(world: &mut World, input: &Value) -> Answer {
    revision_validate::check(input)?;
    let tags = tags::check(input.list("tags"), tags::USUAL_LIMIT)?;
    let name = input.text("family").unwrap_or_default().to_owned();
    let mut document = revision_defaults::fill_in(world, input);
    let number = world.state.families.get(&name).map_or(0, |f| f.last) + 1;
    let arn = world.arn(&format!("task-definition/{name}:{number}"));
    put(&mut document, "taskDefinitionArn", arn.clone());
    put(&mut document, "revision", number);
    put(&mut document, "status", "ACTIVE");
    put(&mut document, "registeredAt", stamp(world.now));
    let by = format!("arn:aws:sts::{}:assumed-role/simulated/session", world.options.account);
    put(&mut document, "registeredBy", by);
    let answer = json!({"taskDefinition": document, "tags": tags});
    let family = world.state.families.entry(name).or_default();
    family.last = number;
    family.revisions.insert(number, Revision { arn, document, tags });
    Ok(answer)
}

fn status(revision: &Revision) -> &str {
    revision.document.text("status").unwrap_or_default()
}

fn newest(family: &Family) -> Option<&Revision> {
    family.revisions.values().rev().find(|r| status(r) == "ACTIVE")
}

/// A revision by ARN, `family:revision` or, for the newest active one, `family`.
pub(crate) fn find<'w>(world: &'w World, named: &str) -> Result<&'w Revision, Fault> {
    let unknown = || Fault::client("Unable to describe task definition.");
    let name = tail(named);
    let found = match name.rsplit_once(':') {
        Some((family, number)) => {
            let number: i64 = number.parse().map_err(|_| unknown())?;
            world.state.families.get(family).and_then(|f| f.revisions.get(&number))
        }
        None => world.state.families.get(name).and_then(newest),
    };
    found.filter(|r| !named.starts_with("arn:") || r.arn == named || !named.contains(':')).ok_or_else(unknown)
}

/// A revision that new tasks and services may use.
pub(crate) fn usable(world: &World, named: &str) -> Result<Revision, Fault> {
    let missing = || Fault::client(format!("TaskDefinition not found: {named}"));
    let found = find(world, named).map_err(|_| missing())?;
    if status(found) != "ACTIVE" {
        return Err(Fault::client("TaskDefinition is inactive"));
    }
    Ok(found.clone())
}

/// A revision for a service that already has it: an inactive one will do.
pub(crate) fn document(world: &World, arn: &str) -> Value {
    find(world, arn).map(|r| r.document.clone()).unwrap_or_default()
}

fn numbered(named: &str) -> Result<(), Fault> {
    if tail(named).contains(':') {
        return Ok(());
    }
    Err(Fault::client("The revision of the task definition must be given."))
}

fn find_mut<'w>(world: &'w mut World, named: &str) -> Result<&'w mut Revision, Fault> {
    let arn = find(world, named)?.arn.clone();
    let found = world.state.families.values_mut().flat_map(|f| f.revisions.values_mut()).find(|r| r.arn == arn);
    found.ok_or_else(|| Fault::client("Unable to describe task definition."))
}

pub(crate) fn deregister(world: &mut World, input: &Value) -> Answer {
    let named = input.text("taskDefinition").unwrap_or_default();
    numbered(named)?;
    let now = stamp(world.now);
    let revision = find_mut(world, named)?;
    if status(revision) == "ACTIVE" {
        put(&mut revision.document, "status", "INACTIVE");
        put(&mut revision.document, "deregisteredAt", now);
    }
    Ok(json!({"taskDefinition": revision.document}))
}

pub(crate) fn delete(world: &mut World, input: &Value) -> Answer {
    let wanted = input.strings("taskDefinitions");
    names::some_names(&wanted, 10, "taskDefinitions")?;
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for named in wanted {
        numbered(&named)?;
        let now = world.now;
        match find_mut(world, &named) {
            Err(_) => failures.push(names::failure(&named, "TASK_DEFINITION_NOT_FOUND")),
            Ok(revision) if status(revision) == "ACTIVE" => {
                let mut failure = names::failure(&named, "TASK_DEFINITION_ACTIVE");
                put(&mut failure, "detail", "The revision must be deregistered before it is deleted.");
                failures.push(failure);
            }
            Ok(revision) => {
                put(&mut revision.document, "status", "DELETE_IN_PROGRESS");
                put(&mut revision.document, "deleteRequestedAt", stamp(now));
                deleted.push(revision.document.clone());
                let arn = revision.arn.clone();
                world.after(60, Event::RevisionGoes(arn));
            }
        }
    }
    Ok(json!({"taskDefinitions": deleted, "failures": failures}))
}

/// A revision goes when no task and no service uses it any more.
pub(crate) fn goes(world: &mut World, arn: &str) {
    let task = world.state.tasks.values().any(|t| t.live() && t.definition == arn);
    let uses = |s: &crate::state::Service| {
        s.status != "INACTIVE" && (s.definition == arn || s.deployments.iter().any(|d| d.definition == arn))
    };
    if task || world.state.services.values().any(uses) {
        world.after(60, Event::RevisionGoes(arn.to_owned()));
        return;
    }
    for family in world.state.families.values_mut() {
        family.revisions.retain(|_, r| r.arn != arn);
    }
}

pub(crate) fn describe(world: &mut World, input: &Value) -> Answer {
    let revision = find(world, input.text("taskDefinition").unwrap_or_default())?;
    let mut answer = json!({"taskDefinition": revision.document});
    if !input.list("include").is_empty() {
        put(&mut answer, "tags", revision.tags.clone());
    }
    Ok(answer)
}

pub(crate) fn list(world: &mut World, input: &Value) -> Answer {
    let wanted = input.text("status").unwrap_or("ACTIVE");
    // In this operation the prefix is a whole family name, as the API reference says.
    let families = world.state.families.iter().filter(|(n, _)| input.text("familyPrefix").is_none_or(|p| p == *n));
    let mut arns: Vec<String> = families
        .flat_map(|(_, f)| f.revisions.values())
        .filter(|r| status(r) == wanted)
        .map(|r| r.arn.clone())
        .collect();
    if input.text("sort") == Some("DESC") {
        arns.reverse();
    }
    let page = cut(world.paging(), arns, input, Sizes { usual: 100, most: 100 })?;
    let mut answer = json!({"taskDefinitionArns": page.items});
    put_some(&mut answer, "nextToken", page.next);
    Ok(answer)
}

pub(crate) fn list_families(world: &mut World, input: &Value) -> Answer {
    let wanted = input.text("status").unwrap_or("ACTIVE");
    let fits = |family: &Family| match wanted {
        "ALL" => !family.revisions.is_empty(),
        "INACTIVE" => newest(family).is_none() && !family.revisions.is_empty(),
        _ => newest(family).is_some(),
    };
    let named = |name: &String| input.text("familyPrefix").is_none_or(|p| name.starts_with(p));
    let families = world.state.families.iter().filter(|(n, f)| named(n) && fits(f));
    let page = cut(world.paging(), families.map(|(n, _)| n.clone()).collect(), input, Sizes { usual: 100, most: 100 })?;
    let mut answer = json!({"families": page.items});
    put_some(&mut answer, "nextToken", page.next);
    Ok(answer)
}
