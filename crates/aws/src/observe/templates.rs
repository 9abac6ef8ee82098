//! Launch templates: DescribeLaunchTemplates by tag and by name → DescribeLaunchTemplateVersions, one template a call.
//!
//! Part of `observe`. Names are filters, as EC2 refuses a whole call over one name that does not exist. A template that
//! is gone between two calls is left out.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{Filter, LaunchTemplate};
use axon_core::cloud::{ErrorClass, Reading};
use axon_core::observe::{Template, TemplateVersion};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::filters::{VALUES, filter, managed_by};
use super::{CALLS, pages};
use crate::answers::present;
use crate::answers::templates::{template, version};
use crate::call::{Caller, complete};
use crate::operations::Operation;

/// Page size; EC2's most.
const PAGE: i32 = 200;

/// Templates that carry the installation's id, and those of `names`, whoever's.
pub(super) async fn all(caller: &Caller, installation: &str, names: &BTreeSet<String>) -> Reading<Vec<Template>> {
    let mut found = BTreeMap::new();
    let mut filters = vec![filter(&managed_by(), [installation.to_owned()])];
    let names: Vec<String> = names.iter().cloned().collect();
    filters.extend(names.chunks(VALUES).map(|chunk| filter("launch-template-name", chunk.to_vec())));
    for filter in filters {
        for sdk in described(caller, filter).await? {
            let id = complete(
                Operation::DescribeLaunchTemplates,
                present(sdk.launch_template_id.clone(), "launchTemplateId"),
            )?;
            found.insert(id, sdk);
        }
    }
    let reading: Vec<_> = found.into_iter().map(|(id, sdk)| with_versions(caller, id, sdk)).collect();
    let templates: Vec<Option<Template>> = stream::iter(reading).buffered(CALLS).try_collect().await?;
    Ok(templates.into_iter().flatten().collect())
}

async fn described(caller: &Caller, filter: Filter) -> Reading<Vec<LaunchTemplate>> {
    pages(caller, Operation::DescribeLaunchTemplates, |token| {
        let request =
            caller.ec2.describe_launch_templates().filters(filter.clone()).max_results(PAGE).set_next_token(token);
        async move {
            let answer = caller.send(Operation::DescribeLaunchTemplates, request.send()).await?;
            Ok((answer.launch_templates, answer.next_token))
        }
    })
    .await
}

async fn with_versions(caller: &Caller, id: String, sdk: LaunchTemplate) -> Reading<Option<Template>> {
    let found = pages(caller, Operation::DescribeLaunchTemplateVersions, |token| {
        let request = caller
            .ec2
            .describe_launch_template_versions()
            .launch_template_id(&id)
            .max_results(PAGE)
            .set_next_token(token);
        async move {
            let answer = caller.send(Operation::DescribeLaunchTemplateVersions, request.send()).await?;
            Ok((answer.launch_template_versions, answer.next_token))
        }
    });
    let found = match found.await {
        Err(error) if error.class == ErrorClass::NotFound => return Ok(None),
        read => read?.into_iter().map(version),
    };
    let mut versions: Vec<TemplateVersion> =
        complete(Operation::DescribeLaunchTemplateVersions, found.collect::<Result<_, _>>())?;
    versions.sort_by_key(|version| version.number);
    complete(Operation::DescribeLaunchTemplates, template(sdk, versions)).map(Some)
}
