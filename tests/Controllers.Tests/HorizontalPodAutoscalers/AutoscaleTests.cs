using System.Text;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Autoscaling.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using V2 = Hanbae.Api.Autoscaling.V2;

namespace Hanbae.Controllers.Tests.HorizontalPodAutoscalers;

public sealed class AutoscaleTests
{
    int _replicas = 2;
    volatile string _use = "900m";
    volatile string _scaled = "";

    /// <summary>Plays the scale of a Deployment and what measures its Pods.</summary>
    ApiResult? Play(ApiRequest request)
    {
        if (request.Path.EndsWith("/deployments/web/scale", StringComparison.Ordinal))
        {
            if (request.Object is Scale asked) { _replicas = asked.Spec.Replicas; _scaled += asked.Spec.Replicas + " "; }
            return new() { Code = 200, Object = new Scale { Metadata = new() { Name = "web", Namespace = "default" }, Spec = new() { Replicas = _replicas }, Status = new() { Replicas = _replicas, Selector = "app=web" } } };
        }
        if (!request.Path.StartsWith("/apis/metrics.k8s.io/", StringComparison.Ordinal)) return null;
        string Pod(string name) => $$$"""{"metadata":{"name":"{{{name}}}"},"timestamp":"2030-01-01T00:59:30Z","window":"15s","containers":[{"name":"main","usage":{"cpu":"{{{_use}}}"}}]}""";
        return _use.Length == 0 ? new() { Code = 404, Object = new Api.Meta.V1.Status { Code = 404, Reason = "NotFound", Message = "the server could not find the requested resource (get pods.metrics.k8s.io)" } }
            : new() { Code = 200, Body = Encoding.UTF8.GetBytes($$"""{"kind":"PodMetricsList","items":[{{Pod("a")}},{{Pod("b")}}]}""") };
    }

    static Pod Running(string name)
    {
        var pod = Make.Pod(name, node: "n", readySince: Make.Start.AddHours(-1));
        return pod with
        {
            Spec = pod.Spec with { Containers = [new() { Name = "main", Resources = new() { Requests = Map.Of(("cpu", Quantity.Parse("1"))) } }] },
            Status = pod.Status with { StartTime = Make.Start.AddHours(-1) },
        };
    }

    TestCluster Start() => new(["horizontalpodautoscaling"], api =>
    {
        api.Intercept = Play;
        api.Put(Running("a"));
        api.Put(Running("b"));
        api.Put(new V2.HorizontalPodAutoscaler
        {
            Metadata = new() { Name = "web", Namespace = "default", Uid = "u" },
            Spec = new()
            {
                ScaleTargetRef = new() { Kind = "Deployment", Name = "web", ApiVersion = "apps/v1" }, MinReplicas = 1, MaxReplicas = 10,
                Metrics = [new() { Type = "Resource", Resource = new() { Name = "cpu", Target = new() { Type = "Utilization", AverageUtilization = 60 } } }],
            },
        });
    });

    static string Told(V2.HorizontalPodAutoscaler hpa) => string.Join(' ', hpa.Status.Conditions.Select(c => $"{c.Type}={c.Status}/{c.Reason}"));

    [Fact]
    public async Task Load_makes_more_replicas_of_whatever_has_a_scale()
    {
        await using var cluster = Start();
        await cluster.UntilAsync(api => api.Find<V2.HorizontalPodAutoscaler>("web")!.Status.LastScaleTime is not null);
        Assert.Equal("3 ", _scaled);
        var hpa = cluster.Api.Find<V2.HorizontalPodAutoscaler>("web")!;
        Assert.Equal("AbleToScale=True/SucceededRescale ScalingActive=True/ValidMetricFound ScalingLimited=False/DesiredWithinRange", Told(hpa));
        Assert.Equal((2, 3, 90, "900m"), (hpa.Status.CurrentReplicas, hpa.Status.DesiredReplicas, hpa.Status.CurrentMetrics[0].Resource!.Current.AverageUtilization, hpa.Status.CurrentMetrics[0].Resource!.Current.AverageValue.ToString()));
        Assert.Contains(("SuccessfulRescale", "New size: 3; reason: cpu resource utilization (percentage of request) above target"), cluster.Events.Told);
    }

    [Fact]
    public async Task Without_readings_nothing_is_done_and_that_is_said()
    {
        _use = "";
        await using var cluster = Start();
        await cluster.UntilAsync(api => api.Find<V2.HorizontalPodAutoscaler>("web")!.Status.Conditions.Count > 1);
        Assert.Equal("AbleToScale=True/SucceededGetScale ScalingActive=False/FailedGetResourceMetric", Told(cluster.Api.Find<V2.HorizontalPodAutoscaler>("web")!));
        Assert.StartsWith("the HPA was unable to compute the replica count: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find",
            cluster.Api.Find<V2.HorizontalPodAutoscaler>("web")!.Status.Conditions[1].Message);
        Assert.Equal("", _scaled);
    }

    [Fact]
    public async Task What_is_scaled_to_zero_stays_there()
    {
        _replicas = 0;
        await using var cluster = Start();
        await cluster.UntilAsync(api => api.Find<V2.HorizontalPodAutoscaler>("web")!.Status.Conditions.Exists(c => c.Reason == "ScalingDisabled"));
        Assert.Equal("", _scaled);
    }

    [Fact]
    public async Task More_than_there_may_be_comes_down_at_once()
    {
        _replicas = 20;
        await using var cluster = Start();
        await cluster.UntilAsync(_ => _scaled.StartsWith("10 ", StringComparison.Ordinal));
        await cluster.UntilAsync(_ => cluster.Events.Told.Contains(("SuccessfulRescale", "New size: 10; reason: Current number of replicas above Spec.MaxReplicas")));
    }
}
