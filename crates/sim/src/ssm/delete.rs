//! DeleteParameter and DeleteParameters. Neighbours: `names` reads the names, `put` minds what was deleted lately. Public parameters
//! are not the account's: for these operations they do not exist, which is a guess.

use serde_json::{Value, json};

use super::names;
use crate::{
    wire::{
        fault::{Answer, Fault},
        value::{Read, put_some},
    },
    world::World,
};

pub(super) fn one(world: &mut World, input: &Value) -> Answer {
    if !goes(world, input.text("Name").unwrap_or_default())? {
        return Err(Fault::new("ParameterNotFound", ""));
    }
    Ok(json!({}))
}

pub(super) fn several(world: &mut World, input: &Value) -> Answer {
    let (mut deleted, mut invalid) = (Vec::new(), Vec::new());
    for name in input.strings("Names") {
        let gone = goes(world, &name)?;
        if gone { deleted.push(name) } else { invalid.push(name) }
    }
    // A list in the model has one name at least.
    let mut answer = json!({});
    for (member, names) in [("DeletedParameters", deleted), ("InvalidParameters", invalid)] {
        put_some(&mut answer, member, (!names.is_empty()).then_some(names));
    }
    Ok(answer)
}

fn goes(world: &mut World, text: &str) -> Result<bool, Fault> {
    let name = names::given(text)?;
    if world.state.parameters.remove(&name.key).is_none() {
        return Ok(false);
    }
    world.state.deleted_parameters.insert(name.key, world.now);
    Ok(true)
}
