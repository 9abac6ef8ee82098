//! What sources of images lead to: GetParameters for parameters → DescribeImages for all ids together.
//!
//! Part of `observe`. Ids are a filter, as EC2 refuses a whole call over one id that does not exist. An id that EC2
//! does not answer, or a parameter that names none, is an answer too: dangling, with what was found as evidence.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ssm::types::Parameter;
use axon_core::cloud::{CloudError, Reading};
use axon_core::observe::{Image, ImageAnswer, ImageSource};

use super::filters::{VALUES, filter};
use super::{pages, parameters, patiently};
use crate::answers::images::{Named, image, named};
use crate::call::{Caller, complete};
use crate::operations::Operation;

/// Longest part of a parameter's value that is shown as evidence.
const SHOWN: usize = 80;

/// What is known of a source before EC2 is asked.
type Lead = Reading<Result<Named, String>>;

/// What each of `sources` leads to.
pub(super) async fn of(
    caller: &Caller,
    sources: &BTreeSet<ImageSource>,
) -> BTreeMap<ImageSource, Reading<ImageAnswer>> {
    let mut leads: BTreeMap<ImageSource, Lead> = BTreeMap::new();
    let mut parameters = Vec::new();
    for source in sources {
        match source {
            ImageSource::Parameter(name) => parameters.push(name.clone()),
            ImageSource::Id(id) => {
                leads.insert(source.clone(), Ok(Ok(Named { id: id.clone(), agent_version: None })));
            }
        }
    }
    for chunk in parameters.chunks(parameters::NAMED) {
        let read = patiently(caller, || parameters::named(caller, chunk)).await;
        leads.extend(chunk.iter().map(|name| (ImageSource::Parameter(name.clone()), lead(name, &read))));
    }
    let ids: BTreeSet<String> = leads.values().flatten().flatten().map(|named| named.id.clone()).collect();
    let images = described(caller, ids).await;
    leads.into_iter().map(|(source, lead)| (source.clone(), follow(&source, lead, &images))).collect()
}

/// SSM repeats of `name:version` the name alone, and the rest as selector.
fn lead(name: &str, read: &Reading<Vec<Parameter>>) -> Lead {
    let parameters = read.as_ref().map_err(CloudError::clone)?;
    let selected = |parameter: &Parameter, base: &str| {
        let selector = parameter.selector().unwrap_or_default().trim_start_matches(':');
        (name == base && selector.is_empty()) || name == format!("{base}:{selector}")
    };
    let asked = |parameter: &&Parameter| {
        let names = [parameter.name(), parameter.arn()];
        names.into_iter().flatten().any(|base| selected(parameter, base))
    };
    let Some(parameter) = parameters.iter().find(asked) else {
        return Ok(Err(format!("there is no SSM parameter {name} in this Region")));
    };
    let value = parameter.value().unwrap_or_default();
    Ok(named(value).ok_or_else(|| {
        let shown: String = value.chars().take(SHOWN).collect();
        format!("SSM parameter {name} holds no image id: {shown:?}")
    }))
}

async fn described(caller: &Caller, ids: BTreeSet<String>) -> Reading<BTreeMap<String, Image>> {
    let ids: Vec<String> = ids.into_iter().collect();
    let mut images = BTreeMap::new();
    for chunk in ids.chunks(VALUES) {
        let by_id = filter("image-id", chunk.to_vec());
        // EC2 hides from most what is deprecated or disabled, and both are worth telling.
        let ask = caller.ec2.describe_images().filters(by_id).include_deprecated(true).include_disabled(true);
        let found = pages(caller, Operation::DescribeImages, |token| {
            let request = ask.clone().set_next_token(token);
            async move {
                let answer = caller.send(Operation::DescribeImages, request.send()).await?;
                Ok((answer.images, answer.next_token))
            }
        });
        for sdk in found.await? {
            let found = complete(Operation::DescribeImages, image(sdk))?;
            images.insert(found.id.clone(), found);
        }
    }
    Ok(images)
}

fn follow(source: &ImageSource, lead: Lead, images: &Reading<BTreeMap<String, Image>>) -> Reading<ImageAnswer> {
    let named = match lead? {
        Ok(named) => named,
        Err(evidence) => return Ok(ImageAnswer::Dangling { evidence }),
    };
    let images = images.as_ref().map_err(CloudError::clone)?;
    let Some(image) = images.get(&named.id) else {
        let id = &named.id;
        let evidence = match source {
            ImageSource::Parameter(name) => format!("SSM parameter {name} names {id}, which EC2 does not know"),
            ImageSource::Id(_) => format!("EC2 does not know {id} in this Region"),
        };
        return Ok(ImageAnswer::Dangling { evidence });
    };
    Ok(ImageAnswer::Found(Image { agent_version: named.agent_version, ..image.clone() }))
}
