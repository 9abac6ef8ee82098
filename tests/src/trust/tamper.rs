//! A stranger's hands on the account: edits and deletions that nobody declared.
//!
//! Part of `stage`, told by `play`. What AWS refuses the stranger is no event. Whatever the hands have touched is excused from the
//! audit for a while: what is missing then is the stranger's doing.

use serde_json::{Value, json};

use super::fleet::CLUSTER;
use super::history::Tamper;
use super::stage::Stage;

impl Stage {
    /// Does it, to one of what is there.
    pub fn tamper(&self, tamper: Tamper, pick: usize) {
        let object = match tamper {
            Tamper::ChangesCluster => self.changes_cluster(pick),
            Tamper::DetachesProviders => self.detaches_providers(),
            Tamper::ResizesGroup(_) | Tamper::DeletesGroup => self.on_group(tamper, pick),
            Tamper::DeletesTemplate | Tamper::PublishesTemplateVersion => self.on_template(tamper, pick),
            Tamper::DeletesProvider | Tamper::ChangesProvider => self.on_provider(tamper, pick),
            Tamper::DrainsInstance => self.drains(pick),
            Tamper::StopsJobTask => self.stops_job_task(pick),
            _ => self.on_service(tamper, pick),
        };
        if let Some(object) = object {
            self.air.count("a stranger's hands");
            self.audit(|auditor, now| auditor.excuse(&object, now));
        }
    }

    fn hand(&self, service: &str, operation: &str, input: &Value) -> Option<Value> {
        self.world.try_on(service, operation, input).ok()
    }

    fn list(&self, service: &str, operation: &str, input: &Value, member: &str) -> Vec<Value> {
        let answer = self.hand(service, operation, input).unwrap_or_default();
        answer[member].as_array().cloned().unwrap_or_default()
    }

    fn on_service(&self, tamper: Tamper, pick: usize) -> Option<String> {
        let arns = self.list("ecs", "ListServices", &json!({"cluster": CLUSTER, "maxResults": 100}), "serviceArns");
        let arn = chosen(&arns, pick)?;
        let service = self.world.service(CLUSTER, arn.as_str()?);
        let object = self.audit(|auditor, _| auditor.object_of(service["serviceName"].as_str().unwrap_or_default()))?;
        let input = match tamper {
            Tamper::ScalesService(count) => json!({"cluster": CLUSTER, "service": arn, "desiredCount": count}),
            Tamper::DeploysService => json!({"cluster": CLUSTER, "service": arn, "forceNewDeployment": true}),
            Tamper::DeletesService => json!({"cluster": CLUSTER, "service": arn, "force": true}),
            Tamper::UntagsService => json!({"resourceArn": arn, "tagKeys": ["neuron.ecs/fingerprint", "team"]}),
            Tamper::DeregistersRevision => json!({"taskDefinition": service["taskDefinition"]}),
            _ => {
                let tasks = self.list("ecs", "ListTasks", &json!({"cluster": CLUSTER}), "taskArns");
                json!({"cluster": CLUSTER, "task": chosen(&tasks, pick)?})
            }
        };
        let operation = match tamper {
            Tamper::ScalesService(_) | Tamper::DeploysService => "UpdateService",
            Tamper::DeletesService => "DeleteService",
            Tamper::UntagsService => "UntagResource",
            Tamper::DeregistersRevision => "DeregisterTaskDefinition",
            _ => "StopTask",
        };
        self.hand("ecs", operation, &input)?;
        Some(if operation == "StopTask" { "*".to_owned() } else { object })
    }

    fn changes_cluster(&self, pick: usize) -> Option<String> {
        let value = ["enabled", "disabled"][pick % 2];
        let settings = json!([{"name": "containerInsights", "value": value}]);
        self.hand("ecs", "UpdateClusterSettings", &json!({"cluster": CLUSTER, "settings": settings}))?;
        Some(CLUSTER.to_owned())
    }

    fn detaches_providers(&self) -> Option<String> {
        let nothing = json!({"cluster": CLUSTER, "capacityProviders": [], "defaultCapacityProviderStrategy": []});
        self.hand("ecs", "PutClusterCapacityProviders", &nothing)?;
        Some("*".to_owned())
    }

    fn on_provider(&self, tamper: Tamper, pick: usize) -> Option<String> {
        let listed = self.list("ecs", "DescribeCapacityProviders", &json!({"cluster": CLUSTER}), "capacityProviders");
        let provider = chosen(&listed, pick)?;
        let name = &provider["name"];
        match tamper {
            Tamper::DeletesProvider => {
                self.hand("ecs", "DeleteCapacityProvider", &json!({"cluster": CLUSTER, "capacityProvider": name}))?
            }
            _ if provider["autoScalingGroupProvider"].is_object() => {
                let scaling = json!({"managedScaling": {"status": "ENABLED", "targetCapacity": 50}});
                self.hand("ecs", "UpdateCapacityProvider", &json!({"name": name, "autoScalingGroupProvider": scaling}))?
            }
            _ => {
                let mut managed = provider["managedInstancesProvider"].clone();
                managed["propagateTags"] = json!("NONE");
                let input = json!({"name": name, "cluster": CLUSTER, "managedInstancesProvider": managed});
                self.hand("ecs", "UpdateCapacityProvider", &input)?
            }
        };
        Some("*".to_owned())
    }

    fn on_group(&self, tamper: Tamper, pick: usize) -> Option<String> {
        let groups = self.list("autoscaling", "DescribeAutoScalingGroups", &json!({}), "AutoScalingGroups");
        let groups: Vec<Value> = groups.into_iter().filter(|group| group["AutoScalingGroupName"] != "theirs").collect();
        let group = chosen(&groups, pick)?;
        let name = &group["AutoScalingGroupName"];
        match tamper {
            Tamper::ResizesGroup(size) => {
                let input = json!({"AutoScalingGroupName": name, "DesiredCapacity": size, "MaxSize": size + 3});
                self.hand("autoscaling", "UpdateAutoScalingGroup", &input)?
            }
            _ => self.hand(
                "autoscaling",
                "DeleteAutoScalingGroup",
                &json!({"AutoScalingGroupName": name, "ForceDelete": true}),
            )?,
        };
        Some("*".to_owned())
    }

    fn on_template(&self, tamper: Tamper, pick: usize) -> Option<String> {
        let templates = self.list("ec2", "DescribeLaunchTemplates", &json!({}), "LaunchTemplates");
        let templates: Vec<Value> =
            templates.into_iter().filter(|template| template["LaunchTemplateName"] != "theirs").collect();
        let id = &chosen(&templates, pick)?["LaunchTemplateId"];
        if tamper == Tamper::DeletesTemplate {
            self.hand("ec2", "DeleteLaunchTemplate", &json!({"LaunchTemplateId": id}))?;
        } else {
            let data = json!({"InstanceType": "inf2.xlarge"});
            let input = json!({"LaunchTemplateId": id, "SourceVersion": "$Latest", "LaunchTemplateData": data});
            let made = self.hand("ec2", "CreateLaunchTemplateVersion", &input)?;
            let version = made["LaunchTemplateVersion"]["VersionNumber"].to_string();
            self.hand("ec2", "ModifyLaunchTemplate", &json!({"LaunchTemplateId": id, "DefaultVersion": version}))?;
        }
        Some("*".to_owned())
    }

    fn stops_job_task(&self, pick: usize) -> Option<String> {
        let mut tasks = self.world.aws.with(|aws| aws.world().live_tasks());
        tasks.retain(|task| task.service.is_none());
        let task = tasks.get(pick.checked_rem(tasks.len())?)?;
        self.hand("ecs", "StopTask", &json!({"cluster": CLUSTER, "task": task.arn}))?;
        Some("*".to_owned())
    }

    fn drains(&self, pick: usize) -> Option<String> {
        let listed = json!({"cluster": CLUSTER, "status": "ACTIVE"});
        let instances = self.list("ecs", "ListContainerInstances", &listed, "containerInstanceArns");
        let input =
            json!({"cluster": CLUSTER, "containerInstances": [chosen(&instances, pick)?], "status": "DRAINING"});
        self.hand("ecs", "UpdateContainerInstancesState", &input)?;
        Some("*".to_owned())
    }
}

fn chosen(list: &[Value], pick: usize) -> Option<&Value> {
    list.get(pick.checked_rem(list.len())?)
}
