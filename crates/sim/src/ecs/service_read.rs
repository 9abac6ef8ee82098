//! Services as ECS describes and lists them. Neighbours: `describe` writes one, `service` changes it.

use serde_json::{Value, json};

use super::{describe, names};
use crate::{
    wire::{
        fault::{Answer, Fault},
        page::{Sizes, cut},
        value::{Read, put_some},
    },
    world::World,
};

pub(crate) fn describe(world: &mut World, input: &Value) -> Answer {
    let cluster = names::cluster(world, input)?;
    let wanted = input.strings("services");
    names::some_names(&wanted, 10, "services")?;
    let include = input.strings("include");
    let include: Vec<&str> = include.iter().map(String::as_str).collect();
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for named in &wanted {
        let service = names::find_service(world, &cluster, named).and_then(|k| world.state.services.get(&k));
        if let Some(service) = service {
            found.push(describe::service(world, service, &include));
        } else {
            failures.push(names::missing(world, named, &format!("service/{cluster}")));
        }
    }
    Ok(json!({"services": found, "failures": failures}))
}

/// DRAINING and INACTIVE services are not listed.
pub(crate) fn list(world: &mut World, input: &Value) -> Answer {
    let cluster = names::cluster(world, input)?;
    if input.has("resourceManagementType") {
        return Err(Fault::not_modelled("the filter resourceManagementType"));
    }
    let arns = world
        .state
        .services
        .values()
        .filter(|s| s.cluster == cluster && s.status == "ACTIVE")
        .filter(|s| input.text("launchType").is_none_or(|l| s.launch_type.as_deref() == Some(l)))
        .filter(|_| input.text("schedulingStrategy").is_none_or(|s| s == "REPLICA"))
        .map(|s| s.arn.clone());
    let page = cut(world.paging(), arns.collect(), input, Sizes { usual: 10, most: 100 })?;
    let mut answer = json!({"serviceArns": page.items});
    put_some(&mut answer, "nextToken", page.next);
    Ok(answer)
}
