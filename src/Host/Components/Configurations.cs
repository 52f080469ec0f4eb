using Hanbae.Api.Json;
using Hanbae.Controllers;
using Hanbae.Host.Roles;
using Hanbae.Scheduler;

namespace Hanbae.Host.Components;

/// <summary>What a component goes by, as <c>/configz</c> shows it: upstream's names, of what there is here.</summary>
static class Configurations
{
    public static JsonObject Of(SchedulerOptions options, ElectionSettings election)
    {
        var configuration = options.Configuration;
        return JsonObject.Of(("componentconfig", JsonObject.Of(
            ("LeaderElection", Of(election)), ("PercentageOfNodesToScore", configuration.PercentageOfNodesToScore),
            ("PodInitialBackoffSeconds", (long)configuration.PodInitialBackoff.TotalSeconds), ("PodMaxBackoffSeconds", (long)configuration.PodMaxBackoff.TotalSeconds),
            ("Profiles", new JsonArray([.. configuration.Profiles.Select(p => (JsonValue)JsonObject.Of(("SchedulerName", p.Name)))])))));
    }

    public static JsonObject Of(ControllerOptions options, ElectionSettings election) => JsonObject.Of(("kubecontrollermanager.config.k8s.io", JsonObject.Of(
        ("Generic", JsonObject.Of(("LeaderElection", Of(election)), ("Controllers", new JsonArray([.. Catalog.All.Where(options.Run.Has).Select(e => (JsonValue)e.Name)])))),
        ("KubeCloudShared", JsonObject.Of(("ClusterCIDR", options.ClusterCidr), ("AllocateNodeCIDRs", options.ClusterCidr.Length > 0))),
        ("CSRSigningController", JsonObject.Of(("ClusterSigningDuration", Text(options.SigningDuration)))),
        ("NodeLifecycleController", JsonObject.Of(("NodeMonitorGracePeriod", Text(options.NodeMonitorGracePeriod)), ("NodeStartupGracePeriod", Text(options.NodeStartupGracePeriod)))),
        ("PodGCController", JsonObject.Of(("TerminatedPodGCThreshold", options.TerminatedPodThreshold))))));

    static JsonObject Of(ElectionSettings election) => JsonObject.Of(
        ("LeaderElect", election.Elect), ("LeaseDuration", Text(election.Times.LeaseDuration)), ("RenewDeadline", Text(election.Times.RenewDeadline)),
        ("RetryPeriod", Text(election.Times.RetryPeriod)), ("ResourceLock", "leases"), ("ResourceName", election.Lease), ("ResourceNamespace", "kube-system"));

    static string Text(TimeSpan span) => Api.Duration.From(span).ToString();
}
