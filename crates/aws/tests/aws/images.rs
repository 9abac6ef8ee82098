//! What sources of images lead to: parameters, ids, and what is wrong with either.

use axon_core::cloud::{Cloud, Ec2Scope, ErrorClass, Reading};
use axon_core::observe::{Image, ImageAnswer, ImageSource};
use serde_json::{Value, json};

use crate::fake::{Call, Fake, Reply, names, scope, xml};

fn parameter(name: &str) -> ImageSource {
    ImageSource::Parameter(name.to_owned())
}

/// A fake with `parameters` by name, whose EC2 knows `ami-1` only.
fn fake(parameters: Value) -> Fake {
    Fake::new(move |call| match call.operation.as_str() {
        "GetParameters" => {
            let (known, unknown): (Vec<String>, Vec<String>) =
                names(call, "Names").into_iter().partition(|name| !parameters[name].is_null());
            let known: Vec<Value> =
                known.iter().map(|name| json!({"Name": name, "Type": "String", "Value": parameters[name]})).collect();
            Reply::Ok(json!({"Parameters": known, "InvalidParameters": unknown}))
        }
        "DescribeImages" => image(call),
        _ if call.form.is_empty() => Reply::Ok(json!({})),
        _ => xml(call, ""),
    })
}

fn image(call: &Call) -> Reply {
    let image = "<item><imageId>ami-1</imageId><imageState>available</imageState><architecture>x86_64</architecture>\
        <name>al2023-ami-ecs-neuron-hvm-2023.0.20260922-kernel-6.1-x86_64</name>\
        <creationDate>2026-09-22T01:02:03.000Z</creationDate><deprecationTime>2028-09-22T01:02:03.000Z</deprecationTime>\
        <rootDeviceName>/dev/xvda</rootDeviceName></item>";
    xml(call, &format!("<imagesSet>{image}</imagesSet>"))
}

async fn answers(fake: &Fake, sources: &[ImageSource]) -> Vec<Reading<ImageAnswer>> {
    let ec2 = Ec2Scope { images: sources.iter().cloned().collect(), ..Ec2Scope::default() };
    let sweep = fake.aws().await.observe(axon_core::cloud::Scope { ec2: Some(ec2), ..scope("main") }).await;
    let images = sweep.ec2.expect("asked for").images;
    assert_eq!(images.len(), sources.len(), "every source has an answer");
    sources.iter().map(|source| images.get(source).expect("answered").clone()).collect()
}

fn found(answer: &Reading<ImageAnswer>) -> &Image {
    match answer {
        Ok(ImageAnswer::Found(image)) => image,
        other => panic!("{other:?}"),
    }
}

fn evidence(answer: &Reading<ImageAnswer>) -> &str {
    match answer {
        Ok(ImageAnswer::Dangling { evidence }) => evidence,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_image_is_found_by_id_by_a_parameter_and_by_a_document() {
    let fake = fake(json!({
        "/leaf": "ami-1",
        "/json": r#"{"schema_version": 1, "image_id": "ami-1", "ecs_agent_version": "1.107.0", "new": null}"#,
        "/python": "{'ecs_agent_version': '1.106.0', 'image_id': 'ami-1'}",
    }));
    let sources = [ImageSource::Id("ami-1".to_owned()), parameter("/leaf"), parameter("/json"), parameter("/python")];
    let answers = answers(&fake, &sources).await;
    let agents: Vec<_> = answers.iter().map(|answer| found(answer).agent_version.as_deref()).collect();
    assert_eq!(agents, [None, None, Some("1.107.0"), Some("1.106.0")]);
    let image = found(&answers[0]);
    assert_eq!(
        (image.id.as_str(), image.state.as_str(), image.architecture.as_str()),
        ("ami-1", "available", "x86_64")
    );
    assert_eq!(image.root_device.as_deref(), Some("/dev/xvda"));
    assert!(image.name.as_deref().is_some_and(|name| name.starts_with("al2023-ami-ecs-neuron")));
    assert_eq!(image.created, "2026-09-22T01:02:03Z".parse().ok());
    assert_eq!(image.deprecated, "2028-09-22T01:02:03Z".parse().ok());
    assert_eq!((fake.count("GetParameters"), fake.count("DescribeImages")), (1, 1), "all are asked for together");
    let asked = fake.calls().into_iter().find(|call| call.operation == "DescribeImages").expect("called");
    let asked: Vec<_> = asked.form.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let expected = [
        ("Filter.1.Name", "image-id"),
        ("Filter.1.Value.1", "ami-1"),
        ("IncludeDeprecated", "true"),
        ("IncludeDisabled", "true"),
        ("Version", "2016-11-15"),
    ];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn what_leads_nowhere_says_what_was_found_instead() {
    let fake = fake(json!({"/prose": "the newest one", "/gone": "ami-2"}));
    let sources = [ImageSource::Id("ami-3".to_owned()), parameter("/gone"), parameter("/missing"), parameter("/prose")];
    let answers = answers(&fake, &sources).await;
    assert_eq!(evidence(&answers[0]), "EC2 does not know ami-3 in this Region");
    assert_eq!(evidence(&answers[1]), "SSM parameter /gone names ami-2, which EC2 does not know");
    assert_eq!(evidence(&answers[2]), "there is no SSM parameter /missing in this Region");
    assert_eq!(evidence(&answers[3]), "SSM parameter /prose holds no image id: \"the newest one\"");
}

#[tokio::test]
async fn a_parameter_with_a_version_is_recognised_in_the_answer() {
    let fake = Fake::new(|call| match call.operation.as_str() {
        "GetParameters" => Reply::Ok(json!({"Parameters": [
            {"Name": "/ami", "Selector": ":4", "Value": "ami-4"},
            {"Name": "/ami", "Selector": ":3", "Value": "ami-1"},
        ]})),
        "DescribeImages" => image(call),
        _ => Reply::Ok(json!({})),
    });
    assert_eq!(found(&answers(&fake, &[parameter("/ami:3")]).await[0]).id, "ami-1");
}

#[tokio::test]
async fn ten_parameters_go_into_one_call() {
    let fake = fake(json!({}));
    let sources: Vec<ImageSource> = (0..11).map(|number| parameter(&format!("/ami-{number}"))).collect();
    answers(&fake, &sources).await;
    let sizes: Vec<usize> = fake
        .calls()
        .iter()
        .filter(|call| call.operation == "GetParameters")
        .map(|call| names(call, "Names").len())
        .collect();
    assert_eq!(sizes, [10, 1]);
    assert_eq!(fake.count("DescribeImages"), 0, "there is no id to ask about");
}

#[tokio::test]
async fn parameters_that_may_not_be_read_leave_ids_readable() {
    let fake = Fake::new(|call| match call.operation.as_str() {
        "GetParameters" => Reply::Refused(400, "AccessDeniedException", "not authorized to perform: ssm:GetParameters"),
        "DescribeImages" => image(call),
        _ => Reply::Ok(json!({})),
    });
    let answers = answers(&fake, &[ImageSource::Id("ami-1".to_owned()), parameter("/ami")]).await;
    assert_eq!(found(&answers[0]).id, "ami-1");
    assert_eq!(
        answers[1].as_ref().map_err(|error| (error.class, error.operation)),
        Err((ErrorClass::Denied, "GetParameters"))
    );
}

#[tokio::test]
async fn images_that_may_not_be_described_are_unknown_and_missing_parameters_still_dangle() {
    let fake = Fake::new(|call| match call.operation.as_str() {
        "GetParameters" => Reply::Ok(json!({
            "Parameters": [{"Name": "/ami", "Value": "ami-1"}],
            "InvalidParameters": ["/missing"],
        })),
        "DescribeImages" => Reply::Refused(403, "UnauthorizedOperation", "You are not authorized."),
        _ => Reply::Ok(json!({})),
    });
    let answers = answers(&fake, &[parameter("/ami"), parameter("/missing")]).await;
    assert_eq!(answers[0].as_ref().map_err(|error| error.class), Err(ErrorClass::Denied));
    assert!(evidence(&answers[1]).contains("/missing"));
}
