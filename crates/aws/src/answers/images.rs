//! An image as EC2 answers it, and what an SSM parameter says about one.
//!
//! Used by `observe`. Parameters are free text that someone else writes, so they are read leniently. No calls, no
//! opinion.

use aws_sdk_ec2::types;
use axon_core::observe::Image;

use super::{Incomplete, present};

/// Reads an image.
pub(crate) fn image(sdk: types::Image) -> Result<Image, Incomplete> {
    Ok(Image {
        id: present(sdk.image_id, "imageId")?,
        name: sdk.name,
        agent_version: None,
        created: sdk.creation_date.and_then(|text| text.parse().ok()),
        deprecated: sdk.deprecation_time.and_then(|text| text.parse().ok()),
        state: present(sdk.state, "imageState")?.as_str().to_owned(),
        architecture: present(sdk.architecture, "architecture")?.as_str().to_owned(),
        root_device: sdk.root_device_name,
    })
}

/// What a parameter says about an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) id: String,
    /// Version of the ECS agent in it.
    pub(crate) agent_version: Option<String>,
}

/// Reads the value of a parameter: nothing but an image id, or the document of AWS's public parameters. `None` if no
/// image id is found.
pub(crate) fn named(value: &str) -> Option<Named> {
    let value = value.trim();
    if value.starts_with("ami-") {
        return Some(Named { id: value.to_owned(), agent_version: None });
    }
    let id = member(value, "image_id").filter(|id| id.starts_with("ami-"))?;
    Some(Named { id, agent_version: member(value, "ecs_agent_version") })
}

/// A text member of a flat document. AWS writes JSON; public stand-ins for AWS write the same in Python's notation,
/// where texts are in single quotes. Neither ids nor versions have quotes or escapes in them, so the text after the
/// key, up to the quote that opened it, is what both mean.
fn member(document: &str, key: &str) -> Option<String> {
    ['"', '\''].into_iter().find_map(|quote| {
        document.split(&format!("{quote}{key}{quote}")).skip(1).find_map(|rest| {
            let rest = rest.trim_start().strip_prefix(':')?.trim_start();
            let (text, _) = rest.strip_prefix(quote)?.split_once(quote)?;
            Some(text.to_owned())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_and_agent(value: &str) -> Option<(String, Option<String>)> {
        named(value).map(|named| (named.id, named.agent_version))
    }

    #[test]
    fn a_parameter_is_an_id_or_a_document_of_aws() {
        let document = r#"{"schema_version": 1, "source_image_name": "image_id", "image_name": "al2023-ami-ecs-neuron",
            "image_id" : "ami-2", "os":"Amazon Linux 2023", "ecs_agent_version":"1.107.0", "new": {"a": [1]}}"#;
        assert_eq!(id_and_agent(" ami-1\n"), Some(("ami-1".to_owned(), None)));
        assert_eq!(id_and_agent(document), Some(("ami-2".to_owned(), Some("1.107.0".to_owned()))));
    }

    #[test]
    fn the_notation_of_python_is_understood_too() {
        let document = "{'ecs_agent_version': '1.107.0', 'image_id': 'ami-3', 'schema_version': '1'}";
        assert_eq!(id_and_agent(document), Some(("ami-3".to_owned(), Some("1.107.0".to_owned()))));
    }

    #[test]
    fn what_names_no_image_is_not_guessed_at() {
        for value in ["", "al2023", "{}", r#"{"image_id": 7}"#, r#"{"image_id": "none"}"#, "{\"image_id\": \"ami-1"] {
            assert_eq!(id_and_agent(value), None, "{value}");
        }
    }
}
