//! Specifications for scenarios, as text: what a user writes.

use std::path::Path;

use axon_core::parse::SourceFile;

/// One cluster, one pool of instances with one chip, one service with two replicas.
pub const SMALL: &str = r#"
apiVersion: neuron.ecs/v1alpha1
kind: NeuronCluster
metadata: {name: ml}
spec: {containerInsights: Enhanced}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronPool
metadata: {name: chips}
spec:
  cluster: ml
  managedInstances:
    infrastructureRoleArn: arn:aws:iam::111122223333:role/ecsInfrastructureRole
    instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole-neuron
    subnets: [subnet-0a1b2c3d, subnet-4e5f6a7b]
    securityGroups: [sg-0a1b2c3d]
    storageSizeGib: 200
    capacityOption: OnDemand
    instanceRequirements: {allowedInstanceTypes: [inf2.8xlarge, trn1.2xlarge]}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronService
metadata: {name: llama, labels: {team: nlp}}
spec:
  pool: chips
  replicas: 2
  template:
    cpu: 8192
    memory: 16384
    executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole
    containers:
      - name: server
        image: 111122223333.dkr.ecr.us-east-1.amazonaws.com/vllm:1
        ports: [{containerPort: 8080}]
        healthCheck: {command: [CMD-SHELL, "curl -f http://localhost:8080/health"], startPeriod: 1m}
"#;

/// One Auto Scaling group of instances with twelve chips, and three services that share them.
pub const SHARED: &str = r#"
apiVersion: neuron.ecs/v1alpha1
kind: NeuronCluster
metadata: {name: ml}
spec: {}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronPool
metadata: {name: shared}
spec:
  cluster: ml
  autoScalingGroup:
    instanceTypes: [inf2.48xlarge]
    instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole
    subnets: [subnet-0a1b2c3d, subnet-4e5f6a7b]
    securityGroups: [sg-0a1b2c3d]
    maxSize: 4
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronService
metadata: {name: large}
spec:
  pool: shared
  replicas: 1
  devices: 7
  template:
    cpu: 98304
    memory: 400000
    executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole
    containers: [{name: server, image: "large:1", ports: [{containerPort: 8080}]}]
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronService
metadata: {name: medium}
spec:
  pool: shared
  replicas: 1
  devices: 4
  template:
    cpu: 32768
    memory: 200000
    executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole
    containers: [{name: server, image: "medium:1", ports: [{containerPort: 8080}]}]
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronService
metadata: {name: small}
spec:
  pool: shared
  replicas: 2
  devices: 1
  template:
    cpu: 8192
    memory: 30000
    executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole
    containers: [{name: server, image: "small:1", ports: [{containerPort: 8080}]}]
"#;

/// Three instances of one Auto Scaling group with one chip each, replaced when their image changes.
pub const ROLLING: &str = r#"
apiVersion: neuron.ecs/v1alpha1
kind: NeuronCluster
metadata: {name: ml}
spec: {}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronPool
metadata: {name: rolling}
spec:
  cluster: ml
  autoScalingGroup:
    instanceTypes: [inf2.xlarge]
    instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole
    subnets: [subnet-0a1b2c3d, subnet-4e5f6a7b]
    securityGroups: [sg-0a1b2c3d]
    maxSize: 6
    rollout: {policy: Roll, soak: 2m, timeout: 15m}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronService
metadata: {name: server}
spec:
  pool: rolling
  replicas: 3
  template:
    cpu: 2048
    memory: 8192
    executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole
    containers: [{name: server, image: "server:1", ports: [{containerPort: 8080}]}]
"#;

/// One Auto Scaling group of instances with twelve chips, a service with a chip for each of its two replicas, and a job of four
/// indexes that takes one chip for each.
pub const JOBS: &str = r#"
apiVersion: neuron.ecs/v1alpha1
kind: NeuronCluster
metadata: {name: ml}
spec: {}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronPool
metadata: {name: shared}
spec:
  cluster: ml
  autoScalingGroup:
    instanceTypes: [inf2.48xlarge]
    instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole
    subnets: [subnet-0a1b2c3d, subnet-4e5f6a7b]
    securityGroups: [sg-0a1b2c3d]
    maxSize: 4
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronService
metadata: {name: small}
spec:
  pool: shared
  replicas: 2
  devices: 1
  template:
    cpu: 8192
    memory: 30000
    executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole
    containers: [{name: server, image: "small:1", ports: [{containerPort: 8080}]}]
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronJob
metadata: {name: sweep}
spec:
  pool: shared
  devices: 1
  completions: 4
  template:
    cpu: 8192
    memory: 30000
    executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole
    containers: [{name: train, image: "sweep:1"}]
"#;

/// A group of at most four trn1.32xlarge with EFA, and a job of four nodes on it.
pub const GANG: &str = r#"
apiVersion: neuron.ecs/v1alpha1
kind: NeuronCluster
metadata: {name: ml}
spec: {}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronPool
metadata: {name: trn1}
spec:
  cluster: ml
  autoScalingGroup:
    instanceTypes: [trn1.32xlarge]
    instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole
    subnets: [subnet-0a1b2c3d]
    securityGroups: [sg-0a1b2c3d]
    efa: Enabled
    placementGroup: training
    maxSize: 4
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronJob
metadata: {name: train}
spec:
  pool: trn1
  nodes: 4
  template:
    cpu: 126976
    memory: 460800
    executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole
    containers: [{name: trainer, image: "train:1"}]
"#;

/// A cluster that keeps a source from being empty.
pub const OTHER: &str = "
apiVersion: neuron.ecs/v1alpha1
kind: NeuronCluster
metadata: {name: other}
spec: {}
";

/// The small fleet without its service.
pub fn without_service() -> String {
    let documents: Vec<&str> = SMALL.split("---").collect();
    let (_service, rest) = documents.split_last().unwrap();
    rest.join("---")
}

/// A text with one change; fails when there is nothing to change.
pub fn edit(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is in the text");
    text.replace(from, to)
}

/// The cluster and the pool of the small fleet with so many services of one replica.
pub fn many(count: usize) -> String {
    let service = SMALL.split("---").last().unwrap();
    let one = edit(service, "replicas: 2", "replicas: 1");
    let services =
        (0..count).map(|number| format!("---{}", edit(&one, "name: llama", &format!("name: llama-{number}"))));
    without_service() + &services.collect::<String>()
}

/// The files of the examples that users read.
pub fn examples() -> Vec<SourceFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/examples");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "yaml")).collect();
    paths.sort();
    paths.into_iter().map(|path| example(path.file_name().unwrap().to_str().unwrap())).collect()
}

/// The examples of pools of Auto Scaling groups.
pub fn group_examples() -> Vec<SourceFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/examples/ec2");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.collect();
    paths.sort();
    paths.into_iter().map(|path| example(&format!("ec2/{}", path.file_name().unwrap().to_str().unwrap()))).collect()
}

/// The examples of jobs, with the cluster and the services among them.
pub fn job_examples() -> Vec<SourceFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/job-examples");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| example(&format!("../job-examples/{}", path.file_name().unwrap().to_str().unwrap())))
        .collect()
}

/// One of them.
pub fn example(name: &str) -> SourceFile {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/examples").join(name);
    SourceFile { path: name.to_owned(), text: std::fs::read_to_string(path).unwrap() }
}
