//! Refuses answers in XML that end before their end.
//!
//! Part of `connect`, which gives it to the clients that speak XML. The SDK takes an answer for complete wherever its text ends
//! between two elements: a list that was cut short would say that the rest is gone. HTTP notices a cut of its own, but not
//! one that happened on the other side of a proxy. JSON that is cut does not parse.

use aws_sdk_ecs::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Every answer of EC2, Auto Scaling and STS that is no error is one element, `<OperationResponse>` (EC2 developer guide, "Query API").
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole;

/// What is said instead of the reading.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the answer ends before its end")]
struct Cut;

impl Intercept for Whole {
    fn name(&self) -> &'static str {
        "Whole"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        // A body that is still to come is none of these answers, which were read before they were taken apart.
        let body = response.body().bytes().filter(|_| response.status().is_success());
        if body.is_some_and(is_cut) { Err(Cut.into()) } else { Ok(()) }
    }
}

/// Whether the text does not end with the end of the element that it begins with.
fn is_cut(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return true };
    let begins = text.match_indices('<').map(|(at, _)| &text[at + 1..]).find(|rest| !rest.starts_with(['?', '!']));
    let name = begins.and_then(|rest| rest.split(|c: char| c.is_ascii_whitespace() || c == '>').next());
    !name.is_some_and(|name| text.trim_end().ends_with(&format!("</{name}>")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_with_the_end_of_what_it_begins_with() {
        for whole in ["<?xml version=\"1.0\"?>\n<AResponse xmlns=\"x\"><a/></AResponse>\n", "<AResponse></AResponse>"] {
            assert!(!is_cut(whole.as_bytes()), "{whole}");
        }
        for cut in [
            "",
            "<?xml version=\"1.0\"?>",
            "<AResponse",
            "<AResponse><a/>",
            "<AResponse><a/></AResp",
            "<AResponse><BResponse></BResponse>",
        ] {
            assert!(is_cut(cut.as_bytes()), "{cut}");
        }
        assert!(is_cut(b"<AResponse>\xff</AResponse>"), "no text");
    }
}
