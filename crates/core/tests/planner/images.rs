//! Which image new instances get.

use axon_core::observe::{Image, ImageAnswer};
use axon_core::observed::Observed;
use axon_core::plan::{Plan, Prune};
use axon_core::step::Action;
use jiff::ToSpan as _;

use super::fixture::{
    NOW, Specs, converge, empty_ec2_account, group_name, grouped, image, plan_once, source, text, waits,
};

fn installed() -> Observed {
    converge(&grouped().desired(), empty_ec2_account(), Prune::Enabled)
}

fn with(mut observed: Observed, answer: ImageAnswer) -> Plan {
    observed.images.insert(source(), answer);
    plan_once(&grouped().desired(), &observed, Prune::Enabled)
}

#[test]
fn a_dangling_parameter_keeps_the_image_in_force_and_says_so() {
    let plan = with(installed(), ImageAnswer::Dangling { evidence: "SSM parameter x does not exist".into() });
    assert_eq!(plan.steps, []);
    assert!(waits(&plan).contains("NeuronPool/neuron: SSM parameter x does not exist; ami-1 stays in force"));
}

#[test]
fn before_there_is_a_template_a_dangling_parameter_launches_nothing() {
    let plan = with(
        converge(
            &Specs { pools: vec![], services: vec![], ..grouped() }.desired(),
            empty_ec2_account(),
            Prune::Enabled,
        ),
        ImageAnswer::Dangling { evidence: "SSM parameter x does not exist".into() },
    );
    assert_eq!(text(plan.steps.iter().filter(|step| step.object.name.as_str() == "neuron")), "");
    assert!(waits(&plan).contains("nothing is launched until `ami` leads to an image"), "{}", waits(&plan));
}

#[test]
fn an_image_that_cannot_or_should_not_be_launched_is_refused() {
    let cases: [(&str, Image); 3] = [
        ("is pending", Image { state: "pending".into(), ..image("ami-2") }),
        ("is made for arm64", Image { architecture: "arm64".into(), ..image("ami-2") }),
        ("is deprecated since", Image { deprecated: Some(NOW - 1.hour()), ..image("ami-2") }),
    ];
    for (why, bad) in cases {
        let plan = with(installed(), ImageAnswer::Found(bad));
        assert_eq!(plan.steps, [], "{why}");
        assert!(waits(&plan).contains(why) && waits(&plan).contains("ami-1 stays in force"), "{}", waits(&plan));
    }
    let later = Image { deprecated: Some(NOW + 1.hour()), ..image("ami-2") };
    assert!(text(&with(installed(), ImageAnswer::Found(later)).steps).contains("CreateLaunchTemplateVersion"));
}

#[test]
fn an_image_that_was_not_looked_up_yet_creates_nothing() {
    let mut observed = installed();
    observed.images.clear();
    let plan = plan_once(&grouped().desired(), &observed, Prune::Enabled);
    assert_eq!(plan.steps, []);
    assert!(waits(&plan).contains("waits for the first reading of SSM parameter"), "{}", waits(&plan));
}

#[test]
fn a_new_image_is_a_new_version_and_then_the_version_of_the_group() {
    let plan = with(installed(), ImageAnswer::Found(image("ami-2")));
    let [step] = plan.steps.as_slice() else { panic!("{plan:?}") };
    let Action::CreateLaunchTemplateVersion(request) = &step.action else { panic!("{step:?}") };
    assert_eq!(request.launch_template_data.image_id.as_deref(), Some("ami-2"));
    let mut observed = installed();
    observed.images.insert(source(), ImageAnswer::Found(image("ami-2")));
    let after = converge(&grouped().desired(), observed, Prune::Enabled);
    let group = after.groups.get(&group_name(&grouped())).unwrap();
    assert_eq!(axon_core::plan::version_of(group), Some(2));
}

#[test]
fn an_earlier_image_that_comes_back_needs_no_further_version() {
    let mut observed = installed();
    observed.images.insert(source(), ImageAnswer::Found(image("ami-2")));
    let mut observed = converge(&grouped().desired(), observed, Prune::Enabled);
    observed.images.insert(source(), ImageAnswer::Found(image("ami-1")));
    let plan = plan_once(&grouped().desired(), &observed, Prune::Enabled);
    assert_eq!(text(&plan.steps), format!("UpdateAutoScalingGroup Auto Scaling group {}\n", group_name(&grouped())));
}
