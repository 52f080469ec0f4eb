using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

/// <summary>What keeps Pods, by the real kubectl, on nodes that only pretend to run them: they are ready at once, and what is to end succeeds at once.</summary>
[Collection(OwnClusters.Name)]
public sealed class WorkloadTests
{
    const string Yaml = """
        apiVersion: apps/v1
        kind: DaemonSet
        metadata: {name: log}
        spec:
          selector: {matchLabels: {app: log}}
          template:
            metadata: {labels: {app: log}}
            spec: {containers: [{name: main, image: "busybox:1"}]}
        ---
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: db}
        spec:
          replicas: 3
          serviceName: db
          selector: {matchLabels: {app: db}}
          template:
            metadata: {labels: {app: db}}
            spec: {containers: [{name: main, image: "busybox:1"}]}
        ---
        apiVersion: v1
        kind: ReplicationController
        metadata: {name: old}
        spec:
          replicas: 2
          selector: {app: old}
          template:
            metadata: {labels: {app: old}}
            spec: {containers: [{name: main, image: "busybox:1"}]}
        ---
        apiVersion: batch/v1
        kind: Job
        metadata: {name: work}
        spec:
          completions: 5
          parallelism: 2
          completionMode: Indexed
          ttlSecondsAfterFinished: 100000
          template:
            spec: {restartPolicy: Never, containers: [{name: main, image: "busybox:1"}]}
        ---
        apiVersion: batch/v1
        kind: CronJob
        metadata: {name: tick}
        spec:
          schedule: "0 0 1 1 *"
          timeZone: Etc/UTC
          jobTemplate:
            spec:
              template:
                spec: {restartPolicy: Never, containers: [{name: main, image: "busybox:1"}]}
        ---
        apiVersion: policy/v1
        kind: PodDisruptionBudget
        metadata: {name: db}
        spec: {maxUnavailable: 1, selector: {matchLabels: {app: db}}}
        """;

    [PlainUserFact]
    public async Task Every_kind_of_workload_comes_up_rolls_out_and_back_and_ends()
    {
        await using var cluster = RealCluster.Plan(Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []);
        await cluster.UpAsync("--control-plane-only", "--simulated-nodes", "3");
        await Until.TrueAsync("default service account", async () => (await cluster.TryKubectlAsync(["get", "serviceaccount", "default"])).Code == 0);
        (await cluster.TryKubectlAsync(["apply", "-f", "-"], Yaml)).Ok();

        await cluster.KubectlAsync("rollout", "status", "daemonset/log", "--timeout=100s");
        await cluster.KubectlAsync("rollout", "status", "statefulset/db", "--timeout=100s");
        await cluster.KubectlAsync("wait", "job/work", "--for=condition=complete", "--timeout=100s");
        await Until.Async("the controller's Pods", () => cluster.KubectlAsync("get", "rc", "old", "-o", "jsonpath={.status.readyReplicas}"), n => n == "2");
        Assert.Equal("0-4", await cluster.KubectlAsync("get", "job", "work", "-o", "jsonpath={.status.completedIndexes}"));
        Assert.Equal("db-0 db-1 db-2", await cluster.KubectlAsync("get", "pods", "-l", "app=db", "-o", "jsonpath={.items[*].metadata.name}"));
        await Until.Async("a disruption to be allowed", () => cluster.KubectlAsync("get", "pdb", "db", "-o", "jsonpath={.status.disruptionsAllowed}"), n => n == "1");

        foreach (string set in (string[])["daemonset/log", "statefulset/db"])
        {
            await cluster.KubectlAsync("set", "image", set, "main=busybox:2");
            await cluster.KubectlAsync("rollout", "status", set, "--timeout=100s");
            Assert.Matches(@"REVISION\s+CHANGE-CAUSE\n1\s+<none>\n2\s+<none>", await cluster.KubectlAsync("rollout", "history", set));
            await cluster.KubectlAsync("rollout", "undo", set);
            await cluster.KubectlAsync("rollout", "status", set, "--timeout=100s");
            Assert.Equal("busybox:1", await cluster.KubectlAsync("get", set, "-o", "jsonpath={.spec.template.spec.containers[0].image}"));
        }

        await cluster.KubectlAsync("create", "job", "now", "--from=cronjob/tick");
        await cluster.KubectlAsync("wait", "job/now", "--for=condition=complete", "--timeout=100s");
        Assert.Equal("manual", await cluster.KubectlAsync("get", "job", "now", "-o", @"jsonpath={.metadata.annotations.cronjob\.kubernetes\.io/instantiate}"));

        await cluster.KubectlAsync("scale", "statefulset/db", "--replicas=1");
        await Until.Async("one member", () => cluster.KubectlAsync("get", "pods", "-l", "app=db", "-o", "name"), left => left.Trim() == "pod/db-0");
        await cluster.KubectlAsync("delete", "daemonset,statefulset,rc,job,cronjob,pdb", "--all");
        await Until.Async("no Pods", () => cluster.KubectlAsync("get", "pods", "-o", "name"), left => left.Length == 0);
    }
}
