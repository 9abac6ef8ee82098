//! Parameters of published images: versions, history by name, dangling ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_in_result,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on should panic, and JSON literals read best handed over by value"
)]

mod account;

use account::Account;
use axon_sim::{Image, ImageActs};
use serde_json::{Value, json};

const PATH: &str = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron";

fn value(account: &mut Account, name: &str) -> Result<String, String> {
    let (status, answer) = account.ssm("GetParameter", json!({"Name": name}));
    match status {
        200 => Ok(answer["Parameter"]["Value"].as_str().unwrap().to_owned()),
        _ => Err(answer["__type"].as_str().unwrap().to_owned()),
    }
}

#[test]
fn a_published_image_becomes_recommended_and_the_older_one_keeps_its_name() {
    let mut account = Account::new();
    let recommended = format!("{PATH}/recommended/image_id");
    let before = value(&mut account, &recommended).unwrap();
    account.pass(3600);
    let name = "al2023-ami-ecs-neuron-hvm-2023.0.20260101-kernel-6.1-x86_64";
    let image = Image::new("ami-0fedcba9876543210", name, "1.102.0")
        .created(account.aws.now())
        .acting(ImageActs::NeverRegisters);
    account.aws.world_mut().publish_image(PATH, image);
    assert_eq!(value(&mut account, &recommended).unwrap(), "ami-0fedcba9876543210");
    let (_, answer) = account.ssm("GetParameter", json!({"Name": format!("{PATH}/recommended")}));
    let document: Value = serde_json::from_str(answer["Parameter"]["Value"].as_str().unwrap()).unwrap();
    assert_eq!((&document["image_name"], &document["ecs_agent_version"]), (&json!(name), &json!("1.102.0")));
    assert_eq!((&document["schema_version"], &document["image_version"]), (&json!(1), &json!("2023.0.20260101")));
    assert_eq!(value(&mut account, &format!("{PATH}/{name}/image_id")).unwrap(), "ami-0fedcba9876543210");
    let pinned = format!("{PATH}/al2023-ami-ecs-neuron-hvm-2023.0.20251215-kernel-6.1-x86_64/image_id");
    assert_eq!(value(&mut account, &pinned).unwrap(), before);
}

#[test]
fn each_publication_is_a_version_of_the_parameter() {
    let mut account = Account::new();
    let recommended = format!("{PATH}/recommended/image_id");
    let (_, answer) = account.ssm("GetParameter", json!({"Name": recommended}));
    assert_eq!(answer["Parameter"]["Version"], 2, "two images were published before the account began");
    assert_eq!(value(&mut account, &format!("{recommended}:1")).unwrap(), "ami-0b1b2c3d4e5f60718");
    assert_eq!(value(&mut account, &format!("{recommended}:2")).unwrap(), "ami-0a1b2c3d4e5f60718");
    assert_eq!(value(&mut account, &format!("{recommended}:3")), Err("ParameterVersionNotFound".to_owned()));
    assert_eq!(value(&mut account, &format!("{PATH}/nothing")), Err("ParameterNotFound".to_owned()));
    let names = json!({"Names": [format!("{recommended}:1"), format!("{recommended}:9")]});
    let (_, answer) = account.ssm("GetParameters", names);
    assert_eq!(answer["Parameters"][0]["Selector"], ":1");
    assert_eq!(answer["InvalidParameters"], json!([format!("{recommended}:9")]));
}

#[test]
fn a_parameter_can_name_an_image_that_does_not_exist() {
    let mut account = Account::new();
    let name = format!("{PATH}/recommended/image_id");
    account.aws.world_mut().publish_parameter(&name, "ami-00000000000000000");
    assert_eq!(value(&mut account, &name).unwrap(), "ami-00000000000000000");
}
