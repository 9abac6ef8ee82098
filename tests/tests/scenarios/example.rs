//! The example of the documentation, from nothing to ready and no further.

use axon_runtime::Outcome;
use axon_tests::World;

const FLEET: &str = r#"
apiVersion: neuron.ecs/v1alpha1
kind: NeuronCluster
metadata: {name: ml-prod}
spec: {containerInsights: Enhanced}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronPool
metadata: {name: inf2}
spec:
  cluster: ml-prod
  managedInstances:
    infrastructureRoleArn: arn:aws:iam::111122223333:role/ecsInfrastructureRole
    instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole-neuron
    subnets: [subnet-0a1b2c3d, subnet-4e5f6a7b]
    securityGroups: [sg-0a1b2c3d]
    instanceRequirements: {allowedInstanceTypes: ["inf2*", "trn1*"], acceleratorManufacturers: [amazon-web-services]}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronService
metadata: {name: llama, labels: {team: nlp}}
spec:
  pool: inf2
  replicas: 2
  devices: all
  template:
    cpu: 8192
    memory: 16384
    executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole
    containers:
      - name: server
        image: 763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-vllm-inference-neuronx:0.11.0-optimum0.4.5-neuronx-py310-sdk2.26.1-ubuntu22.04
        command: ["--model", "meta-llama/Llama-3.1-8B", "--port", "8080", "--tensor-parallel-size", "2"]
        ports: [{containerPort: 8080}]
"#;

#[tokio::test(start_paused = true)]
async fn the_example_becomes_ready_and_then_nothing_is_left_to_do() {
    let world = World::new(FLEET);
    let plan = world.plan().await;
    assert!(plan.ended && plan.blocked.is_empty(), "{plan:#?}");
    let operations: Vec<&str> = plan.steps().map(|step| step.action.operation()).collect();
    assert_eq!(operations, ["CreateCluster", "CreateCapacityProvider", "RegisterTaskDefinition", "CreateService"]);

    let applied = world.apply().await;
    assert!(matches!(applied.outcome, Outcome::Reached), "{:#?} {:#?}", applied.outcome, applied.summary());
    let written: Vec<String> = world.writes().into_iter().map(|call| call.operation).collect();
    assert_eq!(written.len(), operations.len(), "every step was one call: {written:?}");

    let after = world.plan().await;
    assert_eq!(after.steps().count(), 0, "{after:#?}");
    let again = world.apply().await;
    assert!(matches!(again.outcome, Outcome::Reached), "{:#?}", again.summary());
    assert_eq!(world.writes(), [], "a second run writes nothing");
}
